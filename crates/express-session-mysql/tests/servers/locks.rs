//! Deadlocks and lock waits are not the request's business.

use std::time::Duration;

use express_session_core::{Expect, SessionStore as _, StoreError, TouchOutcome};
use express_session_mysql::MySqlError;
use express_session_mysql::mysql_async::prelude::Queryable;

use crate::database::{Database, connect, document, id, touch};
use crate::expected::written;

/// Other programs lock the rows in transactions of their own, in an order that makes deadlocks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlocks_are_tried_again() {
    let database = Database::fresh().await;
    let store = database.store().await;
    for name in ["a", "b"] {
        written(store.set(&id(name), &document("n", "0"), Expect::Any).await.unwrap());
    }
    // A trigger makes each UPDATE of one row lock the other one, too: two at once are a deadlock.
    database.run("CREATE TABLE locks (id varchar(8) PRIMARY KEY, n int)").await;
    database.run("INSERT INTO locks VALUES ('a', 0), ('b', 0)").await;
    database
        .run(
            "CREATE TRIGGER other_too BEFORE UPDATE ON sessions FOR EACH ROW \
             UPDATE locks SET n = n + 1 WHERE id IN ('a', 'b') AND SLEEP(0.001) = 0",
        )
        .await;
    let deadlocks = async || {
        let mut conn = database.conn().await;
        let row: Option<(String, u64)> =
            conn.query_first("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").await.unwrap();
        row.map_or(0, |(_, count)| count)
    };
    let before = deadlocks().await;
    let foreign = {
        let database = database.clone();
        tokio::spawn(async move {
            let mut conn = database.conn().await;
            for _ in 0..100 {
                conn.query_drop("START TRANSACTION").await.unwrap();
                let locked = conn.query_drop("UPDATE locks SET n = n + 1 WHERE id = 'b'").await;
                if locked.is_ok() {
                    // Its victim is whoever has changed less: mostly this one, sometimes the store.
                    let _ = conn
                        .query_drop("UPDATE sessions SET expires = expires + 1 WHERE session_id = 'a'")
                        .await;
                }
                let _ = conn.query_drop("COMMIT").await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
    };
    while !foreign.is_finished() {
        for name in ["a", "b"] {
            let outcome = touch(&store, &id(name), &document("n", "0")).await.unwrap();
            assert_eq!(outcome, TouchOutcome::Touched);
        }
    }
    foreign.await.unwrap();
    if database.number("SELECT VERSION() LIKE '%MariaDB%'").await == 1 {
        assert!(deadlocks().await > before, "the test made no deadlock");
    }
}

/// A row that somebody holds locked is waited for no longer than the query timeout, and the error says so.
#[tokio::test]
async fn a_locked_row_is_waited_for_within_bounds() {
    let database = Database::fresh().await;
    let store = connect(database.options().query_timeout(Duration::from_millis(400))).await.unwrap();
    let sid = id("sid");
    written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap());
    let mut holder = database.conn().await;
    holder.query_drop("START TRANSACTION").await.unwrap();
    holder.query_drop("SELECT * FROM sessions WHERE session_id = 'sid' FOR UPDATE").await.unwrap();
    let error = touch(&store, &sid, &document("n", "1")).await.unwrap_err();
    assert!(matches!(error, StoreError::Timeout(_)), "{error:?}");
    assert!(store.get(&sid).await.unwrap().is_some(), "reading needs no lock");
    holder.query_drop("COMMIT").await.unwrap();
    assert_eq!(touch(&store, &sid, &document("n", "1")).await.unwrap(), TouchOutcome::Touched);
}

/// The server gives up before the client does: a typed error after a bounded number of attempts.
#[tokio::test]
async fn a_lock_wait_that_persists_is_said() {
    let database = Database::fresh().await;
    let store = connect(database.options().query_timeout(Duration::from_secs(3))).await.unwrap();
    let sid = id("sid");
    written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap());
    let mut holder = database.conn().await;
    holder.query_drop("START TRANSACTION").await.unwrap();
    holder.query_drop("SELECT * FROM sessions WHERE session_id = 'sid' FOR UPDATE").await.unwrap();
    let error = touch(&store, &sid, &document("n", "1")).await.unwrap_err();
    let StoreError::Unavailable(source) = &error else { panic!("{error:?}") };
    let Some(MySqlError::Contended { attempts, .. }) = source.downcast_ref() else { panic!("{error:?}") };
    // The server waits for two or three seconds, and what comes after three is not tried again.
    assert!((1..=2).contains(attempts), "{attempts} attempts");
}
