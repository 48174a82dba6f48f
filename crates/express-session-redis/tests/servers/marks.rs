//! The marks of superseded sessions: which keys, at what price, and where there can be none.

use std::time::Duration;

use express_session_core::{Expect, Revision, SessionId, SessionStore as _, Successor, SupersedeOutcome};
use express_session_redis::{RedisOptions, RedisPool, RedisStore};
use express_session_testbed::redis::{RedisCluster, RedisServer};

use crate::log::Log;
use crate::monitor::Monitor;
use crate::support::{document, id, n_of, own_options, store_at, store_on_pool, written};

const GRACE: Duration = Duration::from_mins(1);

async fn supersede(store: &RedisStore, old: &str, expect: Expect<'_>, by: &str) -> SupersedeOutcome {
    let by = id(by);
    store.supersede(&id(old), expect, Successor { id: &by, grace: GRACE }).await.unwrap()
}

async fn successor(store: &RedisStore, old: &str) -> Option<SessionId> {
    store.successor(&id(old)).await.unwrap()
}

async fn put(store: &RedisStore, name: &str, n: i64) -> Revision {
    written(store.set(&id(name), &document(n), Expect::Any).await.unwrap())
}

fn assert_done(outcome: &SupersedeOutcome) {
    assert!(matches!(outcome, SupersedeOutcome::Superseded), "{outcome:?}");
}

fn assert_gone(outcome: &SupersedeOutcome) {
    assert!(matches!(outcome, SupersedeOutcome::Gone), "{outcome:?}");
}

#[tokio::test]
async fn a_mark_is_a_key_of_its_own_and_costs_no_round_trip_of_its_own() {
    let server = RedisServer::start(&[]).unwrap();
    let store = store_at(&server.url(), RedisOptions::new());
    let mut monitor = Monitor::of(&server);
    let revision = put(&store, "a", 1).await;
    monitor.commands();
    assert_done(&supersede(&store, "a", Expect::Revision(&revision), "b").await);
    assert_eq!(monitor.commands(), ["EVALSHA", "EVAL"], "the server learns the script once");
    assert_eq!(server.command(&["KEYS", "*"]).unwrap(), "*1\r\n$14\r\nended:{sess:a}\r\n");
    let left = server.command(&["PTTL", "ended:{sess:a}"]).unwrap();
    let left: u64 = left.trim_start_matches(':').trim().parse().unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
    monitor.commands();
    assert_done(&supersede(&store, "a", Expect::Any, "c").await);
    assert_eq!(monitor.commands(), ["EVALSHA"]);
    assert_eq!(successor(&store, "a").await, Some(id("c")));
    assert_eq!(monitor.commands(), ["GET"]);
    let by = id("d");
    let no_mark = Successor { id: &by, grace: Duration::ZERO };
    assert_done(&store.supersede(&id("a"), Expect::Any, no_mark).await.unwrap());
    assert_eq!(monitor.commands(), ["DEL"]);
    let no_time = Successor { id: &by, grace: Duration::from_nanos(1) };
    assert_done(&store.supersede(&id("e"), Expect::Any, no_time).await.unwrap());
    let for_ever = Successor { id: &by, grace: Duration::MAX };
    assert_done(&store.supersede(&id("f"), Expect::Any, for_ever).await.unwrap());
    assert_eq!(successor(&store, "f").await, Some(by.clone()));
}

/// The first attempt was carried out and its answer lost: the second one finds its own mark.
#[tokio::test]
async fn whoever_has_superseded_a_session_may_do_it_again() {
    let store = store_at(&RedisServer::shared().url(), own_options());
    let revision = put(&store, "a", 1).await;
    for _ in 0..2 {
        assert_done(&supersede(&store, "a", Expect::Revision(&revision), "b").await);
    }
    assert_gone(&supersede(&store, "a", Expect::Revision(&revision), "c").await);
    assert_eq!(successor(&store, "a").await, Some(id("b")));
}

#[tokio::test]
async fn what_is_no_id_is_no_successor() {
    let server = RedisServer::start(&[]).unwrap();
    let store = store_at(&server.url(), RedisOptions::new());
    server.command(&["SET", "ended:{sess:a}", ""]).unwrap();
    assert_eq!(successor(&store, "a").await, None);
}

/// With such a prefix a mark would be listed as a session, by Node too.
#[tokio::test]
async fn with_an_empty_prefix_there_are_no_marks() {
    let server = RedisServer::start(&[]).unwrap();
    let store = store_at(&server.url(), RedisOptions::new().prefix(""));
    let stale = put(&store, "a", 1).await;
    let revision = put(&store, "a", 2).await;
    let outcome = supersede(&store, "a", Expect::Revision(&stale), "b").await;
    assert!(matches!(outcome, SupersedeOutcome::Conflict(newer) if n_of(&newer.document) == 2));
    assert_done(&supersede(&store, "a", Expect::Revision(&revision), "b").await);
    assert_gone(&supersede(&store, "a", Expect::Revision(&revision), "b").await);
    assert_eq!(successor(&store, "a").await, None);
    assert!(express_session_contract::ids(&store).await.unwrap().is_empty());
    assert_eq!(server.command(&["KEYS", "*"]).unwrap(), "*0\r\n");
}

/// An id with a `}` and no hash tag: no key can be in one slot with its session's.
#[tokio::test]
async fn on_a_cluster_a_mark_in_another_slot_is_left_and_taken_back() {
    let urls = RedisCluster::shared().urls();
    let pool = RedisPool::cluster(urls.iter().map(String::as_str)).unwrap();
    let store = store_on_pool(pool, own_options());
    for name in ["a}b", "{}", "}{"] {
        let stale = put(&store, name, 1).await;
        let revision = put(&store, name, 2).await;
        let outcome = supersede(&store, name, Expect::Revision(&stale), "b").await;
        assert!(matches!(outcome, SupersedeOutcome::Conflict(newer) if n_of(&newer.document) == 2));
        assert_eq!(successor(&store, name).await, None);
        assert_done(&supersede(&store, name, Expect::Revision(&revision), "b").await);
        assert_eq!(successor(&store, name).await, Some(id("b")));
        assert!(store.get(&id(name)).await.unwrap().is_none());
        let revision = put(&store, name, 3).await;
        assert!(store.destroy(&id(name)).await.unwrap());
        assert_gone(&supersede(&store, name, Expect::Revision(&revision), "c").await);
        assert_eq!(successor(&store, name).await, None);
        assert_done(&supersede(&store, name, Expect::Any, "d").await);
        assert_eq!(successor(&store, name).await, Some(id("d")));
    }
}

/// Permissions that were enough before there were marks must not end logins.
#[tokio::test]
async fn a_user_who_may_not_write_marks_can_log_in() {
    let log = Log::default();
    let _logging = log.collect();
    let server = RedisServer::start(&[]).unwrap();
    server.command(&["ACL", "SETUSER", "app", "on", ">password", "~sess:*", "+@all"]).unwrap();
    let url = server.url().replace("redis://", "redis://app:password@");
    let store = store_at(&url, RedisOptions::new());

    let stale = put(&store, "top-secret-old", 1).await;
    let revision = put(&store, "top-secret-old", 2).await;
    let outcome = supersede(&store, "top-secret-old", Expect::Revision(&stale), "top-secret-new").await;
    assert!(matches!(outcome, SupersedeOutcome::Conflict(newer) if n_of(&newer.document) == 2));
    for expect in [Expect::Revision(&revision), Expect::Any] {
        assert_done(&supersede(&store, "top-secret-old", expect, "top-secret-new").await);
        assert!(store.get(&id("top-secret-old")).await.unwrap().is_none());
        assert_eq!(successor(&store, "top-secret-old").await, None);
    }
    let shown = log.text();
    assert_eq!(shown.lines().count(), 1, "{shown}");
    assert!(
        shown.contains("WARN") && shown.contains("`~ended:*`") && !shown.contains("top-secret"),
        "{shown}"
    );

    server.command(&["ACL", "SETUSER", "app", "~ended:*"]).unwrap();
    assert_done(&supersede(&store, "top-secret-old", Expect::Any, "top-secret-new").await);
    assert_eq!(successor(&store, "top-secret-old").await, Some(id("top-secret-new")), "without a restart");
}

/// Whoever may not even remove the session is told so.
#[tokio::test]
async fn a_user_who_may_do_nothing_supersedes_nothing() {
    let server = RedisServer::start(&[]).unwrap();
    server.command(&["ACL", "SETUSER", "app", "on", ">password", "~other:*", "+@all"]).unwrap();
    let url = server.url().replace("redis://", "redis://app:password@");
    let store = store_at(&url, RedisOptions::new());
    let by = id("b");
    let error = store.supersede(&id("a"), Expect::Any, Successor { id: &by, grace: GRACE }).await;
    assert!(matches!(error, Err(express_session_core::StoreError::Backend(_))), "{error:?}");
}
