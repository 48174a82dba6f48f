//! Everything that can be wrong with a server, each on a private one: a typed error within bounds, and recovery.

use std::error::Error as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use express_session_core::{
    Expect, SessionStore as _, SessionStoreAdmin as _, StoreError, Successor, TouchOutcome,
};
use express_session_mysql::mysql_async::prelude::Queryable;
use express_session_mysql::{MySqlError, MySqlOptions, MySqlStore};
use express_session_testbed::{MariaDb, free_port};
use tokio::time::timeout;

use crate::database::{Database, connect, connections, document, id, touch};
use crate::expected::written;

/// No call may take longer than this, whatever is wrong. It is far beyond every limit the tests set.
const BOUND: Duration = Duration::from_secs(30);

/// The error below the store's.
fn cause(error: &StoreError) -> &MySqlError {
    let (StoreError::Unavailable(source) | StoreError::ReadOnly(source) | StoreError::Backend(source)) =
        error
    else {
        panic!("{error:?} has no cause")
    };
    source.downcast_ref().unwrap()
}

fn assert_no_secrets(error: &MySqlError) {
    let mut shown = format!("{error:?}");
    let mut layer: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = layer {
        shown.push_str(&error.to_string());
        layer = error.source();
    }
    for secret in ["only for private", "only%20for", "mysql://", "wrong password", "top-secret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

async fn refused(options: MySqlOptions) -> MySqlError {
    let error = timeout(BOUND, connect(options)).await.unwrap().unwrap_err();
    assert_no_secrets(&error);
    error
}

#[tokio::test]
async fn a_server_that_is_down_at_the_start_is_found_when_it_comes_up() {
    let mut server = MariaDb::start(&[]).unwrap();
    let database = Database::on(&server.url(""), "utf8mb4").await;
    server.kill().unwrap();
    let error = refused(database.options()).await;
    assert!(matches!(error, MySqlError::Connect(_)), "{error:?}");
    let store = MySqlStore::new(database.options()).unwrap();
    let error = store.get(&id("sid")).await.unwrap_err();
    assert!(error.is_outage(), "{error:?}");
    server.restart().unwrap();
    // The same store, and the table is created now.
    written(store.set(&id("sid"), &document("n", "1"), Expect::Any).await.unwrap());
    assert_eq!(store.length().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_load_is_back_without_a_restart_of_ours() {
    let mut server = MariaDb::start(&[]).unwrap();
    let database = Database::on(&server.url(""), "utf8mb4").await;
    let store = connect(database.options()).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (failures, successes) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let load: Vec<_> = (0..16)
        .map(|number| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            let (failures, successes) = (Arc::clone(&failures), Arc::clone(&successes));
            tokio::spawn(async move {
                let sid = id(&format!("s{number}"));
                while !done.load(Ordering::Relaxed) {
                    let changed = document("n", "1");
                    let set = timeout(BOUND, store.set(&sid, &changed, Expect::Any));
                    let result = set.await.unwrap().map(drop);
                    let result = match result {
                        Ok(()) => timeout(BOUND, store.get(&sid)).await.unwrap().map(drop),
                        failed => failed,
                    };
                    match result {
                        Ok(()) => successes.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            assert!(error.is_outage(), "{error:?}");
                            failures.fetch_add(1, Ordering::Relaxed)
                        }
                    };
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let more = async |counter: &AtomicU32, count: u32| {
        let target = counter.load(Ordering::Relaxed) + count;
        let reached = async {
            while counter.load(Ordering::Relaxed) < target {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(BOUND, reached).await.expect("the load goes on");
    };
    for _ in 0..2 {
        more(&successes, 100).await;
        server.kill().unwrap();
        more(&failures, 16).await;
        server.restart().unwrap();
        more(&successes, 100).await;
    }
    done.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    let failed = failures.load(Ordering::Relaxed);
    for number in 0..16 {
        assert!(store.get(&id(&format!("s{number}"))).await.unwrap().is_some());
    }
    assert_eq!(failures.load(Ordering::Relaxed), failed);
}

/// All idle connections are dead, and no request notices.
#[tokio::test]
async fn connections_that_the_server_has_closed_are_replaced_unnoticed() {
    let database = Database::fresh().await;
    let store = connect(database.options().connection_limit(3)).await.unwrap();
    let sid = id("sid");
    let mut revision = written(store.set(&sid, &document("n", "0"), Expect::Any).await.unwrap());
    let kill_all = async || {
        let mut conn = database.conn().await;
        let threads: Vec<u64> = conn
            .exec(
                "SELECT id FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()",
                (&database.name,),
            )
            .await
            .unwrap();
        for thread in &threads {
            conn.query_drop(format!("KILL {thread}")).await.unwrap();
        }
        conn.disconnect().await.unwrap();
        assert!(!threads.is_empty());
    };
    for verb in 0..6 {
        // Several connections, so that the next idle one would be dead as well.
        let (a, b, c) = tokio::join!(store.get(&sid), store.get(&sid), store.get(&sid));
        assert!(a.unwrap().is_some() && b.unwrap().is_some() && c.unwrap().is_some());
        kill_all().await;
        match verb {
            0 => assert!(store.get(&sid).await.unwrap().is_some()),
            1 => {
                let outcome = touch(&store, &sid, &document("n", "0")).await.unwrap();
                assert_eq!(outcome, TouchOutcome::Touched);
            }
            2 => revision = written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap()),
            // A conditional write must not run twice, so a connection that has been idle is tried first.
            3 => {
                tokio::time::sleep(Duration::from_millis(1100)).await;
                let changed = document("n", "2");
                revision = written(store.set(&sid, &changed, Expect::Revision(&revision)).await.unwrap());
            }
            4 => assert_eq!(store.length().await.unwrap(), 1),
            _ => assert!(store.destroy(&sid).await.unwrap()),
        }
    }
    assert!(store.get(&sid).await.unwrap().is_none());
}

#[tokio::test]
async fn connections_closed_for_idling_are_replaced_unnoticed() {
    let server = MariaDb::start(&["--wait-timeout=1", "--interactive-timeout=1"]).unwrap();
    let database = Database::on(&server.url(""), "utf8mb4").await;
    let store = connect(database.options()).await.unwrap();
    let sid = id("sid");
    let revision = written(store.set(&sid, &document("n", "0"), Expect::Any).await.unwrap());
    let mut conn = database.conn().await;
    while connections(&mut conn).await > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    written(store.set(&sid, &document("n", "1"), Expect::Revision(&revision)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_free_connections_is_waited_for_within_bounds() {
    let server = MariaDb::start(&["--max-connections=4", "--extra-port=0"]).unwrap();
    let database = Database::on(&server.url(""), "utf8mb4").await;
    let options = database.options().connection_limit(8).pool_timeout(Duration::from_millis(1500));
    let store = connect(options).await.unwrap();
    // More connections than the server has: those that there are are shared.
    let sid = id("sid");
    written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap());
    let reads: Vec<_> = (0..32)
        .map(|_| {
            let (store, sid) = (store.clone(), sid.clone());
            tokio::spawn(async move { timeout(BOUND, store.get(&sid)).await.unwrap() })
        })
        .collect();
    for read in reads {
        match read.await.unwrap() {
            Ok(found) => assert!(found.is_some()),
            Err(error) => assert!(matches!(cause(&error), MySqlError::TooManyConnections(_)), "{error:?}"),
        }
    }
    store.close().await;
    // Others have them all.
    let mut asking = database.conn().await;
    while connections(&mut asking).await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut others = vec![asking];
    while let Ok(conn) = database.try_conn().await {
        others.push(conn);
    }
    let options = database.options().pool_timeout(Duration::from_millis(200));
    let store = MySqlStore::new(options).unwrap();
    let error = timeout(BOUND, store.get(&sid)).await.unwrap().unwrap_err();
    assert!(error.is_outage());
    assert!(matches!(cause(&error), MySqlError::TooManyConnections(_)), "{error:?}");
    for conn in others {
        conn.disconnect().await.unwrap();
    }
    // The server notices a moment later that they are gone.
    let found = timeout(BOUND, async {
        loop {
            if let Ok(found) = store.get(&sid).await {
                break found;
            }
        }
    });
    assert!(found.await.unwrap().is_some());
}

/// A server that is there but does not answer: neither greeting, nor statements.
#[tokio::test]
async fn silence_is_waited_for_within_bounds() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let options = MySqlOptions::new().host("127.0.0.1").port(silent.local_addr().unwrap().port());
    let limit = Duration::from_millis(200);
    let error = refused(options.connect_timeout(limit)).await;
    assert!(matches!(error, MySqlError::ConnectTimeout(waited) if waited == limit), "{error:?}");

    let server = MariaDb::start(&[]).unwrap();
    let database = Database::on(&server.url(""), "utf8mb4").await;
    let options = database.options().query_timeout(limit).pool_timeout(limit).connect_timeout(limit);
    let store = connect(options.connection_limit(2)).await.unwrap();
    let sid = id("sid");
    written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap());
    server.signal("STOP").unwrap();
    for _ in 0..3 {
        let error = timeout(BOUND, store.get(&sid)).await.unwrap().unwrap_err();
        assert!(error.is_outage(), "{error:?}");
    }
    server.signal("CONT").unwrap();
    let found = timeout(BOUND, async {
        loop {
            if let Ok(found) = store.get(&sid).await {
                break found;
            }
        }
    });
    assert!(found.await.unwrap().is_some());
}

#[tokio::test]
async fn nobody_waits_for_a_free_connection_for_ever() {
    let database = Database::fresh().await;
    let limit = Duration::from_millis(100);
    let store = connect(database.options().connection_limit(1).pool_timeout(limit)).await.unwrap();
    let sid = id("sid");
    written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap());
    let mut holder = database.conn().await;
    holder.query_drop("START TRANSACTION").await.unwrap();
    holder.query_drop("SELECT * FROM sessions WHERE session_id = 'sid' FOR UPDATE").await.unwrap();
    let touch = {
        let (store, sid) = (store.clone(), sid.clone());
        tokio::spawn(async move { touch(&store, &sid, &document("n", "1")).await })
    };
    let error = loop {
        match store.get(&sid).await {
            Ok(found) => assert!(found.is_some()),
            Err(error) => break error,
        }
    };
    assert!(matches!(cause(&error), MySqlError::PoolTimeout { limit: 1, .. }), "{error:?}");
    assert!(cause(&error).to_string().contains("raise connection_limit"));
    holder.query_drop("COMMIT").await.unwrap();
    assert_eq!(touch.await.unwrap().unwrap(), TouchOutcome::Touched);
    assert!(store.get(&sid).await.unwrap().is_some());
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_named() {
    let database = Database::fresh().await;
    let port = free_port().unwrap();
    let error = refused(database.options().port(port)).await;
    assert!(matches!(error, MySqlError::Connect(_)), "{error:?}");
    let error = refused(database.options().password("wrong password")).await;
    assert!(matches!(error, MySqlError::AccessDenied(_)), "{error:?}");
    assert!(error.to_string().contains("check user, password"));
    assert!(error.source().unwrap().to_string().contains("1045"));
    let error = refused(database.options().database("no_such_database")).await;
    assert!(matches!(error, MySqlError::UnknownDatabase(_)), "{error:?}");
    let error = refused(database.options().socket_path("/nowhere/at/all.sock")).await;
    assert!(matches!(error, MySqlError::Connect(_)), "{error:?}");
    assert!(matches!(MySqlOptions::from_url("postgres://u:top-secret@h/d"), Err(MySqlError::Url)));
}

#[tokio::test]
async fn a_table_that_is_dropped_is_named_and_may_come_back() {
    let database = Database::fresh().await;
    let store = database.store().await;
    let sid = id("sid");
    let revision = written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap());
    database.run("RENAME TABLE sessions TO elsewhere").await;
    let assert_missing = |error: StoreError| {
        assert!(!error.is_outage(), "{error:?}");
        assert!(matches!(cause(&error), MySqlError::TableMissing(_)), "{error:?}");
    };
    assert_missing(store.get(&sid).await.unwrap_err());
    assert_missing(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap_err());
    assert_missing(store.set(&sid, &document("n", "2"), Expect::Revision(&revision)).await.unwrap_err());
    assert_missing(touch(&store, &sid, &document("n", "1")).await.unwrap_err());
    assert_missing(store.destroy(&sid).await.unwrap_err());
    let by = Successor { id: &id("new"), grace: Duration::from_mins(1) };
    assert_missing(store.supersede(&sid, Expect::Any, by).await.unwrap_err());
    assert_missing(store.supersede(&sid, Expect::Revision(&revision), by).await.unwrap_err());
    assert_missing(store.successor(&sid).await.unwrap_err());
    assert_missing(store.sweep().await.unwrap_err());
    assert_missing(store.page(None, 10).await.unwrap_err());
    database.run("RENAME TABLE elsewhere TO sessions").await;
    assert!(store.get(&sid).await.unwrap().is_some());
    database.run("ALTER TABLE sessions CHANGE data document mediumtext").await;
    let error = store.get(&sid).await.unwrap_err();
    assert!(matches!(cause(&error), MySqlError::ColumnMissing(_)), "{error:?}");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_nothing_is_cut_off() {
    let database = Database::fresh().await;
    // Not strict by itself: such a server would cut the text to size.
    database
        .run("CREATE TABLE small (session_id varchar(8) PRIMARY KEY, expires int unsigned, data tinytext)")
        .await;
    let options = database.options().table_name("small");
    let store = connect(options).await.unwrap();
    let error = store.set(&id("sid"), &document("x", &format!("\"{}\"", "x".repeat(300))), Expect::Any).await;
    assert!(matches!(error, Err(StoreError::TooLarge { size: 377.., .. })), "{error:?}");
    let error = store.set(&id("longer than eight"), &document("n", "1"), Expect::Any).await;
    assert!(matches!(error, Err(StoreError::UnsupportedId(_))), "{error:?}");
    assert_eq!(database.number("SELECT COUNT(*) FROM small").await, 0);
}

#[tokio::test]
async fn a_record_beyond_the_packet_limit_is_too_large() {
    let server = MariaDb::start(&["--max-allowed-packet=1M", "--sql-mode="]).unwrap();
    let database = Database::on(&server.url(""), "utf8mb4").await;
    let store = connect(database.options()).await.unwrap();
    let sid = id("sid");
    let revision = written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap());
    for bytes in [1 << 20, 2 << 20, 17 << 20] {
        let large = document("x", &format!("\"{}\"", "x".repeat(bytes)));
        for expect in [Expect::Any, Expect::Revision(&revision)] {
            let error = timeout(BOUND, store.set(&sid, &large, expect)).await.unwrap().unwrap_err();
            assert!(matches!(error, StoreError::TooLarge { size, .. } if size > bytes), "{error:?}");
        }
    }
    assert!(store.get(&sid).await.unwrap().unwrap().revision == revision);
    // Without strict mode of its own, the server would have cut this to size.
    database.run("ALTER TABLE sessions MODIFY data tinytext").await;
    let error = store.set(&sid, &document("x", &format!("\"{}\"", "x".repeat(300))), Expect::Any).await;
    assert!(matches!(error, Err(StoreError::TooLarge { .. })), "{error:?}");
    assert!(store.get(&sid).await.unwrap().unwrap().revision == revision);
}

#[tokio::test]
async fn a_read_only_server_is_an_outage_for_writes_only() {
    let mut server = MariaDb::start(&[]).unwrap();
    let database = Database::on(&server.url(""), "utf8mb4").await;
    // Without the right to write on a read-only server, as applications are.
    database.run("CREATE USER app@'%' IDENTIFIED BY 'app'").await;
    database.run(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {}.* TO app@'%'", database.name)).await;
    let app = || database.options().user("app").password("app");
    let error = refused(app()).await;
    assert!(matches!(error, MySqlError::AccessDenied(_)), "no table, and no right to create it: {error:?}");
    let maker = database.store().await;
    // The table is there now, which is all that counts.
    let store = connect(app()).await.unwrap();
    let sid = id("sid");
    let revision = written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap());
    database.run("SET GLOBAL read_only = 1").await;
    let by = Successor { id: &id("new"), grace: Duration::from_mins(1) };
    for error in [
        touch(&store, &sid, &document("n", "1")).await.unwrap_err(),
        store.supersede(&sid, Expect::Any, by).await.unwrap_err(),
        store.supersede(&sid, Expect::Revision(&revision), by).await.unwrap_err(),
    ] {
        assert!(error.is_outage());
        assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
        assert!(matches!(cause(&error), MySqlError::ReadOnly(_)), "{error:?}");
    }
    // Also when they share a statement.
    let (other, one) = (id("other"), document("n", "1"));
    let (first, second, third) =
        tokio::join!(touch(&store, &sid, &one), touch(&store, &other, &one), touch(&store, &sid, &one));
    for error in [first.unwrap_err(), second.unwrap_err(), third.unwrap_err()] {
        assert!(matches!(cause(&error), MySqlError::ReadOnly(_)), "{error:?}");
    }
    assert_eq!(store.successor(&sid).await.unwrap(), None);
    assert!(store.get(&sid).await.unwrap().is_some());
    database.run("SET GLOBAL read_only = 0").await;
    assert_eq!(touch(&store, &sid, &document("n", "1")).await.unwrap(), TouchOutcome::Touched);
    maker.close().await;
    server.kill().unwrap();
}
