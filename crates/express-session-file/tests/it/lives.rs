//! `lifecycle` in `tests/vectors/file.json`: whole requests, and after each of them the same files as with
//! express-session and session-file-store, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use express_session_core::{
    Clock as _, CookieOptions, NoTimer, Options, RequestHead, Secrets, Session, SessionManager, UnixMillis,
};
use express_session_testbed::vectors::{are_foreign, bytes, int, list, replay_async, text, untranslatable};
use serde_json::Value;

use crate::support::{Fixture, id, options_of};

const SECRET: &str = "keyboard cat";

/// A request to `/` with the cookie of one session, or none.
struct Request(Option<String>);

impl RequestHead for Request {
    fn path(&self) -> &'static str {
        "/"
    }
    fn is_tls(&self) -> bool {
        false
    }
    fn peer_addr(&self) -> Option<IpAddr> {
        None
    }
    fn headers(&self, name: &str, see: &mut dyn FnMut(&[u8])) {
        if let (Some(sid), "cookie") = (&self.0, name) {
            let value = Secrets::new([SECRET]).unwrap().cookie_value(sid);
            see(format!("connect.sid={value}").as_bytes());
        }
    }
}

/// The sessions of an application with the recorded options, in the folder of `fixture`.
fn sessions(life: &Value, fixture: &Fixture) -> SessionManager {
    let (mut cookie, next) = (CookieOptions::new(), AtomicUsize::new(1));
    let mut options = Options::express([SECRET])
        .allow_weak_secret(true)
        .resave(false)
        .save_uninitialized(true)
        .rolling(false)
        .genid(move || id(&format!("SID{}", next.fetch_add(1, Ordering::Relaxed))));
    for (name, value) in life["session_options"].as_object().unwrap() {
        options = match (name.as_str(), value.as_bool(), value["maxAge"].as_u64()) {
            ("resave", Some(resave), _) => options.resave(resave),
            ("saveUninitialized", Some(save), _) => options.save_uninitialized(save),
            ("rolling", Some(rolling), _) => options.rolling(rolling),
            ("cookie", _, Some(ms)) => {
                cookie = cookie.max_age(Duration::from_millis(ms));
                options
            }
            _ => untranslatable(format_args!("unknown option {name}: {value}")),
        };
    }
    let options = options.cookie(cookie).build().unwrap();
    SessionManager::with_clock(fixture.store.clone(), options, Arc::clone(&fixture.clock), NoTimer)
}

/// By how many milliseconds the clock went on while a step's handler ran.
fn advances(step: &str) -> u64 {
    match step {
        "save() then nothing, clock advances inside" => 5,
        "handler lets the session expire before touch: touch() rewrites the file WITHOUT the data" => 2,
        _ => 0,
    }
}

/// What the recorded handlers do.
async fn handle(step: &str, session: &Session, fixture: &Fixture) {
    match step {
        "first request, no cookie, handler sets n=1" | "created with data" => session.insert("n", 1).unwrap(),
        "modified, key added after __lastAccess" | "modified to the same value" => {
            session.insert("m", 2).unwrap();
        }
        "__lastAccess deleted by the handler: re-added at the end" => {
            assert!(session.remove("__lastAccess"));
        }
        "cookie.maxAge = 5000 only" => session.cookie_mut().set_max_age(Some(Duration::from_secs(5))),
        "save() then nothing, clock advances inside" | "save() then nothing, same ms" => {
            session.insert("n", if step.ends_with("inside") { 10 } else { 11 }).unwrap();
            session.save().await.unwrap();
        }
        "reload()" => session.reload().await.unwrap(),
        "regenerate() and modify" => {
            session.regenerate().await.unwrap();
            session.insert("n", 1).unwrap();
        }
        "new id: destroy()" => session.destroy().await.unwrap(),
        "file removed during the request: touch() fails with ENOENT after retries" => {
            fs::remove_file(fixture.file("SID1.json")).unwrap();
        }
        "second request, unmodified, same ms"
        | "second request, unmodified"
        | "10.5 s later, unmodified"
        | "old id again (file gone: ENOENT is \"no session\", after retries)"
        | "unknown id"
        | "untouched: nothing is stored"
        | "unknown id, untouched: nothing is stored"
        | "unmodified at exactly the limit"
        | "unmodified one ms after the limit of the previous access"
        | "unmodified at exactly ttl"
        | "one ms after ttl: get returns null, file stays, new session"
        | "at exactly 3600 s"
        | "3600.001 s after the last access"
        | "handler lets the session expire before touch: touch() rewrites the file WITHOUT the data"
        | "next request: the data is gone" => {}
        other => untranslatable(format_args!("unknown step {other}")),
    }
    fixture.clock.advance(Duration::from_millis(advances(step)));
}

/// The files after a step where ours are others than Node's.
fn different(step: &str, before: &BTreeMap<String, Vec<u8>>, clock: UnixMillis) -> Option<Vec<String>> {
    let before = || before.values().map(|file| String::from_utf8(file.clone()).unwrap());
    match step {
        // DIFFERENCE: `__lastAccess` is no modification: one write, at the instant of the save.
        "save() then nothing, clock advances inside" => {
            let saved = clock.0 - 5;
            let mut cookie = express_session_core::Cookie::default();
            cookie.set_max_age(Some(Duration::from_secs(5)), UnixMillis(saved));
            let cookie = cookie.encode();
            Some(vec![format!("{{\"cookie\":{cookie},\"n\":10,\"m\":2,\"__lastAccess\":{saved}}}")])
        }
        // DIFFERENCE: a session that has expired during the request has ended; its file is left to the sweep.
        "handler lets the session expire before touch: touch() rewrites the file WITHOUT the data" => {
            Some(before().collect())
        }
        // DIFFERENCE: as there; this is another visitor.
        "next request: the data is gone" => {
            let mut cookie = express_session_core::Cookie::default();
            cookie.set_max_age(Some(Duration::from_mins(1)), clock);
            let new = format!("{{\"cookie\":{},\"__lastAccess\":{}}}", cookie.encode(), clock.0);
            Some(before().chain([new]).collect())
        }
        _ => None,
    }
}

#[tokio::test]
async fn every_step_of_a_session_leaves_nodes_files() {
    let mut steps = 0;
    replay_async("file.json", "lifecycle", async |life| {
        let options = &life["store_options"];
        // Random parts (`encryption.rs` opens them); functions that ours does not call.
        if ["secret", "encoder", "fallbackSessionFn"].iter().any(|name| options.get(name).is_some()) {
            return;
        }
        let fixture = Fixture::with(|it| options_of(it, options));
        let sessions = sessions(life, &fixture);
        for step in list(life, "steps") {
            let name = text(step, "step");
            let before = fixture.files();
            fixture.clock.set(UnixMillis(int(step, "now_ms") - i64::try_from(advances(name)).unwrap()));
            let request = Request(step["cookie"].as_str().map(str::to_owned));
            let session = sessions.begin(&request).await.unwrap().unwrap();
            handle(name, &session, &fixture).await;
            session.finish().await.unwrap();
            let after = fixture.files();
            if let Some(expected) = different(name, &before, fixture.clock.now()) {
                let after: Vec<_> = after.values().map(|file| String::from_utf8_lossy(file)).collect();
                assert_eq!(after, expected, "{name}");
            } else {
                let recorded = step["files_after"].as_object().unwrap().iter();
                let recorded: BTreeMap<_, _> =
                    recorded.map(|(name, file)| (name.clone(), bytes(file))).collect();
                assert_eq!(after, recorded, "{name}");
            }
            steps += 1;
        }
    })
    .await;
    assert!(steps >= 60 || are_foreign(), "only {steps} steps were replayed");
}
