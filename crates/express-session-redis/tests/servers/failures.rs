//! A server in trouble: typed errors within bounds, and recovery without a restart of ours.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use express_session_core::{
    Cookie, Data, Expect, SessionId, SessionStore as _, SetOutcome, StoreError, Successor, SupersedeOutcome,
    TouchAfter, TouchHint, TouchOutcome,
};
use express_session_redis::{DEFAULT_RESPONSE_TIMEOUT, RedisError, RedisOptions, RedisPool, RedisStore};
use express_session_testbed::free_port;
use express_session_testbed::redis::RedisServer;
use tokio::task::JoinSet;

use crate::support::{PATIENCE, command, document, eventually, id, n_of, query, store_at, touch, written};

/// Options that give up soon, so that the tests are quick.
pub(crate) fn hasty() -> RedisOptions {
    let limit = Duration::from_millis(300);
    RedisOptions::new().connect_timeout(limit).response_timeout(limit)
}

pub(crate) fn hint(cookie: &Cookie) -> TouchHint<'_> {
    TouchHint { cookie, touch_after: TouchAfter::Always }
}

pub(crate) fn replaced_by(id: &SessionId) -> Successor<'_> {
    Successor { id, grace: Duration::from_mins(1) }
}

/// All verbs fail with an outage.
pub(crate) async fn all_verbs_are_unavailable(store: &RedisStore) {
    let cookie = Cookie::default();
    let (a, revision) = (id("a"), express_session_core::Revision::of_bytes(*b"{}"));
    for error in [
        store.get(&a).await.err(),
        store.get_and_touch(&a, hint(&cookie)).await.err(),
        store.set(&a, &document(1), Expect::Any).await.err(),
        store.set(&a, &document(1), Expect::Revision(&revision)).await.err(),
        touch(store, &a, &document(1)).await.err(),
        store.destroy(&a).await.err(),
        store.supersede(&a, Expect::Any, replaced_by(&a)).await.err(),
        store.supersede(&a, Expect::Revision(&revision), replaced_by(&a)).await.err(),
        store.successor(&a).await.err(),
    ] {
        is_unavailable(&error.expect("the server is not there"));
    }
}

fn is_unavailable(error: &StoreError) {
    assert!(matches!(error, StoreError::Unavailable(_) | StoreError::Timeout(_)), "{error:?}");
}

/// Reads, but takes no writes, and says why.
pub(crate) fn is_read_only(error: &StoreError, code: &str) {
    let StoreError::ReadOnly(source) = error else { panic!("{error:?}") };
    assert!(error.is_outage());
    match source.downcast_ref() {
        Some(RedisError::ReadOnly(driver)) if driver.code() == Some(code) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_is_down_at_the_start_may_come_later() {
    let port = free_port().unwrap();
    let store = store_at(&format!("redis://127.0.0.1:{port}"), hasty());
    all_verbs_are_unavailable(&store).await;
    assert!(matches!(store.ready().await, Err(RedisError::Unreachable(_))));
    let _server = RedisServer::start_on(port, &[]).unwrap();
    eventually(async || store.ready().await).await;
    assert!(store.get(&id("a")).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_and_restarted_under_load_it_loses_nothing_and_is_found_again() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]).unwrap();
    let store = store_at(&server.url(), hasty());
    let load = Load::on(&store, 8).await;
    load.after(200).await;
    server.kill().unwrap();
    all_verbs_are_unavailable(&store).await;
    server.restart().unwrap();
    eventually(async || store.ready().await).await;
    load.after(200).await;
    load.end_without_losses(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_are_killed_are_replaced_and_no_change_is_lost() {
    let server = RedisServer::start(&[]).unwrap();
    let store = store_at(&server.url(), hasty());
    let load = Load::on(&store, 8).await;
    for _ in 0..10 {
        load.after(50).await;
        server.command(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap();
    }
    load.after(50).await;
    load.end_without_losses(&store).await;
}

/// One session that everybody counts up, and how often that was acknowledged.
struct Load {
    tasks: JoinSet<()>,
    acknowledged: Arc<AtomicI64>,
    unclear: Arc<AtomicI64>,
    end: Arc<AtomicBool>,
}

impl Load {
    async fn on(store: &RedisStore, tasks: usize) -> Self {
        written(store.set(&id("counter"), &document(0), Expect::Any).await.unwrap());
        let (acknowledged, unclear) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
        let end = Arc::new(AtomicBool::new(false));
        let mut set = JoinSet::new();
        for _ in 0..tasks {
            let (store, end) = (store.clone(), Arc::clone(&end));
            let (acknowledged, unclear) = (Arc::clone(&acknowledged), Arc::clone(&unclear));
            set.spawn(async move {
                while !end.load(Ordering::SeqCst) {
                    match count_up(&store).await {
                        Ok(true) => drop(acknowledged.fetch_add(1, Ordering::SeqCst)),
                        Ok(false) => {}
                        Err(error) => {
                            assert!(error.is_outage(), "{error:?}");
                            unclear.fetch_add(1, Ordering::SeqCst);
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    }
                }
            });
        }
        Self { tasks: set, acknowledged, unclear, end }
    }

    /// Waits until so many more have been acknowledged.
    async fn after(&self, more: i64) {
        let goal = self.acknowledged.load(Ordering::SeqCst) + more;
        eventually(async || {
            let count = self.acknowledged.load(Ordering::SeqCst);
            if count >= goal { Ok(()) } else { Err(count) }
        })
        .await;
    }

    async fn end_without_losses(mut self, store: &RedisStore) {
        self.end.store(true, Ordering::SeqCst);
        while let Some(task) = self.tasks.join_next().await {
            task.unwrap();
        }
        let counted = n_of(&eventually(async || store.get(&id("counter")).await).await.unwrap().document);
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        let unclear = self.unclear.load(Ordering::SeqCst);
        assert!(
            (acknowledged..=acknowledged + unclear).contains(&counted),
            "{counted} counted, {acknowledged} acknowledged, {unclear} unclear"
        );
    }
}

/// Reads and writes; `false` if somebody else was faster.
async fn count_up(store: &RedisStore) -> Result<bool, StoreError> {
    let counter = id("counter");
    let stored = store.get(&counter).await?.expect("it was never destroyed");
    let next = document(n_of(&stored.document) + 1);
    let outcome = store.set(&counter, &next, Expect::Revision(&stored.revision)).await?;
    Ok(matches!(outcome, SetOutcome::Written(_)))
}

#[tokio::test]
async fn a_server_that_hangs_is_a_timeout_and_is_used_again_when_it_wakes() {
    let mut server = RedisServer::start(&[]).unwrap();
    let store = store_at(&server.url(), hasty());
    written(store.set(&id("a"), &document(1), Expect::Any).await.unwrap());
    server.process().signal("STOP").unwrap();
    for _ in 0..2 {
        let error = store.get(&id("a")).await.unwrap_err();
        assert!(matches!(error, StoreError::Timeout(_)), "{error:?}");
    }
    server.process().signal("CONT").unwrap();
    let stored = eventually(async || store.get(&id("a")).await).await;
    assert_eq!(n_of(&stored.unwrap().document), 1);
}

/// Without sharing, the last of these would wait for a hundred attempts.
#[tokio::test]
async fn all_who_wait_share_one_attempt_to_connect() {
    let mut server = RedisServer::start(&[]).unwrap();
    server.process().signal("STOP").unwrap();
    let store = store_at(&server.url(), hasty().connections(NonZeroUsize::MIN));
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let store = store.clone();
        requests.spawn(async move { store.get(&id("a")).await });
    }
    let all = async {
        while let Some(result) = requests.join_next().await {
            assert!(result.unwrap().unwrap_err().is_outage());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), all).await.expect("they wait together");
    server.process().signal("CONT").unwrap();
    eventually(async || store.ready().await).await;
}

#[tokio::test]
async fn a_server_that_loads_its_data_is_unavailable_until_it_has() {
    let small_steps = ["--rdbcompression", "no", "--loading-process-events-interval-bytes", "1024"];
    let mut server = RedisServer::start(&small_steps).unwrap();
    let store = store_at(&server.url(), hasty());
    let mut big = Data::of(document(1));
    big.insert("text", "x".repeat(1000)).unwrap();
    let big = big.encode();
    for number in 0..20 {
        written(store.set(&id(&number.to_string()), &big, Expect::Any).await.unwrap());
    }
    server.command(&["SAVE"]).unwrap();
    server.restart_with(&["--key-load-delay", "20000"]).unwrap();
    let mut loading = false;
    let stored = eventually(async || {
        store.get(&id("19")).await.inspect_err(|error| {
            is_unavailable(error);
            loading = loading || format!("{error:?}").contains("LOADING");
        })
    })
    .await;
    assert!(loading, "the server must have been seen loading");
    assert_eq!(n_of(&stored.unwrap().document), 1);
}

#[tokio::test]
async fn a_full_server_reads_and_forgets_but_takes_nothing() {
    let server = RedisServer::start(&["--maxmemory-policy", "noeviction"]).unwrap();
    let store = store_at(&server.url(), hasty());
    let revision = written(store.set(&id("a"), &document(1), Expect::Any).await.unwrap());
    written(store.set(&id("c"), &document(1), Expect::Any).await.unwrap());
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    for expect in [Expect::Any, Expect::Revision(&revision)] {
        is_read_only(&store.set(&id("a"), &document(2), expect).await.unwrap_err(), "OOM");
    }
    assert_eq!(n_of(&store.get(&id("a")).await.unwrap().unwrap().document), 1);
    let extended = store.get_and_touch(&id("a"), hint(&Cookie::default())).await.unwrap().unwrap();
    assert!(extended.touched);
    assert!(server.command(&["INFO", "commandstats"]).unwrap().contains("cmdstat_getex:calls=1,"));
    assert_eq!(touch(&store, &id("a"), &document(1)).await.unwrap(), TouchOutcome::Touched);
    let superseded = store.supersede(&id("a"), Expect::Revision(&revision), replaced_by(&id("b"))).await;
    assert!(matches!(superseded, Ok(SupersedeOutcome::Superseded)), "{superseded:?}");
    assert_eq!(store.successor(&id("a")).await.unwrap(), Some(id("b")));
    assert!(store.destroy(&id("c")).await.unwrap());
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    written(store.set(&id("a"), &document(3), Expect::Any).await.unwrap());
}

#[tokio::test]
async fn a_server_with_too_many_clients_is_unavailable() {
    let server = RedisServer::start(&["--maxclients", "1"]).unwrap();
    let other = store_at(&server.url(), hasty().connections(NonZeroUsize::MIN));
    eventually(async || other.ready().await).await;
    let store = store_at(&server.url(), hasty());
    assert!(store.get(&id("a")).await.unwrap_err().is_outage());
    drop(other);
    eventually(async || store.ready().await).await;
}

/// The connection that is there stays, and no other one comes about.
#[tokio::test]
async fn a_password_that_is_set_at_run_time_is_an_outage_until_it_is_taken_back() {
    let server = RedisServer::start(&[]).unwrap();
    let store = store_at(&server.url(), hasty());
    written(store.set(&id("a"), &document(1), Expect::Any).await.unwrap());
    let operator = RedisPool::url(&server.url().replace("redis://", "redis://:secret@")).unwrap();
    server.command(&["CONFIG", "SET", "requirepass", "secret"]).unwrap();
    assert_eq!(n_of(&store.get(&id("a")).await.unwrap().unwrap().document), 1);
    query::<()>(&operator, &command(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])).await.unwrap();
    all_verbs_are_unavailable(&store).await;
    let error = store.get(&id("a")).await.unwrap_err();
    let StoreError::Unavailable(source) = &error else { panic!("{error:?}") };
    match source.downcast_ref() {
        Some(RedisError::Refused(driver)) if driver.code() == Some("NOAUTH") => {}
        other => panic!("{other:?}"),
    }
    query::<()>(&operator, &command(["CONFIG", "SET", "requirepass", ""])).await.unwrap();
    assert_eq!(n_of(&store.get(&id("a")).await.unwrap().unwrap().document), 1, "without a restart");
}

/// What an application asks by itself, through the pool that it shares with the store.
#[tokio::test]
async fn commands_of_the_application_end_in_time_too() {
    let mut server = RedisServer::start(&[]).unwrap();
    let default = RedisPool::url(&server.url()).unwrap();
    let hasty = RedisPool::url_with_response_timeout(&server.url(), Duration::from_millis(100)).unwrap();
    let connection = async |pool: &RedisPool| match pool {
        RedisPool::Single(pool) => pool.get().await.unwrap(),
        _ => panic!("another kind of pool"),
    };
    let mut connections = [connection(&default).await, connection(&hasty).await];
    server.process().signal("STOP").unwrap();
    for (connection, limit) in
        connections.iter_mut().zip([DEFAULT_RESPONSE_TIMEOUT, Duration::from_millis(100)])
    {
        let ping = command(["PING"]);
        let answer = tokio::time::timeout(PATIENCE, ping.query_async::<String>(connection)).await;
        let error = answer.expect("it is bounded").unwrap_err();
        assert!(error.is_timeout(), "{limit:?}: {error:?}");
    }
    server.process().signal("CONT").unwrap();
    eventually(async || query::<String>(&default, &command(["PING"])).await).await;
}
