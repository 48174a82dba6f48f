//! Who is the master? Asked of the sentinels again and again, because the connection cannot tell.
//!
//! A master that was frozen, or cut off, while Sentinel made another one, goes on as a master for some seconds when it wakes: it
//! takes writes, says `role:master`, and all it took is lost when Sentinel makes it a replica. A process that was idle
//! meanwhile still holds its connection.
//!
//! ```text
//! connected   the sentinels name A            writes go to A
//!   < 250 ms                                  nobody is asked
//!   < 500 ms  asked in the background         writes go to A meanwhile
//!   later     asked before the next command   A: as before.  B: a new connection.  No sentinel answers: as before, a warning
//! ```

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{self, AsyncConnectionConfig, Client, ConnectionInfo};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::connection::lock;

/// How long a connection is used after the sentinels were last asked. Shorter than any sensible `down-after-milliseconds`
/// (30 000 by default): no other master is made before the right to use this one is over.
const LEASE: Duration = Duration::from_millis(500);
/// From when on they are asked in the background, so that with steady traffic nobody waits for them.
const RENEW_AFTER: Duration = Duration::from_millis(250);
/// How long they may take. They answer in well under a millisecond.
const ASK_LIMIT: Duration = Duration::from_millis(300);

/// The sentinels of one master.
pub(crate) struct Sentinels {
    all: Vec<Arc<Sentinel>>,
    master: String,
    are_silent: AtomicBool,
}

/// One sentinel, and the connection it is asked through.
struct Sentinel {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// What a sentinel says: where the master is, and since which promotion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Master {
    pub(crate) host: String,
    pub(crate) port: u16,
    epoch: u64,
}

impl Master {
    /// Of two answers: the address, because during a failover only that is the new one with the sentinel that leads it, and
    /// all that is known of the master, for the epoch.
    fn of(address: Option<(String, u16)>, fields: &HashMap<String, String>) -> Option<Self> {
        let (host, port) = address?;
        Some(Self { host, port, epoch: fields.get("config-epoch")?.parse().ok()? })
    }

    pub(crate) fn is_at(&self, other: &Self) -> bool {
        (&self.host, self.port) == (&other.host, other.port)
    }

    /// Sentinels learn of a promotion one after the other.
    fn latest(answers: Vec<Self>) -> Option<Self> {
        answers.into_iter().max_by_key(|master| master.epoch)
    }
}

impl Sentinels {
    pub(crate) fn new(sentinels: Vec<ConnectionInfo>, master: &str) -> Result<Self, redis::RedisError> {
        let sentinel =
            |info| Ok(Arc::new(Sentinel { client: Client::open(info)?, connection: Mutex::default() }));
        Ok(Self {
            all: sentinels.into_iter().map(sentinel).collect::<Result<_, redis::RedisError>>()?,
            master: master.to_owned(),
            are_silent: AtomicBool::new(false),
        })
    }

    /// The master, as most of the sentinels know it, or as those do that answer; `None` if none does.
    pub(crate) async fn master(&self) -> Option<Master> {
        let mut asked = JoinSet::new();
        for sentinel in &self.all {
            let (sentinel, master) = (Arc::clone(sentinel), self.master.clone());
            asked.spawn(async move { timeout(ASK_LIMIT, sentinel.ask(&master)).await.ok().flatten() });
        }
        let mut answers = Vec::new();
        while answers.len() <= self.all.len() / 2
            && let Some(answer) = asked.join_next().await
        {
            answers.extend(answer.ok().flatten());
        }
        self.warn_of_silence(answers.is_empty());
        Master::latest(answers)
    }

    /// Once for each time that they stop answering.
    fn warn_of_silence(&self, is_silent: bool) {
        if is_silent && !self.are_silent.swap(true, Relaxed) {
            tracing::warn!(
                "no sentinel answers: sessions stay with the master that was last named, also if there is another one"
            );
        } else if !is_silent && self.are_silent.load(Relaxed) {
            self.are_silent.store(false, Relaxed);
        }
    }
}

impl Sentinel {
    async fn ask(&self, master: &str) -> Option<Master> {
        let mut connection = self.connection().await?;
        let mut both = redis::pipe();
        both.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        both.cmd("SENTINEL").arg("MASTER").arg(master);
        if let Ok((address, fields)) = both.query_async(&mut connection).await {
            return Master::of(address, &fields);
        }
        *self.connection.lock().await = None;
        None
    }

    async fn connection(&self) -> Option<MultiplexedConnection> {
        let mut connection = self.connection.lock().await;
        if connection.is_none() {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(ASK_LIMIT))
                .set_response_timeout(Some(ASK_LIMIT));
            *connection = self.client.get_multiplexed_async_connection_with_config(&config).await.ok();
        }
        connection.clone()
    }
}

/// A connection's right to be used: the server it was made to is still the master.
pub(crate) struct Confirmation {
    sentinels: Arc<Sentinels>,
    master: Master,
    /// When the sentinels were last asked.
    asked: std::sync::Mutex<Instant>,
    is_over: AtomicBool,
    /// Held by who asks.
    asking: Mutex<()>,
}

impl Confirmation {
    /// For a connection to this server, which was named after `asked`.
    pub(crate) fn new(sentinels: Arc<Sentinels>, master: Master, asked: Instant) -> Arc<Self> {
        Arc::new(Self {
            sentinels,
            master,
            asked: std::sync::Mutex::new(asked),
            is_over: AtomicBool::new(false),
            asking: Mutex::default(),
        })
    }

    /// Whether the connection may be used for a command now.
    pub(crate) async fn holds(self: &Arc<Self>) -> bool {
        let age = self.age();
        if age >= LEASE {
            let _turn = self.asking.lock().await;
            // Whoever was asking may have had an answer for all who wait.
            if self.age() >= LEASE {
                self.ask().await;
            }
        } else if age >= RENEW_AFTER {
            let confirmation = Arc::clone(self);
            if let Ok(turn) = self.asking.try_lock() {
                drop(turn);
                tokio::spawn(async move {
                    if let Ok(_turn) = confirmation.asking.try_lock()
                        && confirmation.age() >= RENEW_AFTER
                    {
                        confirmation.ask().await;
                    }
                });
            }
        }
        !self.is_over.load(Relaxed)
    }

    fn age(&self) -> Duration {
        lock(&self.asked).elapsed()
    }

    async fn ask(&self) {
        let began = Instant::now();
        // Silence says nothing about the master.
        if self.sentinels.master().await.is_some_and(|named| !named.is_at(&self.master)) {
            self.is_over.store(true, Relaxed);
        }
        *lock(&self.asked) = began;
    }
}

impl fmt::Debug for Sentinels {
    /// Without addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentinels").field("count", &self.all.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(epoch: &str) -> Option<Master> {
        let fields = [("ip", "10.0.0.9"), ("port", "1"), ("config-epoch", epoch), ("flags", "master")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Master::of(Some(("10.0.0.1".to_owned(), 6379)), &fields)
    }

    #[test]
    fn a_sentinel_names_a_server_and_an_epoch() {
        let master = named("7").unwrap();
        assert_eq!((&*master.host, master.port, master.epoch), ("10.0.0.1", 6379, 7));
        assert_eq!(named("x"), None);
        assert_eq!(Master::of(None, &HashMap::new()), None);
    }

    #[test]
    fn the_latest_promotion_counts() {
        let master = |port, epoch| Master { host: "10.0.0.1".to_owned(), port, epoch };
        let latest = Master::latest(vec![master(1, 1), master(2, 2), master(1, 1)]).unwrap();
        assert!(latest.is_at(&master(2, 9)) && !latest.is_at(&master(1, 2)));
        assert_eq!(Master::latest(Vec::new()), None);
    }

    #[tokio::test]
    async fn silence_ends_no_connection() {
        let nobody = redis::IntoConnectionInfo::into_connection_info("redis://127.0.0.1:1").unwrap();
        let sentinels = Arc::new(Sentinels::new(vec![nobody], "mymaster").unwrap());
        let master = named("1").unwrap();
        let confirmation = Confirmation::new(sentinels, master, Instant::now());
        confirmation.ask().await;
        assert!(confirmation.holds().await);
    }
}
