//! A server that answers reads and refuses writes: sessions are read, nothing is pretended.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{
    Cookie, Expect, ManualClock, SessionStore as _, StoreError, TouchAfter, TouchHint, TouchOutcome,
    UnixMillis,
};
use express_session_redis::{RedisError, RedisStore};
use express_session_testbed::free_port;
use express_session_testbed::redis::RedisServer;

use crate::failures::{hasty, hint, is_read_only, replaced_by};
use crate::log::Log;
use crate::support::{document, eventually, id, n_of, store_at, touch, written};

/// Why a server takes no writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// It must have a replica, and has none.
    TooFewReplicas,
    /// It has been made a replica of a master that is down.
    Replica,
    /// It cannot save its data.
    Disk,
}

const TROUBLES: [Trouble; 3] = [Trouble::TooFewReplicas, Trouble::Replica, Trouble::Disk];

impl Trouble {
    const fn code(self) -> &'static str {
        match self {
            Self::TooFewReplicas => "NOREPLICAS",
            Self::Replica => "READONLY",
            Self::Disk => "MISCONF",
        }
    }

    async fn begin(self, server: &RedisServer) {
        match self {
            Self::TooFewReplicas => set(server, "min-replicas-to-write", "1"),
            Self::Replica => {
                let nobody = free_port().unwrap().to_string();
                server.command(&["REPLICAOF", "127.0.0.1", &nobody]).unwrap();
            }
            Self::Disk => {
                // A file cannot take the place of a folder that is not empty.
                fs::create_dir_all(server.folder().join("dump.rdb/full")).unwrap();
                set(server, "save", "3600 1");
                server.command(&["BGSAVE"]).unwrap();
                eventually(async || {
                    let info = server.command(&["INFO", "persistence"]).unwrap();
                    if info.contains("rdb_last_bgsave_status:err") { Ok(()) } else { Err(info) }
                })
                .await;
            }
        }
    }

    fn end(self, server: &RedisServer) {
        match self {
            Self::TooFewReplicas => set(server, "min-replicas-to-write", "0"),
            Self::Replica => drop(server.command(&["REPLICAOF", "NO", "ONE"]).unwrap()),
            Self::Disk => {
                fs::remove_dir_all(server.folder().join("dump.rdb")).unwrap();
                server.command(&["SAVE"]).unwrap();
            }
        }
    }
}

fn set(server: &RedisServer, option: &str, value: &str) {
    server.command(&["CONFIG", "SET", option, value]).unwrap();
}

fn ttl(server: &RedisServer, key: &str) -> i64 {
    server.command(&["TTL", key]).unwrap().trim_start_matches(':').trim().parse().unwrap()
}

/// How often the server has carried out this command and how often it has refused to.
fn calls(server: &RedisServer, command: &str) -> (u32, u32) {
    let stats = server.command(&["INFO", "commandstats"]).unwrap();
    // cmdstat_get:calls=1,usec=2,usec_per_call=2.00,rejected_calls=0,failed_calls=0
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:")));
    let number = |name: &str| {
        let field = line.and_then(|line| line.split(',').find_map(|field| field.strip_prefix(name)));
        field.map_or(0, |number| number.parse().unwrap())
    };
    (number("calls="), number("rejected_calls="))
}

fn store(server: &RedisServer) -> (RedisStore, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(UnixMillis(1_893_553_445_678)));
    let store = store_at(&server.url(), hasty().clock(Arc::clone(&clock)));
    (store, clock)
}

#[tokio::test]
async fn while_it_takes_no_writes_sessions_are_read_and_nothing_is_pretended() {
    // By `GETEX`, and by the script.
    let ways = [TouchAfter::Always, TouchAfter::Elapsed(Duration::ZERO)];
    for (trouble, touch_after) in TROUBLES.into_iter().flat_map(|trouble| ways.map(|way| (trouble, way))) {
        let (log, code) = (Log::default(), trouble.code());
        let _logging = log.collect();
        let server = RedisServer::start(&[]).unwrap();
        let (store, clock) = store(&server);
        let a = id("top-secret");
        let revision = written(store.set(&a, &document(1), Expect::Any).await.unwrap());
        server.command(&["EXPIRE", "sess:top-secret", "1000"]).unwrap();
        trouble.begin(&server).await;

        let cookie = Cookie::default();
        let hint = TouchHint { touch_after, ..hint(&cookie) };
        for _ in 0..3 {
            let stored = store.get_and_touch(&a, hint).await.unwrap().unwrap();
            assert_eq!(n_of(&stored.document), 1, "{trouble:?}");
            assert!(stored.touched, "a touch would do no more");
        }
        assert_eq!(n_of(&store.get(&a).await.unwrap().unwrap().document), 1);
        assert!(store.get_and_touch(&id("b"), hint).await.unwrap().is_none());
        for _ in 0..2 {
            assert_eq!(touch(&store, &a, &document(1)).await.unwrap(), TouchOutcome::Touched);
            assert_eq!(touch(&store, &id("b"), &document(1)).await.unwrap(), TouchOutcome::Gone);
            // The next touch is tried again.
            clock.advance(Duration::from_secs(1));
        }
        for error in [
            store.set(&a, &document(2), Expect::Any).await.err(),
            store.set(&id("b"), &document(2), Expect::Any).await.err(),
            store.set(&a, &document(2), Expect::Revision(&revision)).await.err(),
            store.destroy(&a).await.err(),
            store.supersede(&a, Expect::Any, replaced_by(&id("b"))).await.err(),
            store.supersede(&a, Expect::Revision(&revision), replaced_by(&id("b"))).await.err(),
        ] {
            is_read_only(&error.expect("it takes no writes"), code);
        }
        assert!(store.successor(&a).await.unwrap().is_none());
        let left = ttl(&server, "sess:top-secret");
        assert!((900..=1000).contains(&left), "{trouble:?}, {touch_after:?}: {left}");

        trouble.end(&server);
        clock.advance(Duration::from_secs(1));
        assert!(store.get_and_touch(&a, hint).await.unwrap().is_some());
        assert!((86_000..=86_400).contains(&ttl(&server, "sess:top-secret")), "extended again");
        assert!(store.destroy(&a).await.unwrap());
        let shown = log.text();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 2, "{shown}");
        assert!(lines[0].contains("WARN") && lines[0].contains(code), "{shown}");
        assert!(lines[1].contains("INFO") && !shown.contains("top-secret"), "{shown}");
    }
}

#[tokio::test]
async fn it_is_asked_once_a_second_whether_it_extends_sessions_again() {
    for (trouble, refusals) in [(Trouble::TooFewReplicas, 1), (Trouble::Replica, 2)] {
        let server = RedisServer::start(&[]).unwrap();
        let (store, clock) = store(&server);
        written(store.set(&id("a"), &document(1), Expect::Any).await.unwrap());
        trouble.begin(&server).await;
        let cookie = Cookie::default();
        for second in 1..=3 {
            for _ in 0..10 {
                store.get_and_touch(&id("a"), hint(&cookie)).await.unwrap().unwrap();
            }
            // Who finds a replica looks for its master, on a new connection.
            assert_eq!(calls(&server, "getex"), (0, second * refusals), "{trouble:?}");
            assert_eq!(calls(&server, "get").0, second * 10);
            clock.advance(Duration::from_secs(1));
        }
    }
}

/// A touch with a life that is over would remove the session: that is a write like any other.
#[tokio::test]
async fn a_touch_that_ends_a_session_fails() {
    let server = RedisServer::start(&[]).unwrap();
    let (store, _clock) = store(&server);
    written(store.set(&id("a"), &document(1), Expect::Any).await.unwrap());
    Trouble::TooFewReplicas.begin(&server).await;
    let mut over = Cookie::default();
    over.set_max_age(Some(Duration::ZERO), UnixMillis(0));
    for _ in 0..2 {
        let error = store.touch(&id("a"), &document(1), &over).await.unwrap_err();
        is_read_only(&error, "NOREPLICAS");
        assert_eq!(touch(&store, &id("a"), &document(1)).await.unwrap(), TouchOutcome::Touched);
    }
}

/// A replica that may not serve what it has cannot be read either.
#[tokio::test]
async fn a_replica_without_its_master_that_serves_nothing_is_unavailable() {
    let server = RedisServer::start(&[]).unwrap();
    let (store, _clock) = store(&server);
    written(store.set(&id("a"), &document(1), Expect::Any).await.unwrap());
    set(&server, "replica-serve-stale-data", "no");
    Trouble::Replica.begin(&server).await;
    let cookie = Cookie::default();
    for error in [
        store.get(&id("a")).await.unwrap_err(),
        store.get_and_touch(&id("a"), hint(&cookie)).await.unwrap_err(),
    ] {
        let StoreError::Unavailable(source) = &error else { panic!("{error:?}") };
        match source.downcast_ref() {
            Some(RedisError::NotServing(driver)) if driver.code() == Some("MASTERDOWN") => {}
            other => panic!("{other:?}"),
        }
    }
}
