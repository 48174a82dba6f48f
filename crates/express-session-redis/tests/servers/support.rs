//! What several tests need.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool_redis::redis::{Cmd, FromRedisValue, RedisResult};
use express_session_core::{
    Cookie, Data, Document, Revision, SessionId, SessionStore as _, SetOutcome, StoreError, TouchOutcome,
};
use express_session_redis::{RedisOptions, RedisPool, RedisStore, deadpool_redis};
use express_session_testbed::redis::RedisServer;

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

/// A store in the server at this URL.
pub(crate) fn store_at(url: &str, options: RedisOptions) -> RedisStore {
    store_on_pool(RedisPool::url(url).unwrap(), options)
}

/// A store on the connections of this pool.
pub(crate) fn store_on_pool(pool: impl Into<RedisPool>, options: RedisOptions) -> RedisStore {
    RedisStore::new(options.pool(pool)).unwrap()
}

pub(crate) fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

pub(crate) fn document(n: i64) -> Document {
    let mut data = Data::new(Cookie::default());
    data.insert("n", n).unwrap();
    data.encode()
}

pub(crate) fn n_of(document: &Document) -> i64 {
    document.get("n").unwrap().unwrap()
}

/// A touch that leaves the document its cookie.
pub(crate) async fn touch(
    store: &RedisStore,
    id: &SessionId,
    document: &Document,
) -> Result<TouchOutcome, StoreError> {
    store.touch(id, document, document.cookie()).await
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
        RedisPool::Sentinel(sentinel) => {
            command.query_async(&mut sentinel.pool().await.unwrap().get().await.unwrap()).await
        }
        RedisPool::Cluster(pool) => command.query_async(&mut pool.get().await.unwrap()).await,
        _ => panic!("an unknown kind of pool"),
    }
}

/// Waits until so many replicas have a copy of all that the server holds. Its own command `WAIT` looks only at what
/// the connection that asks has written.
pub(crate) async fn copied(server: &RedisServer, replicas: usize) {
    eventually(async || {
        let info = server.command(&["INFO", "replication"]).unwrap();
        let written = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:")).unwrap();
        let copied = format!(",offset={written},");
        // slave0:ip=127.0.0.1,port=5000,state=online,offset=1000,lag=0
        let count = info.lines().filter(|line| line.starts_with("slave") && line.contains(&copied)).count();
        if count >= replicas { Ok(()) } else { Err(info) }
    })
    .await;
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
