//! A few connections, taken from the pool and shared by all requests; replaced when they break.
//!
//! Both kinds of connection take many commands at once and answer each in its turn, so a request does not need
//! one of its own; checking one out costs two more round trips. A place in the pool is held for as long as the
//! connection lives. Each thread sticks to one of them: with as many connections as there are workers, a
//! worker's commands are sent and answered on its own thread.

use std::cell::OnceCell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_redis::cluster::ClusterConnection;
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use deadpool_redis::redis::{self, Cmd, Value};
use deadpool_redis::{PoolError, TimeoutType, cluster};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::error::RedisError;
use crate::pool::RedisPool;
use crate::scripts::Script;
use crate::sentinels::Confirmation;
use crate::set_if_equal;

/// How long an attempt to connect may go on after those who wait for it have given up. It has to be longer
/// than they wait, or a sentinel that does not answer would hide the others for ever.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(15);
/// How often a cluster's connections are all replaced because a command to one node was not answered.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(5);

/// The shared connections.
pub(crate) struct Connections {
    slots: Box<[Arc<Slot>]>,
    pool: RedisPool,
    connect_timeout: Duration,
    response_timeout: Duration,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
}

#[derive(Default)]
enum State {
    #[default]
    Empty,
    Connecting(Attempt),
    Ready(Connection),
}

/// What becomes of an attempt to connect: nothing yet, or how it ended.
type Attempt = watch::Receiver<Option<Result<(), RedisError>>>;

#[derive(Clone)]
struct Connection {
    handle: Handle,
    /// The place in the pool.
    lease: Arc<Lease>,
    since: Instant,
    /// Only of a master that Sentinel names.
    confirmation: Option<Arc<Confirmation>>,
    knows_set_if_equal: bool,
}

/// What commands are sent through; a clone is the same connection.
#[derive(Clone)]
enum Handle {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

enum Lease {
    Node(Mutex<Option<deadpool_redis::Connection>>),
    Cluster(Mutex<Option<cluster::Connection>>),
}

impl Lease {
    /// Gives the place back without the connection.
    fn discard(&self) {
        match self {
            Self::Node(held) => drop(lock(held).take().map(deadpool_redis::Connection::take)),
            Self::Cluster(held) => drop(lock(held).take().map(cluster::Connection::take)),
        }
    }
}

/// A panic elsewhere leaves nothing half done in the little that is locked here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number for this thread, counted from 0.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: OnceCell<usize> = const { OnceCell::new() });
    NUMBER.with(|number| *number.get_or_init(|| NEXT.fetch_add(1, Ordering::Relaxed)))
}

impl Connections {
    pub(crate) fn new(
        pool: RedisPool,
        count: usize,
        connect_timeout: Duration,
        response_timeout: Duration,
    ) -> Self {
        let count = count.min(pool.max_size()).max(1);
        let slots = (0..count).map(|_| Arc::new(Slot::default())).collect();
        Self { slots, pool, connect_timeout, response_timeout }
    }

    /// Sends a command once.
    pub(crate) async fn call_once(&self, command: &Cmd) -> Result<Value, RedisError> {
        self.send(command, None).await
    }

    /// Sends a command that may as well be carried out twice: once more if the connection turns out to be
    /// broken, or to lead to a server that is no master any more.
    pub(crate) async fn call(&self, command: &Cmd) -> Result<Value, RedisError> {
        match self.send(command, None).await {
            Err(error) if error.asks_for_a_new_connection() => self.send(command, None).await,
            result => result,
        }
    }

    /// As [`call`](Self::call), to one node of a cluster.
    pub(crate) async fn call_node(&self, command: &Cmd, node: Option<&Node>) -> Result<Value, RedisError> {
        match self.send(command, node).await {
            Err(error) if error.asks_for_a_new_connection() => self.send(command, node).await,
            result => result,
        }
    }

    /// Runs a script once; only a server that does not know it is asked twice, and did nothing the first time.
    pub(crate) async fn run_once(
        &self,
        script: &Script,
        keys: &[&[u8]],
        arguments: &[&[u8]],
    ) -> Result<Value, RedisError> {
        let complete = |mut command: Cmd| {
            command.arg(keys.len());
            for argument in keys.iter().chain(arguments) {
                command.arg(*argument);
            }
            command
        };
        match self.call_once(&complete(script.by_name())).await {
            Err(error) if error.has_code("NOSCRIPT") => self.call_once(&complete(script.by_text())).await,
            result => result,
        }
    }

    /// Whether the server knows [`set_if_equal`]: what it said when this thread's connection was made.
    pub(crate) async fn know_set_if_equal(&self) -> Result<bool, RedisError> {
        Ok(self.connection(self.slot()?).await?.knows_set_if_equal)
    }

    /// This thread's.
    fn slot(&self) -> Result<&Arc<Slot>, RedisError> {
        self.slots.get(thread_number() % self.slots.len()).ok_or(RedisError::PoolExhausted)
    }

    /// Whether this is a cluster, where admin commands must go to every master.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.pool, RedisPool::Cluster(_))
    }

    async fn send(&self, command: &Cmd, node: Option<&Node>) -> Result<Value, RedisError> {
        let slot = self.slot()?;
        let mut connection = self.confirmed_connection(slot).await?;
        let limit = self.response_timeout;
        let answer = match (&mut connection.handle, node) {
            // Its own timer is set to our limit. Nothing above can take its place: see `docs/redis.md`, *The driver's timer*.
            (Handle::Node(handle), _) => command.query_async::<Value>(handle).await,
            (Handle::Cluster(handle), node) => {
                let answer = async {
                    match node {
                        None => command.query_async::<Value>(handle).await,
                        Some(Node { host, port }) => {
                            let address =
                                SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port };
                            let routing = RoutingInfo::SingleNode(address);
                            handle.route_command(command.clone(), routing).await?.extract_error()
                        }
                    }
                };
                let Ok(answer) = timeout(limit, answer).await else {
                    slot.replace_if_broken(&connection, &RedisError::Timeout(limit));
                    return Err(RedisError::Timeout(limit));
                };
                answer
            }
        };
        answer.map_err(|error| {
            let error = RedisError::of_answer(&error, limit);
            slot.replace_if_broken(&connection, &error);
            error
        })
    }

    /// The slot's connection, to a server that is the master still; if that cannot be said in time of one that was just made,
    /// it is used all the same.
    async fn confirmed_connection(&self, slot: &Arc<Slot>) -> Result<Connection, RedisError> {
        let connection = self.connection(slot).await?;
        let Some(confirmation) = &connection.confirmation else { return Ok(connection) };
        if confirmation.holds().await {
            return Ok(connection);
        }
        tracing::warn!("Sentinel has made another server the master: connecting to that one");
        slot.replace(&connection);
        self.connection(slot).await
    }

    /// The slot's connection, which may have to be made first; all who wait share one attempt and its failure.
    async fn connection(&self, slot: &Arc<Slot>) -> Result<Connection, RedisError> {
        let wait = async {
            loop {
                let mut attempt = match self.ready_or_attempt(slot) {
                    Ok(connection) => return Ok(connection),
                    Err(attempt) => attempt,
                };
                let ended = match attempt.wait_for(Option::is_some).await {
                    Ok(ended) => ended.clone(),
                    Err(_) => None,
                };
                match ended {
                    Some(Ok(())) => {}
                    Some(Err(error)) => return Err(error),
                    // The runtime that was connecting has ended.
                    None => slot.forget(&attempt),
                }
            }
        };
        timeout(self.connect_timeout, wait).await.unwrap_or(Err(RedisError::Timeout(self.connect_timeout)))
    }

    fn ready_or_attempt(&self, slot: &Arc<Slot>) -> Result<Connection, Attempt> {
        let mut state = lock(&slot.state);
        match &*state {
            State::Ready(connection) => return Ok(connection.clone()),
            State::Connecting(attempt) => return Err(attempt.clone()),
            State::Empty => {}
        }
        let (report, attempt) = watch::channel(None);
        *state = State::Connecting(attempt.clone());
        let (slot, pool, limit) = (Arc::clone(slot), self.pool.clone(), self.response_timeout);
        tokio::spawn(async move {
            let result = match timeout(ATTEMPT_LIMIT, connect(&pool, limit)).await {
                Ok(result) => result,
                Err(_) => Err(RedisError::Timeout(ATTEMPT_LIMIT)),
            };
            if let Err(error) = &result {
                tracing::warn!(error = error as &dyn std::error::Error, "no connection to Redis");
            }
            let (next, outcome) = match result {
                Ok(connection) => (State::Ready(connection), Ok(())),
                Err(error) => (State::Empty, Err(error)),
            };
            *lock(&slot.state) = next;
            // Nobody may be waiting any more.
            let _ = report.send(Some(outcome));
        });
        Err(attempt)
    }
}

async fn connect(pool: &RedisPool, response_timeout: Duration) -> Result<Connection, RedisError> {
    let since = Instant::now();
    let failed = |error| of_pool(&error, since.elapsed());
    let (handle, lease, confirmation) = match pool {
        RedisPool::Single(pool) => {
            let (handle, lease) = connect_to(pool, response_timeout).await.map_err(failed)?;
            (handle, lease, None)
        }
        RedisPool::Sentinel(sentinel) => {
            let (pool, master) = sentinel.pool_and_master().await?;
            let confirmation = Confirmation::new(Arc::clone(sentinel.sentinels()), master, since);
            let (handle, lease) = connect_to(&pool, response_timeout).await.map_err(failed)?;
            (handle, lease, Some(confirmation))
        }
        RedisPool::Cluster(pool) => {
            let held = pool.get().await.map_err(failed)?;
            let handle = Handle::Cluster(ClusterConnection::clone(&held));
            (handle, Lease::Cluster(Mutex::new(Some(held))), None)
        }
    };
    let knows_set_if_equal = handle.knows_set_if_equal(response_timeout).await;
    Ok(Connection { handle, lease: Arc::new(lease), since, confirmation, knows_set_if_equal })
}

impl Handle {
    /// A server that may not be asked is one that does not.
    async fn knows_set_if_equal(&self, limit: Duration) -> bool {
        let info = set_if_equal::info();
        let said = match self.clone() {
            Self::Node(mut handle) => info.query_async::<String>(&mut handle).await,
            Self::Cluster(mut handle) => {
                let any = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
                let asked = timeout(limit, handle.route_command(info, any)).await;
                let Ok(Ok(Ok(said))) = asked.map(|said| said.map(redis::from_redis_value::<String>)) else {
                    return false;
                };
                Ok(said)
            }
        };
        said.is_ok_and(|said| set_if_equal::is_known_to(&said))
    }
}

async fn connect_to(
    pool: &deadpool_redis::Pool,
    response_timeout: Duration,
) -> Result<(Handle, Lease), PoolError> {
    let held = pool.get().await?;
    let mut handle = MultiplexedConnection::clone(&held);
    handle.set_response_timeout(response_timeout);
    Ok((Handle::Node(handle), Lease::Node(Mutex::new(Some(held)))))
}

/// `waited`: how long it took; the driver has limits of its own, which it does not name.
fn of_pool(error: &PoolError, waited: Duration) -> RedisError {
    let waited = Duration::from_millis(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
    match error {
        PoolError::Backend(error) => RedisError::of_connecting(error, waited),
        PoolError::Closed => RedisError::PoolClosed,
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => RedisError::Timeout(waited),
        PoolError::Timeout(TimeoutType::Wait)
        | PoolError::NoRuntimeSpecified
        | PoolError::PostCreateHook(_) => RedisError::PoolExhausted,
    }
}

impl Slot {
    /// Drops the connection if this error says that it is of no use.
    fn replace_if_broken(&self, connection: &Connection, error: &RedisError) {
        let broken = match (error, &connection.handle) {
            // A cluster's other nodes may be well, and its driver looks after lost connections itself.
            (RedisError::Timeout(_), Handle::Cluster(_)) => connection.since.elapsed() >= CLUSTER_PATIENCE,
            (RedisError::Timeout(_), Handle::Node(_)) => true,
            _ => error.asks_for_a_new_connection() || error.has_code("NOAUTH"),
        };
        if broken {
            self.replace(connection);
        }
    }

    /// Drops the connection, unless it has been replaced already.
    fn replace(&self, connection: &Connection) {
        let mut state = lock(&self.state);
        if let State::Ready(current) = &*state
            && Arc::ptr_eq(&current.lease, &connection.lease)
        {
            *state = State::Empty;
            drop(state);
            connection.lease.discard();
        }
    }

    fn forget(&self, attempt: &Attempt) {
        let mut state = lock(&self.state);
        if matches!(&*state, State::Connecting(current) if current.same_channel(attempt)) {
            *state = State::Empty;
        }
    }
}

/// A node of a cluster, by the address it gives itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("pool", &self.pool)
            .field("count", &self.slots.len())
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish()
    }
}

/// The text of an answer; `None` for nil.
pub(crate) fn bytes(value: Value) -> Result<Option<Vec<u8>>, RedisError> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::SimpleString(text) => Ok(Some(text.into_bytes())),
        _ => Err(RedisError::UnexpectedReply),
    }
}

/// The number of an answer.
pub(crate) fn integer(value: &Value) -> Result<i64, RedisError> {
    redis::from_redis_value_ref(value).map_err(|_| RedisError::UnexpectedReply)
}
