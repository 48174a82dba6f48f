//! How many commands a request costs.

use std::time::Duration;

use express_session_core::{CookieOptions, Options, RequestHead, Session, SessionManager, TouchAfter};
use express_session_redis::{RedisOptions, RedisStore};
use express_session_testbed::redis::RedisServer;

use crate::monitor::Monitor;
use crate::support::store_at;

const SECRET: &str = "a secret that is long enough for a test";

/// A request with nothing but its cookie.
pub(crate) struct Request(pub(crate) Option<String>);

impl RequestHead for Request {
    fn path(&self) -> &'static str {
        "/"
    }
    fn is_tls(&self) -> bool {
        false
    }
    fn peer_addr(&self) -> Option<std::net::IpAddr> {
        None
    }
    fn headers(&self, name: &str, see: &mut dyn FnMut(&[u8])) {
        if let Some(cookie) = self.0.as_deref().filter(|_| name == "cookie") {
            see(cookie.as_bytes());
        }
    }
}

struct Browser {
    sessions: SessionManager,
    cookie: Option<String>,
}

impl Browser {
    fn new(store: RedisStore, touch_after: TouchAfter) -> Self {
        let options = Options::express([SECRET])
            .resave(false)
            .save_uninitialized(false)
            .rolling(true)
            .touch_after(touch_after)
            .cookie(CookieOptions::new().max_age(Duration::from_hours(1)))
            .build()
            .unwrap();
        Self { sessions: SessionManager::new(store, options), cookie: None }
    }

    async fn begin(&self) -> Session {
        self.sessions.begin(&Request(self.cookie.clone())).await.unwrap().unwrap()
    }

    async fn finish(&mut self, session: Session) {
        let finished = session.finish().await.unwrap();
        if let Some(set_cookie) = finished.set_cookie {
            self.cookie = set_cookie.split(';').next().map(str::to_owned);
        }
    }

    async fn read(&mut self) {
        let session = self.begin().await;
        assert!(session.get::<i64>("n").unwrap().is_some(), "the session must be there");
        self.finish(session).await;
    }

    async fn change(&mut self, n: i64) {
        let session = self.begin().await;
        session.insert("n", n).unwrap();
        self.finish(session).await;
    }
}

/// A store that is connected.
async fn server_and_store(options: RedisOptions) -> (RedisServer, RedisStore) {
    let server = RedisServer::start(&[]).unwrap();
    let store = store_at(&server.url(), options);
    store.ready().await.unwrap();
    (server, store)
}

#[tokio::test]
async fn a_request_that_reads_is_one_command_and_one_that_changes_is_two() {
    let (server, store) = server_and_store(RedisOptions::new()).await;
    let mut monitor = Monitor::of(&server);
    let mut browser = Browser::new(store, TouchAfter::Always);
    browser.change(1).await;
    assert_eq!(monitor.commands(), ["SET"], "a new session");
    browser.read().await;
    assert_eq!(monitor.commands(), ["GETEX"], "reading and extending");
    let is_valkey = server.command(&["INFO", "server"]).unwrap().contains("valkey_version");
    monitor.commands();
    browser.change(2).await;
    if is_valkey {
        assert_eq!(monitor.commands(), ["GETEX", "SET"], "a change: the server's own compare-and-set");
    } else {
        assert_eq!(monitor.commands(), ["GETEX", "EVALSHA", "EVAL"], "the server learns the script once");
        browser.change(3).await;
        assert_eq!(monitor.commands(), ["GETEX", "EVALSHA"], "a change");
        server.command(&["SCRIPT", "FLUSH"]).unwrap();
        monitor.commands();
        browser.change(4).await;
        assert_eq!(monitor.commands(), ["GETEX", "EVALSHA", "EVAL"], "after a restart or failover");
    }
    let session = browser.begin().await;
    session.destroy().await.unwrap();
    browser.finish(session).await;
    assert_eq!(monitor.commands(), ["GETEX", "DEL"], "a logout");
}

#[tokio::test]
async fn throttled_touches_are_skipped_in_the_same_command() {
    let (server, store) = server_and_store(RedisOptions::new()).await;
    let mut monitor = Monitor::of(&server);
    let mut browser = Browser::new(store, TouchAfter::Elapsed(Duration::from_mins(10)));
    browser.change(1).await;
    browser.read().await;
    monitor.commands();
    let key = only_key(&server);
    let age = |seconds: i64| server.command(&["EXPIRE", &key, &(3600 - seconds).to_string()]).unwrap();
    let left = || ttl_of(&server, &key);
    for (aged, expected) in [(300, 3300), (599, 3001), (601, 3600)] {
        age(aged);
        monitor.commands();
        browser.read().await;
        assert_eq!(monitor.commands(), ["EVALSHA"], "{aged} s after the last extension");
        assert!((expected - 1..=expected).contains(&left()), "{} s left", left());
    }
}

#[tokio::test]
async fn with_touches_disabled_a_read_is_a_get() {
    for options in [RedisOptions::new().disable_touch(true), RedisOptions::new().disable_ttl(true)] {
        let (server, store) = server_and_store(options).await;
        let mut monitor = Monitor::of(&server);
        let mut browser = Browser::new(store, TouchAfter::Always);
        browser.change(1).await;
        monitor.commands();
        browser.read().await;
        assert_eq!(monitor.commands(), ["GET"]);
    }
}

/// A first life costs nothing: `SET` with another number, and the second request's `GETEX` gives the ordinary one.
#[tokio::test]
async fn a_first_life_is_one_command_and_so_is_the_request_that_ends_it() {
    let short = RedisOptions::new();
    let (endless, untouched) =
        (RedisOptions::new().disable_ttl(true), RedisOptions::new().disable_touch(true));
    for (options, first, read, second) in
        [(short, 600, "GETEX", 3600), (untouched, 3600, "GET", 3600), (endless, -1, "GET", -1)]
    {
        let (server, store) = server_and_store(options).await;
        let mut monitor = Monitor::of(&server);
        let cookie = CookieOptions::new().max_age(Duration::from_hours(1));
        let options = Options::express([SECRET]).resave(false).save_uninitialized(false).cookie(cookie);
        let options = options.first_life(Duration::from_mins(10)).build().unwrap();
        let mut browser = Browser { sessions: SessionManager::new(store, options), cookie: None };
        browser.change(1).await;
        assert_eq!(monitor.commands(), ["SET"]);
        let key = only_key(&server);
        let left = || ttl_of(&server, &key);
        assert!((first - 2..=first).contains(&left()), "{first}: {}", left());
        monitor.commands();
        browser.read().await;
        assert_eq!(monitor.commands(), [read]);
        assert!((second - 2..=second).contains(&left()), "{second}: {}", left());
    }
}

/// "Remember me" for one visitor must neither cost the others a command nor give them, or itself, a wrong life.
#[tokio::test]
async fn sessions_with_a_lifetime_of_their_own_keep_it() {
    let (server, store) = server_and_store(RedisOptions::new()).await;
    let mut monitor = Monitor::of(&server);
    let mut browser = Browser::new(store, TouchAfter::Always);
    let session = browser.begin().await;
    session.insert("n", 1).unwrap();
    session.cookie_mut().set_max_age(Some(Duration::from_hours(24)));
    browser.finish(session).await;
    let key = only_key(&server);
    assert!((86_399..=86_400).contains(&ttl_of(&server, &key)));
    monitor.commands();
    browser.read().await;
    assert_eq!(monitor.commands(), ["GETEX", "EXPIRE"], "the first one is a surprise");
    assert!((86_399..=86_400).contains(&ttl_of(&server, &key)));
    browser.read().await;
    assert_eq!(monitor.commands(), ["TTL", "EVALSHA", "EVAL"], "the server learns the other way to read");
    browser.read().await;
    assert_eq!(monitor.commands(), ["EVALSHA"], "and then it is one command for everybody");
    assert!((86_399..=86_400).contains(&ttl_of(&server, &key)));
    let mut other = Browser { sessions: browser.sessions.clone(), cookie: None };
    other.change(1).await;
    monitor.commands();
    other.read().await;
    assert_eq!(monitor.commands(), ["EVALSHA"]);
    let lives: Vec<i64> = keys(&server).iter().map(|key| ttl_of(&server, key)).collect();
    assert!(lives.iter().any(|ttl| (3599..=3600).contains(ttl)), "{lives:?}");
}

fn keys(server: &RedisServer) -> Vec<String> {
    let answer = server.command(&["KEYS", "sess:*"]).unwrap();
    answer.lines().filter(|line| line.starts_with("sess:")).map(str::to_owned).collect()
}

fn only_key(server: &RedisServer) -> String {
    let keys = keys(server);
    assert_eq!(keys.len(), 1);
    keys[0].clone()
}

fn ttl_of(server: &RedisServer, key: &str) -> i64 {
    server.command(&["TTL", key]).unwrap().trim_start_matches(':').trim().parse().unwrap()
}

/// A closure may look at the data, which is not known before the session is read.
#[tokio::test]
async fn a_life_computed_from_the_data_is_given_at_every_read() {
    let ttl = |document: &express_session_core::Document| {
        Duration::from_secs(1000 + document.get::<u64>("n").unwrap().unwrap_or(0) * 100)
    };
    for touch_after in [TouchAfter::Always, TouchAfter::Elapsed(Duration::from_secs(50))] {
        let (server, store) = server_and_store(RedisOptions::new().ttl_with(ttl)).await;
        let mut browser = Browser::new(store, touch_after);
        browser.change(7).await;
        let key = only_key(&server);
        for _ in 0..3 {
            server.command(&["EXPIRE", &key, "60"]).unwrap();
            browser.read().await;
            assert!((1699..=1700).contains(&ttl_of(&server, &key)), "{touch_after:?}");
        }
    }
}

/// The script recognises a lifetime only where Node writes it; other documents are left to the JSON reader.
#[tokio::test]
async fn documents_in_another_order_get_their_own_life_too() {
    let (server, store) = server_and_store(RedisOptions::new()).await;
    for touch_after in [TouchAfter::Always, TouchAfter::Share(0.5)] {
        let mut browser = Browser::new(store.clone(), touch_after);
        browser.change(1).await;
        let key = only_key(&server);
        let cookie =
            r#"{"path":"/","originalMaxAge":7200000,"expires":"2030-01-02T03:04:05.678Z","httpOnly":true}"#;
        for document in [
            format!(r#"{{"n":1,"cookie":{cookie}}}"#),
            format!(r#"{{"n":1,"text":"{{\"cookie\":{{\"originalMaxAge\":5000,","cookie":{cookie}}}"#),
        ] {
            server.command(&["SET", &key, &document, "EX", "100"]).unwrap();
            browser.read().await;
            assert!((7199..=7200).contains(&ttl_of(&server, &key)), "{touch_after:?}");
        }
        server.command(&["FLUSHALL"]).unwrap();
    }
}
