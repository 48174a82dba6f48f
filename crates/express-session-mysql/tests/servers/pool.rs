//! Connections: never more than allowed, never in two hands, never lost.

use std::time::Duration;

use express_session_core::{Expect, SessionStore as _, StoreError, TouchOutcome};
use express_session_mysql::mysql_async::prelude::Queryable;
use express_session_mysql::{MySqlError, MySqlStore};

use crate::database::{Database, connect, connections, document, id, touch};
use crate::expected::{conflict, written};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn there_are_never_more_connections_than_allowed() {
    let database = Database::fresh().await;
    let store = connect(database.options().connection_limit(3)).await.unwrap();
    written(store.set(&id("sid"), &document("n", "1"), Expect::Any).await.unwrap());
    let readers: Vec<_> = (0..48)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    assert!(store.get(&id("sid")).await.unwrap().is_some());
                }
            })
        })
        .collect();
    let mut most = 0;
    let mut asking = database.conn().await;
    while readers.iter().any(|reader| !reader.is_finished()) {
        most = most.max(connections(&mut asking).await);
    }
    for reader in readers {
        reader.await.unwrap();
    }
    assert!((1..=3).contains(&most), "{most} connections were open at once");
}

/// A request that goes away in the middle of a statement takes nothing with it, and nobody gets its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_of_cancelled_requests_reach_nobody() {
    let database = Database::fresh().await;
    let store = connect(database.options().connection_limit(4)).await.unwrap();
    for number in 0..16 {
        let shown = number.to_string();
        written(store.set(&id(&format!("s{number}")), &document("n", &shown), Expect::Any).await.unwrap());
    }
    let tasks: Vec<_> = (0..16_u64)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let (sid, shown) = (id(&format!("s{number}")), number.to_string());
                for round in 0..150_u64 {
                    let limit = Duration::from_micros((number * 37 + round * 53) % 1500);
                    // Most of these end early, somewhere.
                    if let Ok(found) = tokio::time::timeout(limit, store.get(&sid)).await {
                        let found = found.unwrap().unwrap();
                        assert_eq!(found.document.get_raw("n"), Some(&*shown), "a foreign session");
                    }
                    if round % 10 == 0 {
                        let found = store.get(&sid).await.unwrap().unwrap();
                        assert_eq!(found.document.get_raw("n"), Some(&*shown), "a foreign session");
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    // All four places are still there.
    let reads = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.get(&id("s1")).await.unwrap().is_some() })
    });
    for read in reads.collect::<Vec<_>>() {
        assert!(read.await.unwrap());
    }
}

#[tokio::test]
async fn a_closed_store_says_so_and_keeps_no_connection() {
    let database = Database::fresh().await;
    let store = database.store().await;
    assert!(store.get(&id("sid")).await.unwrap().is_none());
    store.close().await;
    let error = store.get(&id("sid")).await.unwrap_err();
    let StoreError::Unavailable(source) = &error else { panic!("{error:?}") };
    assert!(matches!(source.downcast_ref(), Some(MySqlError::Closed)), "{error:?}");
    let mut asking = database.conn().await;
    while connections(&mut asking).await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_pool_that_was_handed_in_is_ended_only_if_asked() {
    let database = Database::fresh().await;
    for end in [false, true] {
        let pool = database.pool();
        let options = database.options().end_connection_on_close(end);
        let store = MySqlStore::new(options.pool(pool.clone())).unwrap();
        assert!(store.get(&id("sid")).await.unwrap().is_none());
        store.close().await;
        let mut usable = false;
        if let Ok(mut conn) = pool.get_conn().await {
            usable = conn.query_drop("SELECT 1").await.is_ok();
        }
        assert_eq!(usable, !end);
    }
}

/// Such a pool counts the rows that an UPDATE made different, not those it matched.
#[tokio::test]
async fn a_write_that_changes_nothing_is_told_from_one_that_missed() {
    let database = Database::fresh().await;
    let pool = database.pool();
    let store = MySqlStore::new(database.options().pool(pool)).unwrap();
    let sid = id("sid");
    let mut cookie = express_session_core::Cookie::default();
    let expires = express_session_core::UnixMillis(4_000_000_000_000);
    cookie.set_expires(expires.into(), express_session_core::UnixMillis(0));
    let session = document("n", "1").with_cookie(&cookie);
    let revision = written(store.set(&sid, &session, Expect::Any).await.unwrap());
    for _ in 0..2 {
        assert_eq!(touch(&store, &sid, &session).await.unwrap(), TouchOutcome::Touched);
        written(store.set(&sid, &session, Expect::Revision(&revision)).await.unwrap());
    }
    assert_eq!(touch(&store, &id("nobody"), &session).await.unwrap(), TouchOutcome::Gone);
    let session = document("n", "2").with_cookie(&cookie);
    written(store.set(&sid, &session, Expect::Revision(&revision)).await.unwrap());
    // The same bytes again, expecting the old ones: somebody else has written them.
    conflict(store.set(&sid, &session, Expect::Revision(&revision)).await.unwrap());
}
