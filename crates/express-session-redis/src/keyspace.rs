//! Where a store's sessions are: their keys, and the way to them.

use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;

use deadpool_redis::redis::Cmd;
use express_session_core::{StoreError, TouchOutcome, UnixMillis};

use crate::connection::{Connections, integer};
use crate::key::Keys;
use crate::options::RedisOptions;
use crate::pool::RedisPool;

/// The sessions under one prefix; what all clones of a store have in common.
#[derive(Debug)]
pub(crate) struct Keyspace {
    pub(crate) keys: Keys,
    pub(crate) connections: Connections,
    pub(crate) options: RedisOptions,
    /// A session was seen whose life is not the one the cookie options give.
    pub(crate) mixed_lives: AtomicBool,
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
        Self {
            keys,
            connections: Connections::new(pool, count, options.connect_timeout, options.response_timeout),
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

    pub(crate) async fn expire(&self, key: &[u8], seconds: i64) -> Result<TouchOutcome, StoreError> {
        let mut command = Cmd::new();
        command.arg("EXPIRE").arg(key).arg(seconds);
        let found = integer(&self.connections.call(&command).await?)?;
        Ok(if found == 1 { TouchOutcome::Touched } else { TouchOutcome::Gone })
    }
}
