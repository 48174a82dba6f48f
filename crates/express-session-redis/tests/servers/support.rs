//! What several tests need.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool_redis::redis::{Cmd, FromRedisValue, RedisResult};
use express_session_core::{Cookie, Record, Revision, SessionId, SetOutcome};
use express_session_redis::{RedisOptions, RedisPool, deadpool_redis};

/// How long recovery may take before a test gives up. Generous, because it is no measurement.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A prefix nobody else uses.
pub(crate) fn own_prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test{}:", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn own_options() -> RedisOptions {
    RedisOptions::new().prefix(own_prefix())
}

pub(crate) fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

pub(crate) fn record(n: i64) -> Record {
    let mut record = Record::new(Cookie::default());
    record.data.insert("n", &n).unwrap();
    record
}

pub(crate) fn n_of(record: &Record) -> i64 {
    record.data.get("n").unwrap().unwrap()
}

pub(crate) fn written(outcome: SetOutcome) -> Revision {
    match outcome {
        SetOutcome::Written(revision) => revision,
        other => panic!("not written: {other:?}"),
    }
}

/// `command(["GET", "key"])`.
pub(crate) fn command<A: AsRef<[u8]>>(arguments: impl IntoIterator<Item = A>) -> Cmd {
    let mut command = Cmd::new();
    for argument in arguments {
        command.arg(argument.as_ref());
    }
    command
}

/// Says something to the server behind the store's back.
pub(crate) async fn query<T: FromRedisValue>(pool: &RedisPool, command: &Cmd) -> RedisResult<T> {
    match pool {
        RedisPool::Single(pool) => command.query_async(&mut pool.get().await.unwrap()).await,
        RedisPool::Sentinel(pool) => command.query_async(&mut pool.get().await.unwrap()).await,
        RedisPool::Cluster(pool) => command.query_async(&mut pool.get().await.unwrap()).await,
        _ => panic!("an unknown kind of pool"),
    }
}

/// Tries again until it works.
pub(crate) async fn eventually<T, E: std::fmt::Debug>(mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
    let mut last = None;
    let tries = async {
        loop {
            match attempt().await {
                Ok(value) => return value,
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let Ok(value) = tokio::time::timeout(PATIENCE, tries).await else {
        panic!("no recovery within {PATIENCE:?}: {last:?}")
    };
    value
}
