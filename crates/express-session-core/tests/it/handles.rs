//! Several handles on one session, and verbs that fail half-way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use express_session_core::{
    Cookie, Document, Expect, NoTimer, Options, RequestHead, Secrets, SessionError, SessionId,
    SessionManager, SessionStore, SetOutcome, StoreError, Stored, Successor, SupersedeOutcome, TouchHint,
    TouchOutcome,
};

use crate::support::now_or_never;
use crate::support::options::{manager, numbered_ids, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;

const RECORD: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"num":0,"cart":1}"#;

/// Carries a write out at once; its answer arrives later, the first one latest.
#[derive(Debug)]
struct LateAnswers {
    spy: Spy,
    /// How many turns of others the next answer waits for.
    delay: AtomicU32,
}

impl SessionStore for LateAnswers {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.spy.get(id).await
    }
    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        self.spy.get_and_touch(id, hint).await
    }
    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        let outcome = self.spy.set(id, document, expect).await;
        for _ in 0..self.delay.swap(0, Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        outcome
    }
    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: std::time::Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.spy.set_for(id, document, expect, at_most).await
    }
    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        self.spy.touch(id, document, cookie).await
    }
    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.spy.destroy(id).await
    }
    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        self.spy.supersede(id, expect, by).await
    }
    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        self.spy.successor(id).await
    }
}

fn late(spy: &Spy) -> SessionManager {
    let store = LateAnswers { spy: spy.clone(), delay: AtomicU32::new(20) };
    SessionManager::with_clock(store, quiet().build().unwrap(), Arc::clone(&spy.clock), NoTimer)
}

#[tokio::test]
async fn answers_that_arrive_out_of_order_take_no_handle_back() {
    // A session that is stored, and one that is not yet: its first writes expect nothing.
    for stored in [true, false] {
        let spy = Spy::new().with("SID", RECORD);
        let head = if stored { Head::new().with_session("SID") } else { Head::new() };
        let session = late(&spy).begin(&head).await.unwrap().unwrap();
        let other = session.clone();
        let count = |num: Option<u64>| num.unwrap_or(0) + 1;
        let (first, second) = tokio::join!(session.update("num", count), other.update("num", count));
        assert_eq!([first.unwrap(), second.unwrap()], [1, 2]);
        other.insert("by", "the other").unwrap();
        assert_eq!(session.update("num", count).await.unwrap(), 3);
        session.finish().await.unwrap();
        let doc = spy.doc(if stored { "SID" } else { "N1" }).unwrap();
        assert!(doc.contains("\"num\":3") && doc.contains("the other"), "{doc}");
    }
}

#[tokio::test]
async fn a_logout_by_one_handle_outlasts_the_write_of_another() {
    let spy = Spy::new().with("SID", RECORD);
    let session = late(&spy).begin(&Head::new().with_session("SID")).await.unwrap().unwrap();
    let other = session.clone();
    session.insert("num", 5).unwrap();
    let (saved, ended) = tokio::join!(session.save(), other.destroy());
    saved.unwrap();
    ended.unwrap();
    assert!(matches!(session.save().await, Err(SessionError::NoSession)));
    assert_eq!(session.finish().await.unwrap().set_cookie, None);
    assert!(spy.docs().is_empty());
}

/// The handler overlooks that the old session could not be destroyed: what it then stores under the new id is the new
/// visitor's alone, as in express-session (`index.js`, `store.regenerate`).
#[test]
fn after_a_failed_regenerate_nothing_of_the_old_visitor_is_stored() {
    let spy = Spy::new().with("SID", RECORD).failing("destroy");
    let session = now_or_never(manager(quiet(), &spy).unwrap().begin(&Head::new().with_session("SID")));
    let session = session.unwrap().unwrap();
    session.insert("cart", 2).unwrap();
    assert!(now_or_never(session.regenerate()).is_err());
    session.insert("user", "me").unwrap();
    assert!(now_or_never(session.finish()).unwrap().set_cookie.is_some());
    let stored = spy.doc("N1").unwrap();
    assert!(stored.ends_with(r#","user":"me"}"#) && !stored.contains("cart"), "{stored}");
    assert_eq!(spy.doc("SID").as_deref(), Some(RECORD), "the old one is as it was");
}

/// DIFFERENCE: express-session writes it again at the end of the request (its issue 935).
#[test]
fn a_regenerated_session_that_is_saved_is_written_once() {
    let spy = Spy::new().with("SID", RECORD);
    let session = now_or_never(manager(quiet(), &spy).unwrap().begin(&Head::new().with_session("SID")));
    let session = session.unwrap().unwrap();
    now_or_never(session.regenerate()).unwrap();
    session.insert("user", "me").unwrap();
    now_or_never(session.save()).unwrap();
    assert!(now_or_never(session.finish()).unwrap().set_cookie.is_some());
    assert_eq!(spy.calls(), ["get", "destroy", "set"]);
    session.insert("late", 1).unwrap();
    now_or_never(session.finish()).unwrap();
    assert_eq!(spy.calls(), ["get", "destroy", "set", "set"], "but nothing is lost");
}

#[test]
fn a_session_that_nobody_asks_for_costs_no_call() {
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(quiet().rolling(true), &spy).unwrap();
    let head = Head::new().with_session("SID");
    let pending = manager.begin_lazily(&head).unwrap();
    assert_eq!(now_or_never(pending.finish()).unwrap().set_cookie, None);
    assert!(spy.calls().is_empty());

    let pending = manager.begin_lazily(&head).unwrap();
    let session = now_or_never(pending.session()).unwrap();
    session.insert("num", 1).unwrap();
    assert_eq!(now_or_never(pending.session()).unwrap().get::<u8>("num").unwrap(), Some(1), "the same one");
    assert!(now_or_never(pending.finish()).unwrap().set_cookie.is_some());
    assert_eq!(spy.calls(), ["get", "set"]);

    let outside = quiet().cookie(express_session_core::CookieOptions::new().path("/admin"));
    assert!(crate::support::options::manager(outside, &spy).unwrap().begin_lazily(&head).is_none());
}

#[test]
fn a_pending_session_is_loaded_once_whatever_was_found() {
    let spy = Spy::new().with("SID", RECORD);
    let mut fails = true;
    spy.before(move |_, docs| {
        if std::mem::take(&mut fails) {
            docs.insert("SID".into(), br#"{"cookie":{},"num":"#.to_vec());
        } else {
            docs.insert("SID".into(), RECORD.into());
        }
    });
    let pending = manager(quiet(), &spy).unwrap().begin_lazily(&Head::new().with_session("SID")).unwrap();
    // What cannot be decoded is a new session, which stays the request's.
    assert!(now_or_never(pending.session()).unwrap().is_new());
    assert!(now_or_never(pending.session()).unwrap().is_new());
    assert_eq!(spy.calls(), ["get"]);
}

/// Source: express-session README, `genid(req)`.
#[test]
fn ids_may_depend_on_the_request_also_in_regenerate_and_renew() {
    let spy = Spy::new();
    let next = AtomicU32::new(1);
    let next = Arc::new(next);
    let options = Options::express([crate::support::SECRET])
        .allow_weak_secret(true)
        .resave(false)
        .genid_with(move |request: &dyn RequestHead| {
            let (area, next) = (request.path().trim_matches('/').to_owned(), Arc::clone(&next));
            move || SessionId::parse(format!("{area}-{}", next.fetch_add(1, Ordering::SeqCst))).unwrap()
        });
    let manager = manager(options, &spy).unwrap();
    let begin = |path: &str| now_or_never(manager.begin(&Head::new().target(path))).unwrap().unwrap();
    let (shop, admin) = (begin("/shop"), begin("/admin"));
    assert_eq!((shop.id().as_str(), admin.id().as_str()), ("shop-1", "admin-2"));
    now_or_never(shop.regenerate()).unwrap();
    admin.renew();
    assert_eq!((shop.id().as_str(), admin.id().as_str()), ("shop-3", "admin-4"));
}

/// All secrets verify, not just the first and the second; the first signs.
#[test]
fn each_of_three_secrets_verifies() {
    let secrets = ["the newest secret", "the one before", "the oldest secret"];
    for secret in secrets {
        let spy = Spy::new().with("SID", RECORD);
        let builder = Options::express(secrets).allow_weak_secret(true).resave(false).rolling(true);
        let manager = manager(numbered_ids(builder), &spy).unwrap();
        let head = Head::new().with_session_signed("SID", secret);
        let session = now_or_never(manager.begin(&head)).unwrap().unwrap();
        assert_eq!(session.id().as_str(), "SID", "{secret}");
        let sent = now_or_never(session.finish()).unwrap().set_cookie.unwrap();
        let signed_anew = Secrets::new(secrets).unwrap().cookie_value("SID");
        assert!(sent.starts_with(&format!("connect.sid={signed_anew};")), "{secret}: signed with the first");
    }
    let spy = Spy::new().with("SID", RECORD);
    let builder = Options::express(secrets).allow_weak_secret(true).resave(false);
    let head = Head::new().with_session_signed("SID", "a fourth");
    let session = now_or_never(manager(numbered_ids(builder), &spy).unwrap().begin(&head)).unwrap().unwrap();
    assert_eq!(session.id().as_str(), "N1");
}
