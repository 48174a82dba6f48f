//! `lifecycle` and `over_time` in `tests/vectors/redis.json`: whole requests, and after each of them the same
//! keys, values and times to live as express-session with connect-redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use express_session_core::{
    Clock, CookieOptions, ManualClock, NoTimer, Options, Session, SessionManager, UnixMillis, Unset,
};
use express_session_redis::RedisPool;
use express_session_testbed::redis::RedisServer;
use express_session_testbed::vectors::{NOW_MS, are_foreign, int, list, replay_async, text, untranslatable};
use serde_json::Value;

use crate::replay::{Keyspace, assert_same, commands, keyspace, replay, store_options};
use crate::round_trips::Request;
use crate::support::{command, id, query, store_on_pool};

const SECRET: &str = "keyboard cat";

struct App {
    sessions: SessionManager,
    clock: Arc<ManualClock>,
    pool: RedisPool,
}

impl App {
    /// An application with the options of a recorded scenario, on an empty database.
    async fn of(scenario: &Value, pool: &RedisPool, now: UnixMillis) -> Self {
        query::<()>(pool, &command(["FLUSHALL"])).await.unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let store_options = store_options(&scenario["store_options"]);
        let store = store_on_pool(pool.clone(), store_options.clock(Arc::clone(&clock)));
        let recorded = &scenario["session_options"];
        let flag = |name: &str, default: bool| recorded[name].as_bool().unwrap_or(default);
        let mut cookie = CookieOptions::new();
        if let Some(ms) = recorded["cookie"]["maxAge"].as_u64() {
            cookie = cookie.max_age(Duration::from_millis(ms));
        }
        let next = AtomicUsize::new(1);
        let options = Options::express([SECRET])
            .allow_weak_secret(true)
            .resave(flag("resave", false))
            .save_uninitialized(flag("saveUninitialized", true))
            .rolling(flag("rolling", false))
            .unset(if recorded["unset"] == "destroy" { Unset::Destroy } else { Unset::Keep })
            .genid(move || id(&format!("SID{}", next.fetch_add(1, Ordering::Relaxed))))
            .cookie(cookie)
            .build()
            .unwrap();
        let sessions = SessionManager::with_clock(store, options, Arc::clone(&clock), NoTimer);
        Self { sessions, clock, pool: pool.clone() }
    }

    async fn begin(&self, cookie: &Value) -> Session {
        let cookie = cookie.as_str().map(|sid| {
            let secrets = express_session_core::Secrets::new([SECRET]).unwrap();
            let value = secrets.cookie_value(if sid == "(tampered)" { "SID1" } else { sid });
            let spoilt = if sid == "(tampered)" { "A" } else { "" };
            format!("connect.sid={value}{spoilt}")
        });
        self.sessions.begin(&Request(cookie)).await.unwrap().unwrap()
    }
}

/// What the recorded handlers do. `n` counts up where they do.
async fn handle(step: &str, session: &Session, now: UnixMillis) {
    match step {
        "first request, no cookie, handler sets n=1" | "regenerate() and modify" => {
            if step.starts_with("regenerate") {
                session.regenerate().await.unwrap();
            }
            session.insert("n", 1).unwrap();
        }
        "modified" | "modified to the same value" => session.insert("n", 2).unwrap(),
        "cookie.maxAge = 5000 only" => session.cookie_mut().set_max_age(Some(Duration::from_secs(5))),
        "save() then nothing" => {
            session.insert("n", 10).unwrap();
            session.save().await.unwrap();
        }
        "reload()" => session.reload().await.unwrap(),
        "new id: destroy()" => session.destroy().await.unwrap(),
        "maxAge negative in the handler" | "maxAge 0 in the handler" => {
            session.insert("n", 1).unwrap();
            let lives = i64::from(step.contains("negative")) * -1000;
            session.cookie_mut().set_expires(UnixMillis(now.0 + lives).into());
        }
        "req.session = null" => session.unset(),
        "second request, unmodified"
        | "10 s later, unmodified"
        | "read back after that"
        | "old id again (destroyed)"
        | "unknown id"
        | "tampered cookie"
        | "first request, no cookie, untouched session" => {}
        other => untranslatable(format_args!("unknown step {other}")),
    }
}

/// DIFFERENCE: a handler that changes the cookie has modified the session, so it is stored with its new
/// lifetime, where express-session forgets it at the next request. These are the steps in which that shows.
const WITH_OWN_LIFETIME: [&str; 4] =
    ["cookie.maxAge = 5000 only", "read back after that", "save() then nothing", "reload()"];

/// What the steps above leave with us: the recorded data, with the cookie as the handler has made it.
///
/// Unchanged requests do not rewrite the document, so `cookie_of` is the instant of the last write.
fn expected_with_own_lifetime(
    expected: &Keyspace,
    step: &str,
    scenario: &Value,
    cookie_of: UnixMillis,
) -> Keyspace {
    let data = |document: &str| document[document.find("},").unwrap() + 2..].to_owned();
    let mut cookie = express_session_core::Cookie::default();
    cookie.set_max_age(Some(Duration::from_secs(5)), cookie_of);
    let ttl = match (&scenario["store_options"]["disableTTL"], &scenario["store_options"]["ttl"]) {
        (Value::Bool(true), _) => None,
        (_, ttl) if ttl.get("$fn").is_some() => Some(42),
        _ => Some(5),
    };
    let replaced = |(key, (document, _)): (&String, &(String, Option<i64>))| {
        assert!(key.ends_with("SID1"), "{step}: only one session is there");
        (key.clone(), (format!("{{\"cookie\":{},{}", cookie.encode(), data(document)), ttl))
    };
    expected.iter().map(replaced).collect()
}

#[tokio::test]
async fn every_step_of_a_session_leaves_what_express_leaves() {
    let server = RedisServer::start(&[]).unwrap();
    let pool = RedisPool::url(&server.url()).unwrap();
    let mut steps = 0;
    replay_async("redis.json", "lifecycle", async |scenario| {
        let app = App::of(scenario, &pool, UnixMillis(NOW_MS)).await;
        let mut expected = Keyspace::new();
        for step in list(scenario, "steps") {
            let name = text(step, "step");
            app.clock.set(UnixMillis(int(step, "now_ms")));
            let session = app.begin(&step["cookie"]).await;
            handle(name, &session, app.clock.now()).await;
            session.finish().await.unwrap();
            replay(&mut expected, &commands(step));
            let found = keyspace(&app.pool).await;
            if WITH_OWN_LIFETIME.contains(&name) {
                let ours = expected_with_own_lifetime(&expected, name, scenario, app.clock.now());
                assert_same(&found, &ours, name);
            } else {
                assert_same(&found, &expected, name);
            }
            steps += 1;
        }
    })
    .await;
    assert!(steps == 14 * 18 || are_foreign(), "{steps}");
}

#[tokio::test]
async fn documents_and_lives_over_time_are_those_of_express() {
    let server = RedisServer::start(&[]).unwrap();
    let pool = RedisPool::url(&server.url()).unwrap();
    replay_async("redis.json", "over_time", async |scenario| {
        let start = UnixMillis(NOW_MS);
        let app = App::of(scenario, &pool, start).await;
        let mut cookie = Value::Null;
        for state in list(scenario, "states") {
            let label = text(state, "label");
            app.clock.set(start.plus(Duration::from_millis(state["at_ms"].as_u64().unwrap())));
            let session = app.begin(&cookie).await;
            match label {
                "created" => session.insert("n", 1).unwrap(),
                _ if label.starts_with("modified") => session.insert("n", 2).unwrap(),
                _ if label.starts_with("unmodified") => assert!(!session.is_new(), "{label}"),
                other => untranslatable(format_args!("unknown request {other}")),
            }
            session.finish().await.unwrap();
            cookie = Value::from(session.id().as_str());
            let ttl = Some(int(state, "ttl")).filter(|ttl| *ttl >= 0);
            let expected =
                [(format!("sess:{}", session.id().as_str()), (text(state, "document").to_owned(), ttl))]
                    .into();
            assert_same(&keyspace(&app.pool).await, &expected, label);
        }
    })
    .await;
}
