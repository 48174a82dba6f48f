//! What happens to one request of a shared statement is its own business.

use std::time::Duration;

use express_session_core::{Expect, SessionStore as _, SetOutcome, StoreError, TouchOutcome};
use express_session_mysql::mysql_async::Conn;
use express_session_mysql::mysql_async::prelude::Queryable;
use express_session_mysql::{MySqlError, MySqlStore};
use express_session_testbed::MariaDb;
use tokio::join;
use tokio::task::JoinHandle;

use crate::database::{Database, connect, document, id, touch};
use crate::expected::written;
use crate::sharing::{n, put, sessions};

/// A touch of a session, in a task of its own.
fn touching(store: &MySqlStore, name: &'static str) -> JoinHandle<TouchOutcome> {
    let store = store.clone();
    tokio::spawn(async move { touch(&store, &id(name), &document("n", "0")).await.unwrap() })
}

/// Makes the store have two connections that are not new: a broken one is replaced unnoticed only if it was not.
async fn two_connections(store: &MySqlStore) {
    let (sid, document) = (id("x"), document("n", "0"));
    let (found, touched) = join!(store.get(&sid), touch(store, &sid, &document));
    assert!(found.unwrap().is_some());
    assert_eq!(touched.unwrap(), TouchOutcome::Touched);
}

/// Long before a lock wait is over, but long enough for MySQL, which waits for a second or two before it gives up.
async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("nothing is in the way")
}

/// Threads of the store that wait for the table.
async fn waiting_threads(conn: &mut Conn) -> Vec<u64> {
    conn.query(
        "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for table%'",
    )
    .await
    .unwrap()
}

/// Waits until so many statements wait for the table.
async fn until_waiting(conn: &mut Conn, count: usize) -> Vec<u64> {
    loop {
        let threads = waiting_threads(conn).await;
        if threads.len() >= count {
            return threads;
        }
        tokio::task::yield_now().await;
    }
}

/// The lock is released only after the others are done, so nobody can have waited for it.
#[tokio::test]
async fn a_locked_row_holds_up_nobody_else() {
    let database = Database::fresh().await;
    // A statement that waits for the row does so for half a minute.
    let options = database.options().query_timeout(Duration::from_secs(31));
    let store = connect(options).await.unwrap();
    let [a, locked, c, d] = sessions(&store, ["a", "locked", "c", "d"]).await;
    let mut holder = database.conn().await;
    for share_the_statement in [false, true] {
        holder.query_drop("START TRANSACTION").await.unwrap();
        holder.query_drop("SELECT * FROM sessions WHERE session_id = 'locked' FOR UPDATE").await.unwrap();
        // It begins and is stuck: alone, or after another one together with those that come with it.
        let first = touching(&store, if share_the_statement { "d" } else { "locked" });
        let second = touching(&store, if share_the_statement { "locked" } else { "d" });
        let others = ["a", "c"].map(|name| touching(&store, name));
        for other in others {
            assert_eq!(in_time(other).await.unwrap(), TouchOutcome::Touched);
        }
        let (stuck, free) = if share_the_statement { (second, first) } else { (first, second) };
        assert_eq!(in_time(free).await.unwrap(), TouchOutcome::Touched);
        assert!(!stuck.is_finished());
        holder.query_drop("COMMIT").await.unwrap();
        assert_eq!(stuck.await.unwrap(), TouchOutcome::Touched);
    }
    holder.query_drop("START TRANSACTION").await.unwrap();
    holder.query_drop("SELECT * FROM sessions WHERE session_id = 'locked' FOR UPDATE").await.unwrap();
    let stuck = async {
        let outcome = put(&store, "locked", 1, &locked).await;
        assert_eq!(n(&store, "a").await.as_deref(), Some("1"), "it was the last one");
        outcome
    };
    let others = async {
        let others = async { join!(put(&store, "a", 1, &a), put(&store, "c", 1, &c)) };
        let outcomes = in_time(others).await;
        holder.query_drop("COMMIT").await.unwrap();
        outcomes
    };
    let (first, stuck, others) = join!(put(&store, "d", 1, &d), stuck, others);
    for outcome in [first, stuck, others.0, others.1] {
        written(outcome);
    }
}

/// The server rolls a shared statement back because of a deadlock: each then runs alone, and none is lost.
#[tokio::test]
async fn a_deadlock_is_tried_again_one_by_one() {
    let database = Database::fresh().await;
    let store = database.store().await;
    let mut revisions = sessions(&store, ["x", "a", "b", "c"]).await;
    // Not InnoDB: what is counted stays counted when a statement is rolled back.
    database.run("CREATE TABLE tries (n int) ENGINE=MyISAM").await;
    database.run("INSERT INTO tries VALUES (0)").await;
    database
        .run(
            "CREATE TRIGGER deadlock BEFORE UPDATE ON sessions FOR EACH ROW IF NEW.session_id = 'b' THEN \
             UPDATE tries SET n = n + 1; IF (SELECT n FROM tries) = 1 THEN \
             SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock'; END IF; END IF",
        )
        .await;
    let [x, a, b, c] = ["x", "a", "b", "c"].map(id);
    let one = document("n", "0");
    let touched = join!(
        touch(&store, &x, &one),
        touch(&store, &a, &one),
        touch(&store, &b, &one),
        touch(&store, &c, &one)
    );
    for touched in [touched.0, touched.1, touched.2, touched.3] {
        assert_eq!(touched.unwrap(), TouchOutcome::Touched);
    }
    assert_eq!(database.number("SELECT n FROM tries").await, 2, "one deadlock, one success");
    for number in 1..=2 {
        database.run("UPDATE tries SET n = 0").await;
        let [x, a, b, c] = &revisions;
        let outcomes = join!(
            put(&store, "x", number, x),
            put(&store, "a", number, a),
            put(&store, "b", number, b),
            put(&store, "c", number, c)
        );
        revisions = [written(outcomes.0), written(outcomes.1), written(outcomes.2), written(outcomes.3)];
        assert_eq!(database.number("SELECT n FROM tries").await, 2, "one deadlock, one success");
    }
}

/// Two servers write the same sessions in batches, while another program locks them in another order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_deadlocks_are_nobodys_business() {
    let database = Database::fresh().await;
    let (store, other) = (database.store().await, database.store().await);
    sessions(&store, ["a", "b", "c", "d"]).await;
    let foreign = {
        let database = database.clone();
        tokio::spawn(async move {
            let mut conn = database.conn().await;
            for _ in 0..60 {
                conn.query_drop("START TRANSACTION").await.unwrap();
                for name in ["d", "c", "b", "a"] {
                    let sql =
                        format!("UPDATE sessions SET expires = expires + 1 WHERE session_id = '{name}'");
                    if conn.query_drop(sql).await.is_err() {
                        break;
                    }
                }
                let _ = conn.query_drop("COMMIT").await;
            }
        })
    };
    while !foreign.is_finished() {
        let tasks: Vec<_> = [&store, &other]
            .into_iter()
            .flat_map(|store| ["a", "b", "c", "d"].map(|name| touching(store, name)))
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), TouchOutcome::Touched);
        }
    }
    foreign.await.unwrap();
}

/// The table refuses one row of several: only the request for it fails.
#[tokio::test]
async fn one_row_that_is_refused_fails_alone() {
    let database = Database::fresh().await;
    let store = database.store().await;
    let [x, a, poisoned, c] = sessions(&store, ["x", "a", "poisoned", "c"]).await;
    database
        .run(
            "CREATE TRIGGER refuse BEFORE UPDATE ON sessions FOR EACH ROW IF NEW.session_id = 'poisoned' THEN \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF",
        )
        .await;
    let refused = async {
        let document = document("n", "1");
        store.set(&id("poisoned"), &document, Expect::Revision(&poisoned)).await
    };
    let outcomes = join!(put(&store, "x", 1, &x), put(&store, "a", 1, &a), refused, put(&store, "c", 1, &c));
    for outcome in [outcomes.0, outcomes.1, outcomes.3] {
        written(outcome);
    }
    assert!(matches!(outcomes.2, Err(StoreError::Backend(_))), "{:?}", outcomes.2);
    database.run("DROP TRIGGER refuse").await;
    // A row that is no session, beside some that are.
    database.run("UPDATE sessions SET data = '{' WHERE session_id = 'poisoned'").await;
    let ids = ["x", "a", "poisoned", "c"].map(id);
    let found = join!(store.get(&ids[0]), store.get(&ids[1]), store.get(&ids[2]), store.get(&ids[3]));
    assert!(found.1.unwrap().is_some() && found.3.unwrap().is_some());
    assert!(matches!(found.2, Err(StoreError::Corrupt(_))), "{:?}", found.2);
}

/// One document does not fit into the column, another is too large to be shared.
#[tokio::test]
async fn one_document_that_is_too_large_fails_alone() {
    let database = Database::fresh().await;
    let store = database.store().await;
    let [x, a, large, c] = sessions(&store, ["x", "a", "large", "c"]).await;
    let with = async |text: usize| {
        let document = document("text", &format!("\"{}\"", "x".repeat(text)));
        store.set(&id("large"), &document, Expect::Revision(&large)).await
    };
    database.run("ALTER TABLE sessions MODIFY data varchar(255) COLLATE utf8mb4_bin").await;
    let outcomes =
        join!(put(&store, "x", 1, &x), put(&store, "a", 1, &a), with(300), put(&store, "c", 1, &c));
    assert!(matches!(outcomes.2, Err(StoreError::TooLarge { size: 300.., .. })), "{:?}", outcomes.2);
    let [x, a, c] = [outcomes.0, outcomes.1, outcomes.3].map(written);
    database.run("ALTER TABLE sessions MODIFY data mediumtext COLLATE utf8mb4_bin").await;
    let outcomes =
        join!(put(&store, "x", 2, &x), put(&store, "a", 2, &a), with(9000), put(&store, "c", 2, &c));
    for outcome in [outcomes.0, outcomes.1, outcomes.2.unwrap(), outcomes.3] {
        written(outcome);
    }
}

/// One who goes away before his turn is left out; one who goes away later leaves the others where they are.
#[tokio::test]
async fn one_who_goes_away_takes_nobody_with_him() {
    let database = Database::fresh().await;
    let store = database.store().await;
    let [x, a, b, c] = sessions(&store, ["x", "a", "b", "c"]).await;
    let writing = |name: &'static str, number, revision: &express_session_core::Revision| {
        let (store, revision) = (store.clone(), revision.clone());
        tokio::spawn(async move { put(&store, name, number, &revision).await })
    };
    let mut holder = database.conn().await;
    holder.query_drop("LOCK TABLES sessions WRITE").await.unwrap();
    let first = writing("x", 1, &x);
    let mut others = [writing("a", 1, &a), writing("b", 1, &b), writing("c", 1, &c)];
    // All have begun, and the three wait for the first.
    tokio::task::yield_now().await;
    others[1].abort();
    assert!((&mut others[1]).await.unwrap_err().is_cancelled());
    let mut watcher = database.conn().await;
    until_waiting(&mut watcher, 2).await;
    // Now the two that are left are on their way.
    holder.query_drop("UNLOCK TABLES").await.unwrap();
    let [a, _, c] = others;
    let (x, a, c) = (written(first.await.unwrap()), written(a.await.unwrap()), written(c.await.unwrap()));
    assert_eq!(n(&store, "b").await.as_deref(), Some("0"), "it had not been sent");

    holder.query_drop("LOCK TABLES sessions WRITE").await.unwrap();
    let first = writing("x", 2, &x);
    let others = [writing("a", 2, &a), writing("b", 2, &b), writing("c", 2, &c)];
    until_waiting(&mut watcher, 2).await;
    let [a, b, c] = others;
    b.abort();
    assert!(b.await.unwrap_err().is_cancelled());
    holder.query_drop("UNLOCK TABLES").await.unwrap();
    for other in [first, a, c] {
        written(other.await.unwrap());
    }
    assert_eq!(n(&store, "b").await.as_deref(), Some("2"), "it was on its way with the others");
}

/// A caller's own deadline ends his waiting, and nobody else's.
#[tokio::test]
async fn the_deadline_of_one_is_not_that_of_the_others() {
    let database = Database::fresh().await;
    let store = database.store().await;
    sessions(&store, ["x", "a", "b", "c"]).await;
    let mut holder = database.conn().await;
    holder.query_drop("LOCK TABLES sessions WRITE").await.unwrap();
    let others = ["x", "a", "c"].map(|name| touching(&store, name));
    let document = document("n", "0");
    let hurried = id("b");
    let hurried = tokio::time::timeout(Duration::from_millis(30), touch(&store, &hurried, &document));
    assert!(hurried.await.is_err());
    holder.query_drop("UNLOCK TABLES").await.unwrap();
    for other in others {
        assert_eq!(other.await.unwrap(), TouchOutcome::Touched);
    }
}

/// The connection breaks in the middle: what can run twice does, what cannot is unknown, and all are told the same.
#[tokio::test]
async fn a_connection_that_is_killed_is_told_to_all() {
    let database = Database::fresh().await;
    let store = database.store().await;
    let revisions = sessions(&store, ["x", "a", "b", "c"]).await;
    let ids = ["x", "a", "b", "c"].map(id);
    two_connections(&store).await;
    let mut holder = database.conn().await;
    let mut watcher = database.conn().await;
    holder.query_drop("LOCK TABLES sessions WRITE").await.unwrap();
    let touches = ["x", "a", "b", "c"].map(|name| touching(&store, name));
    for thread in until_waiting(&mut watcher, 2).await {
        watcher.query_drop(format!("KILL {thread}")).await.unwrap();
    }
    holder.query_drop("UNLOCK TABLES").await.unwrap();
    for touch in touches {
        assert_eq!(touch.await.unwrap(), TouchOutcome::Touched);
    }

    holder.query_drop("LOCK TABLES sessions WRITE").await.unwrap();
    let writes: Vec<_> = ids
        .iter()
        .zip(&revisions)
        .map(|(id, revision)| {
            let (store, id, revision) = (store.clone(), id.clone(), revision.clone());
            tokio::spawn(
                async move { store.set(&id, &document("n", "1"), Expect::Revision(&revision)).await },
            )
        })
        .collect();
    for thread in until_waiting(&mut watcher, 2).await {
        watcher.query_drop(format!("KILL {thread}")).await.unwrap();
    }
    holder.query_drop("UNLOCK TABLES").await.unwrap();
    let mut shared = Vec::new();
    for (write, name) in writes.into_iter().zip(["x", "a", "b", "c"]) {
        let result = write.await.unwrap();
        match &result {
            Ok(SetOutcome::Written(_)) => assert_eq!(n(&store, name).await.as_deref(), Some("1")),
            Err(StoreError::Unavailable(source)) => {
                assert!(matches!(source.downcast_ref(), Some(MySqlError::ConnectionLost(_))), "{source:?}");
            }
            other => panic!("{other:?}"),
        }
        shared.push(result.is_ok());
    }
    assert!(shared[1] == shared[2] && shared[2] == shared[3], "one statement, one fate: {shared:?}");
}

/// A server that does not answer: all who share the statement are told that they do not know.
#[tokio::test]
async fn silence_is_told_to_all() {
    let server = MariaDb::start(&[]).unwrap();
    let database = Database::on(&server.url(""), "utf8mb4").await;
    let limit = Duration::from_millis(300);
    let store = connect(database.options().query_timeout(limit)).await.unwrap();
    let revisions = sessions(&store, ["x", "a", "b", "c"]).await;
    let ids = ["x", "a", "b", "c"].map(id);
    two_connections(&store).await;
    let two = document("n", "2");
    server.signal("STOP").unwrap();
    let set = |number: usize| store.set(&ids[number], &two, Expect::Revision(&revisions[number]));
    let outcomes = join!(set(0), set(1), set(2), set(3));
    for outcome in [outcomes.0, outcomes.1, outcomes.2, outcomes.3] {
        assert!(matches!(outcome, Err(StoreError::Timeout(told)) if told == limit), "{outcome:?}");
    }
    server.signal("CONT").unwrap();
}
