//! The recorded cases as requests to us.

use std::collections::BTreeMap;
use std::time::Duration;

use express_session_core::{CookieOptions, OptionsBuilder, Session, SessionError, SessionManager, Unset};
use serde_json::json;

use crate::support::options::{builder, manager, numbered_ids};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{NOW, now_or_never};

pub(super) const PLAIN: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"n":1}"#;
const MINUTE: &str = r#"{"cookie":{"originalMaxAge":60000,"expires":"2030-01-02T03:04:35.678Z","httpOnly":true,"path":"/"},"n":1}"#;

/// One vector's setting and requests.
pub(super) struct Scene {
    pub(super) spy: Spy,
    pub(super) manager: SessionManager,
    /// The `Set-Cookie` header of each response, with `<name id>` for name and value.
    pub(super) sent: Vec<Option<String>>,
}

impl Scene {
    fn new(document: &str, options: impl FnOnce(OptionsBuilder) -> OptionsBuilder) -> Self {
        let spy = Spy::new().with("SID", document);
        let base = numbered_ids(builder()).resave(false).save_uninitialized(true);
        let manager = manager(options(base), &spy).unwrap();
        Self { spy, manager, sent: Vec::new() }
    }

    pub(super) fn plain() -> Self {
        Self::new(PLAIN, |options| options)
    }

    /// A request with the cookie for SID.
    pub(super) fn live(mut self, handler: impl AsyncFnOnce(&Session, &Spy)) -> Self {
        self.request(&Head::new().with_session("SID"), handler);
        self
    }

    fn without_cookie(mut self, handler: impl AsyncFnOnce(&Session, &Spy)) -> Self {
        self.request(&Head::new(), handler);
        self
    }

    pub(super) fn request(&mut self, head: &Head, handler: impl AsyncFnOnce(&Session, &Spy)) {
        let sent = now_or_never(async {
            let session = self.manager.begin(head).await.unwrap().unwrap();
            handler(&session, &self.spy).await;
            let text = session.finish().await.unwrap().set_cookie?;
            let attributes = text.find(';').map_or("", |at| &text[at..]);
            Some(format!("<connect.sid {}>{attributes}", session.id().as_str()))
        });
        self.sent.push(sent);
    }
}

pub(super) fn n(session: &Session, n: i32) {
    session.insert("n", n).unwrap();
}

/// The vectors that come out as in Node.
#[allow(clippy::too_many_lines, reason = "one arm per recorded case")]
pub(super) fn same_as_node(name: &str) -> Option<Scene> {
    let nothing = async |_: &Session, _: &Spy| {};
    Some(match name {
        "path mismatch: no req.session, no req.sessionID, no store call" => {
            let scene = Scene::new(PLAIN, |options| options.cookie(CookieOptions::new().path("/app")));
            let head = Head::new().target("/other").with_session("SID");
            assert!(now_or_never(scene.manager.begin(&head)).unwrap().is_none());
            assert_eq!(scene.spy.calls(), [] as [&str; 0]);
            scene
        }
        "unset \"\" and other falsy values mean keep"
        | "req.session = null with unset keep: nothing is stored or removed" => {
            Scene::plain().live(async |session, _| session.unset())
        }
        "resave and saveUninitialized undefined default to true" => {
            let spy = Spy::new().with("SID", PLAIN);
            let manager = manager(numbered_ids(builder()), &spy).unwrap();
            Scene { spy, manager, sent: Vec::new() }.without_cookie(nothing).live(nothing)
        }
        "resave 0 / saveUninitialized \"\" are used as falsy" => {
            Scene::new(PLAIN, |options| options.save_uninitialized(false))
                .without_cookie(nothing)
                .live(nothing)
        }
        "destroy(): no Set-Cookie is sent, the client keeps its cookie" => {
            Scene::plain().live(async |session, _| session.destroy().await.unwrap())
        }
        "after destroy() req.session is undefined, req.sessionID stays" => {
            Scene::plain().live(async |session, _| {
                session.destroy().await.unwrap();
                assert!(!session.is_live());
                assert_eq!(session.id().as_str(), "SID");
                assert!(matches!(session.save().await, Err(SessionError::NoSession)));
                assert!(matches!(session.reload().await, Err(SessionError::NoSession)));
            })
        }
        "destroy() with unset \"destroy\": store.destroy runs twice" => {
            Scene::new(PLAIN, |options| options.unset(Unset::Destroy))
                .live(async |session, _| session.destroy().await.unwrap())
        }
        "req.session = undefined behaves like null" => {
            Scene::new(PLAIN, |options| options.unset(Unset::Destroy))
                .live(async |session, _| session.unset())
        }
        "regenerate(): store.destroy(old), new id at once, new cookie object" => {
            Scene::plain().live(async |session, spy| {
                session.regenerate().await.unwrap();
                assert_eq!(session.id().as_str(), "N1");
                assert!(session.data().is_empty() && spy.docs().is_empty());
            })
        }
        "new session, explicit save() without change, saveUninitialized false: stored, but NO cookie is sent" => {
            Scene::new(PLAIN, |options| options.save_uninitialized(false))
                .without_cookie(async |session, _| session.save().await.unwrap())
        }
        "new session, modified and saved explicitly, saveUninitialized false" => {
            Scene::new(PLAIN, |options| options.save_uninitialized(false)).without_cookie(
                async |session, _| {
                    n(session, 1);
                    session.save().await.unwrap();
                },
            )
        }
        "reload() then explicit save(): save() is hooked again, stored once" => {
            Scene::plain().live(async |session, _| {
                session.reload().await.unwrap();
                n(session, 2);
                session.save().await.unwrap();
            })
        }
        "regenerate() twice" => Scene::plain().live(async |session, _| {
            session.regenerate().await.unwrap();
            session.regenerate().await.unwrap();
            n(session, 1);
        }),
        "regenerate() then destroy()" => Scene::plain().live(async |session, _| {
            session.regenerate().await.unwrap();
            session.destroy().await.unwrap();
        }),
        "regenerate() with saveUninitialized false and no change: the new session IS stored and the cookie IS sent (the id differs from the original id)" => {
            Scene::new(PLAIN, |options| options.save_uninitialized(false))
                .live(async |session, _| session.regenerate().await.unwrap())
        }
        "reload() after another request changed the session: counts as modified (stored again; cookie re-sent because of maxAge)" => {
            Scene::new(MINUTE, |options| options).live(async |session, spy| {
                let newer = MINUTE.replace("\"n\":1", "\"n\":5");
                spy.meddle(|docs| drop(docs.insert("SID".into(), newer.into())));
                session.reload().await.unwrap();
                assert_eq!(session.get::<i32>("n").unwrap(), Some(5));
            })
        }
        "reload() of a session removed meanwhile: Error to the callback, req.session stays as it was (unmodified: touched at the end)" => {
            Scene::plain().live(async |session, spy| {
                spy.meddle(BTreeMap::clear);
                assert!(matches!(session.reload().await, Err(SessionError::NotFound)));
                assert_eq!(session.get::<i32>("n").unwrap(), Some(1));
            })
        }
        "session removed by another request, this one unmodified: MemoryStore touch() is a no-op" => {
            Scene::plain().live(async |_, spy| spy.meddle(BTreeMap::clear))
        }
        "cookie.maxAge read: time left (not originalMaxAge); originalMaxAge kept" => {
            Scene::new(MINUTE, |options| options).live(async |session, _| {
                assert_eq!(session.cookie().max_age(NOW), Some(Duration::from_secs(30)));
                assert_eq!(session.cookie().original_max_age(), Some(60_000.0));
            })
        }
        "session.id and req are not enumerable; cookie is an own enumerable property" => {
            Scene::new(MINUTE, |options| options).without_cookie(nothing).live(nothing)
        }
        "res.end called twice: saved once" => Scene::plain().live(async |session, spy| {
            n(session, 5);
            session.finish().await.unwrap();
            assert_eq!(spy.calls(), ["get", "set"]);
        }),
        "modified after res.end: lost" => {
            let mut scene = Scene::plain();
            let mut kept = None;
            scene.request(&Head::new().with_session("SID"), async |session, _| kept = Some(session.clone()));
            n(&kept.unwrap(), 5);
            scene
        }
        "save() twice with the same content" => Scene::plain().live(async |session, _| {
            n(session, 2);
            session.save().await.unwrap();
            session.save().await.unwrap();
        }),
        "save() without callback then end in the same tick" => Scene::plain().live(async |session, _| {
            n(session, 2);
            session.save().await.unwrap();
        }),
        "change and change back after save()" => Scene::plain().live(async |session, _| {
            n(session, 2);
            session.save().await.unwrap();
            n(session, 1);
        }),
        "nested key named cookie counts for the hash; the top-level cookie does not" => {
            let document = PLAIN.replace("\"n\":1", r#""o":{"cookie":1}"#);
            Scene::new(&document, |options| options)
                .live(async |session, _| session.insert("o", json!({ "cookie": 2 })).unwrap())
        }
        "1 to 1.0, \"\\u00e9\" to escaped: not a modification" => Scene::plain().live(async |session, _| {
            session.insert("n", 1.0).unwrap();
        }),
        "expired in MemoryStore: removed at get, new session" => {
            let scene = Scene::new(&MINUTE.replace("03:04:35.678Z", "03:04:05.678Z"), |options| options)
                .live(nothing);
            // Removing what is expired is the store's; ours only hides it.
            scene.spy.meddle(|docs| drop(docs.remove("SID")));
            scene
        }
        "MemoryStore: expires one ms in the future is alive" => {
            Scene::new(&MINUTE.replace("03:04:35.678Z", "03:04:05.679Z"), |options| options).live(nothing)
        }
        "error handler response after store.get failed: no session object, nothing is saved" => {
            let spy = Spy::new().with("SID", PLAIN).failing("get");
            let manager = manager(numbered_ids(builder()), &spy).unwrap();
            assert!(now_or_never(manager.begin(&Head::new().with_session("SID"))).is_err());
            Scene { spy, manager, sent: Vec::new() }
        }
        _ => return None,
    })
}
