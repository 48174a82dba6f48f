//! Where a store's sessions are: their keys, and the way to them.

use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;

use deadpool_redis::redis::{Cmd, Value};
use express_session_core::{TouchOutcome, UnixMillis};

use crate::connection::{Connections, integer};
use crate::error::RedisError;
use crate::key::Keys;
use crate::options::RedisOptions;
use crate::pool::RedisPool;
use crate::read_only::Refusals;

/// The sessions under one prefix; what all clones of a store have in common.
#[derive(Debug)]
pub(crate) struct Keyspace {
    pub(crate) keys: Keys,
    pub(crate) connections: Connections,
    pub(crate) options: RedisOptions,
    /// A session was seen whose life is not the one the cookie options give.
    pub(crate) mixed_lives: AtomicBool,
    pub(crate) refusals: Refusals,
    /// It was said that the user may not write marks.
    pub(crate) warned_of_refused_marks: AtomicBool,
}

impl Keyspace {
    pub(crate) fn new(pool: RedisPool, options: RedisOptions) -> Self {
        let keys = Keys::new(&options.prefix);
        if !keys.has_room_for_marks() {
            tracing::warn!(
                "with this prefix the marks of ended sessions (`ended:…`) would look like sessions, so there are none: a \
                 request that is under way during a login can undo it; choose another prefix"
            );
        }
        let count = options.connections.or_else(|| available_parallelism().ok()).map_or(1, usize::from);
        let connections = Connections::new(pool, count, options.connect_timeout, options.response_timeout);
        Self {
            keys,
            refusals: Refusals::new(connections.is_cluster()),
            connections,
            mixed_lives: AtomicBool::new(false),
            warned_of_refused_marks: AtomicBool::new(false),
            options,
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.options.clock.now()
    }

    pub(crate) fn touches(&self) -> bool {
        !(self.options.disable_touch || self.options.disable_ttl)
    }

    /// Whether the server has just refused a write, so that there is no use in asking it to extend a session.
    pub(crate) fn is_read_only(&self) -> bool {
        self.refusals.count(|| self.now())
    }

    /// Gives a session so many seconds. One that may live on is only looked for while the server takes no writes.
    pub(crate) async fn expire(&self, key: &[u8], seconds: i64) -> Result<TouchOutcome, RedisError> {
        let may_live_on = seconds > 0;
        if may_live_on && self.is_read_only() {
            return self.exists(key).await;
        }
        let mut command = Cmd::new();
        command.arg("EXPIRE").arg(key).arg(seconds);
        match self.connections.call(&command).await {
            Err(error) if may_live_on && error.is_read_only() => {
                self.refusals.met(&error, self.now());
                self.exists(key).await
            }
            answer => {
                let outcome = touch_outcome(&answer?)?;
                self.refusals.ended();
                Ok(outcome)
            }
        }
    }

    pub(crate) async fn exists(&self, key: &[u8]) -> Result<TouchOutcome, RedisError> {
        let mut command = Cmd::new();
        command.arg("EXISTS").arg(key);
        touch_outcome(&self.connections.call(&command).await?)
    }
}

/// `1` if the key was there.
fn touch_outcome(answer: &Value) -> Result<TouchOutcome, RedisError> {
    Ok(if integer(answer)? == 1 { TouchOutcome::Touched } else { TouchOutcome::Gone })
}
