//! Two servers with a connection each to one real store, browsers that ask both at once, and what must be true when all is
//! quiet again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use express_session_core::{
    CookieOptions, NoTimer, Options, SessionError, SessionManager, SessionStore, SystemClock, Timer,
};
use express_session_simulation::Head;
use fastrand::Rng;
use futures_util::future::{BoxFuture, join_all};

const SECRET: &str = "a secret for simulations, 32 bytes or more";
const BROWSERS: u64 = 6;
const WORKERS: u64 = 4;
const REQUESTS: u64 = 12;

/// The runtime's time, for deadlines.
#[derive(Debug)]
struct RealTimer;

impl Timer for RealTimer {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

fn options() -> Options {
    let cookie = CookieOptions::new().max_age(Duration::from_hours(1));
    Options::new([SECRET]).cookie(cookie).store_timeout(Duration::from_millis(700)).build().unwrap()
}

/// A server whose way to the store is bad.
pub(crate) fn server(store: impl SessionStore) -> SessionManager {
    SessionManager::with_clock(store, options(), SystemClock, RealTimer)
}

/// A server with a good way to the store.
pub(crate) fn witness(store: impl SessionStore) -> SessionManager {
    SessionManager::with_clock(store, options(), SystemClock, NoTimer)
}

/// What a browser was told.
#[derive(Debug, Default)]
struct Told {
    /// Counts that were acknowledged, and those of which nothing is known.
    counted: u64,
    unknown: u64,
    /// Values that were acknowledged.
    stored: BTreeMap<String, u64>,
    /// A logout was acknowledged, or may have happened.
    logged_out: bool,
    may_be_logged_out: bool,
}

/// Begins a session for each browser, lets workers ask both servers while `bad` holds, and looks at what is stored.
pub(crate) async fn every_promise_is_kept(
    servers: [SessionManager; 2],
    witness: &SessionManager,
    seed: u64,
    set_bad: impl Fn(bool),
) {
    let mut cookies = Vec::new();
    for browser in 0..BROWSERS {
        let session = witness.begin(&Head(None)).await.unwrap().unwrap();
        session.insert("tag", browser).unwrap();
        let cookie = session.finish().await.unwrap().set_cookie.unwrap();
        cookies.push(cookie.split(';').next().unwrap().to_owned());
    }
    set_bad(true);
    let told: Vec<Arc<Mutex<Told>>> = (0..BROWSERS).map(|_| Arc::default()).collect();
    let workers = (0..BROWSERS).flat_map(|browser| (0..WORKERS).map(move |worker| (browser, worker)));
    join_all(workers.map(|(browser, worker)| {
        let place = usize::try_from(browser).unwrap();
        let (servers, cookie, told) = (servers.clone(), cookies[place].clone(), Arc::clone(&told[place]));
        let mut rng = Rng::with_seed(seed * 1000 + browser * 10 + worker);
        async move {
            for number in 0..REQUESTS {
                let server = &servers[rng.usize(..2)];
                // One worker of every second browser logs out in the end.
                let is_logout = browser % 2 == 1 && worker == 0 && number == REQUESTS - 1;
                let key = format!("k{worker}_{number}");
                request(server, &cookie, browser, &key, is_logout, &mut rng, &told).await;
            }
        }
    }))
    .await;
    set_bad(false);
    for (place, cookie) in cookies.into_iter().enumerate() {
        let session = witness.begin(&Head(Some(cookie))).await.unwrap().unwrap();
        check(&session, place, &told[place].lock().unwrap());
    }
}

async fn request(
    server: &SessionManager,
    cookie: &str,
    browser: u64,
    key: &str,
    is_logout: bool,
    rng: &mut Rng,
    told: &Mutex<Told>,
) {
    let Ok(Some(session)) = server.begin(&Head(Some(cookie.to_owned()))).await else { return };
    if session.is_new() {
        return;
    }
    assert_eq!(session.get("tag").unwrap(), Some(browser), "a browser sees its own session");
    if is_logout {
        let outcome = session.destroy().await;
        let mut told = told.lock().unwrap();
        told.logged_out |= outcome.is_ok();
        told.may_be_logged_out = true;
        return;
    }
    if rng.bool() {
        match session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1).await {
            Ok(_) => told.lock().unwrap().counted += 1,
            Err(SessionError::Gone) => {}
            Err(_) => told.lock().unwrap().unknown += 1,
        }
    } else {
        let value = rng.u64(..1 << 32);
        session.insert(key, value).unwrap();
        if session.save().await.is_ok() {
            told.lock().unwrap().stored.insert(key.to_owned(), value);
        }
    }
    drop(session.finish().await);
}

fn check(session: &express_session_core::Session, browser: usize, told: &Told) {
    if told.logged_out {
        assert!(session.is_new() && session.entries().is_empty(), "browser {browser}: a logout was undone");
        return;
    }
    if session.is_new() {
        assert!(told.may_be_logged_out, "browser {browser}: a session is gone that nobody ended");
        return;
    }
    let n: u64 = session.get("n").unwrap().unwrap_or(0);
    let (least, most) = (told.counted, told.counted + told.unknown);
    assert!((least..=most).contains(&n), "browser {browser}: {n} is stored, {least} to {most} were counted");
    for (key, value) in &told.stored {
        assert_eq!(session.get(key).unwrap(), Some(*value), "browser {browser}: {key} is lost");
    }
    assert_eq!(session.get("tag").unwrap(), Some(browser), "browser {browser} has another one's session");
}
