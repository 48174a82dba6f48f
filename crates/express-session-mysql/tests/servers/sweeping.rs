//! Expired rows go away, and nobody has to wait for that.

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use express_session_core::{Expect, SessionStore as _, SessionStoreAdmin as _, TouchOutcome};
use express_session_mysql::MySqlStore;
use express_session_mysql::mysql_async::prelude::Queryable;
use express_session_mysql::mysql_async::{Opts, OptsBuilder, Pool};

use crate::database::{Database, connect, document, id, touch, until};
use crate::expected::written;

/// `SWEEP_ROWS=1000000` makes the big test bigger.
fn expired_rows() -> u64 {
    env::var("SWEEP_ROWS").map_or(100_000, |rows| rows.parse().unwrap())
}

/// Fills the table with rows that expired long ago, and one in ten that lives for long.
async fn fill(database: &Database, rows: u64) {
    let mut conn = database.conn().await;
    // MariaDB and MySQL both have recursive queries, and both stop them at some depth, so: squares.
    let side = rows.isqrt() + 1;
    conn.query_drop("CREATE TEMPORARY TABLE numbers (n int PRIMARY KEY)").await.unwrap();
    conn.query_drop("CREATE TEMPORARY TABLE numbers2 (n int PRIMARY KEY)").await.unwrap();
    for start in (0..side).step_by(1000) {
        let values: Vec<_> = (start..(start + 1000).min(side)).map(|n| format!("({n})")).collect();
        let values = values.join(",");
        conn.query_drop(format!("INSERT INTO numbers VALUES {values}")).await.unwrap();
        conn.query_drop(format!("INSERT INTO numbers2 VALUES {values}")).await.unwrap();
    }
    conn.query_drop(format!(
        "INSERT INTO sessions SELECT CONCAT(LEFT(SHA2(a.n * {side} + b.n, 256), 32), '-', a.n * {side} + b.n), \
         IF((a.n * {side} + b.n) % 10 = 0, 4000000000, 1000000000 + a.n), \
         '{{\"cookie\":{{\"originalMaxAge\":null,\"expires\":null,\"httpOnly\":true,\"path\":\"/\"}}}}' \
         FROM numbers a JOIN numbers2 b WHERE a.n * {side} + b.n < {rows}"
    ))
    .await
    .unwrap();
    conn.disconnect().await.unwrap();
}

/// Requests go on during a sweep: all succeed, none loses anything, and at the end only the dead are gone.
async fn sweep_beside_requests(with_index: bool) {
    let rows = expired_rows();
    let database = Database::fresh().await;
    let options = database
        .options()
        .create_expires_index(with_index)
        .sweep_batch(1000)
        .sweep_pause(Duration::from_millis(1));
    let store = connect(options).await.unwrap();
    if with_index {
        database.has_indexes(1).await;
    }
    fill(&database, rows).await;
    let done = Arc::new(AtomicBool::new(false));
    let requests: Vec<_> = (0..8)
        .map(|number| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let sid = id(&format!("live-{number}"));
                let mut revision = written(store.set(&sid, &document("n", "0"), Expect::Any).await.unwrap());
                let mut count = 0_u64;
                while !done.load(Ordering::Relaxed) {
                    let found = store.get(&sid).await.unwrap().unwrap();
                    assert!(found.revision == revision, "the session has changed");
                    assert_eq!(touch(&store, &sid, &found.document).await.unwrap(), TouchOutcome::Touched);
                    count += 1;
                    let changed = document("n", &count.to_string());
                    let expect = Expect::Revision(&revision);
                    revision = written(store.set(&sid, &changed, expect).await.unwrap());
                    let short = id(&format!("short-{number}-{count}"));
                    written(store.set(&short, &changed, Expect::Any).await.unwrap());
                    assert!(store.destroy(&short).await.unwrap());
                }
                count
            })
        })
        .collect();
    let swept = store.sweep().await.unwrap();
    done.store(true, Ordering::Relaxed);
    for request in requests {
        assert!(request.await.unwrap() > 0, "no request got through during the sweep");
    }
    assert_eq!(swept, rows - rows.div_ceil(10));
    assert_eq!(store.length().await.unwrap(), rows.div_ceil(10) + 8);
    assert_eq!(
        database.number("SELECT COUNT(*) FROM sessions").await,
        rows.div_ceil(10) + 8,
        "only live rows are left"
    );
    database.run("DROP TABLE sessions").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_do_not_notice_a_sweep_of_a_table_as_node_makes_it() {
    sweep_beside_requests(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_do_not_notice_a_sweep_by_the_index() {
    sweep_beside_requests(true).await;
}

#[tokio::test]
async fn the_index_is_made_once_and_only_on_demand() {
    let database = Database::fresh().await;
    let indexes = format!(
        "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = '{}' AND column_name = 'expires'",
        database.name
    );
    database.store().await;
    assert_eq!(database.number(&indexes).await, 0);
    for _ in 0..2 {
        // What a store does in the background begins with the index: once it has swept, the index is settled.
        database.put_row("dead", 1, Some("{}")).await;
        let options = database.options().create_expires_index(true).clear_expired(true);
        let _store = connect(options.check_expiration_interval(Duration::from_millis(10))).await.unwrap();
        until(async || database.number("SELECT COUNT(*) FROM sessions").await == 0).await;
        assert_eq!(database.number(&indexes).await, 1);
    }
}

#[tokio::test]
async fn expired_rows_go_away_in_the_background_until_the_store_is_dropped() {
    let database = Database::fresh().await;
    let options = database.options().clear_expired(true).check_expiration_interval(Duration::from_millis(30));
    let store = connect(options).await.unwrap();
    let count = async || database.number("SELECT COUNT(*) FROM sessions").await;
    database.put_row("dead", 1, Some("{}")).await;
    database.put_row("live", 4_000_000_000, Some("{}")).await;
    until(async || count().await == 1).await;
    let clone = store.clone();
    drop(store);
    database.put_row("dead", 1, Some("{}")).await;
    until(async || count().await == 1).await;
    drop(clone);
    // No sweep is under way any more once its connection is gone, and none begins.
    let sweeps =
        format!("SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{}'", database.name);
    until(async || database.number(&sweeps).await == 1).await;
    database.put_row("dead", 1, Some("{}")).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(count().await, 2);
}

/// While somebody else holds the fleet's lock, the background sweep stands back.
#[tokio::test]
async fn one_server_of_a_fleet_sweeps_at_a_time() {
    let database = Database::fresh().await;
    let lock =
        "CONCAT('express-session-sweep:', LEFT(SHA2(CONCAT_WS('.', DATABASE(), '`sessions`'), 256), 40))";
    let mut other = database.conn().await;
    let got: Option<u64> = other.query_first(format!("SELECT GET_LOCK({lock}, 0)")).await.unwrap();
    assert_eq!(got, Some(1));
    let options = database.options().clear_expired(true).check_expiration_interval(Duration::from_millis(10));
    let store = connect(options).await.unwrap();
    database.put_row("dead", 1, Some("{}")).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(database.number("SELECT COUNT(*) FROM sessions").await, 1, "two servers swept at a time");
    let released: Option<u64> = other.query_first(format!("SELECT RELEASE_LOCK({lock})")).await.unwrap();
    assert_eq!(released, Some(1));
    until(async || database.number("SELECT COUNT(*) FROM sessions").await == 0).await;
    store.close().await;
}

/// One server whose clock was 25 hours ahead once deleted what the whole fleet still used.
#[tokio::test]
async fn a_row_is_swept_once_it_has_expired_by_both_clocks() {
    for (ahead, swept) in [(-90_000, vec!["days"]), (90_000, vec!["days", "hour"])] {
        let database = Database::fresh().await;
        database.store().await.close().await;
        let now = database.number("SELECT UNIX_TIMESTAMP()").await;
        let rows = [("days", now - 360_000), ("hour", now - 3_600), ("live", now + 3_600)];
        for (id, expires) in rows {
            database.put_row(id, expires, Some("{}")).await;
        }
        // What each connection of this pool takes for the time: 25 hours more or less.
        let opts = OptsBuilder::from_opts(Opts::from_url(&database.url).unwrap())
            .init(vec![format!("SET timestamp = UNIX_TIMESTAMP() + ({ahead})")]);
        let store = MySqlStore::new(database.options().pool(Pool::new(opts))).unwrap();
        assert_eq!(store.sweep().await.unwrap(), swept.len() as u64, "{ahead}");
        let left: Vec<_> = database.rows().await.into_iter().map(|row| row.id).collect();
        let expected: Vec<_> = rows.iter().map(|row| row.0).filter(|id| !swept.contains(id)).collect();
        assert_eq!(left, expected, "{ahead}");
    }
}
