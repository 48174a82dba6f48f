//! Every option, its default and why.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Clock, Document, SystemClock};

use crate::error::RedisError;
use crate::pool::RedisPool;
use crate::ttl::{DEFAULT_TTL, Ttl};

/// Where Redis is unless told otherwise: on this machine, as for Node's driver.
pub const DEFAULT_URL: &str = "redis://127.0.0.1:6379";
/// connect-redis's prefix.
pub const DEFAULT_PREFIX: &str = "sess:";
/// How many keys a step of `SCAN` looks at, as in connect-redis.
pub const DEFAULT_SCAN_COUNT: u32 = 100;
/// How long a request waits for a connection. Between machines that work, connecting takes milliseconds.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a request waits for an answer. Redis answers in well under a millisecond, unless it is in trouble.
pub const DEFAULT_RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Which Redis sessions are kept in, and how. The names are connect-redis's, in snake case.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a store is made with them"]
pub struct RedisOptions {
    /// `None`: [`DEFAULT_URL`].
    pub(crate) pool: Option<RedisPool>,
    pub(crate) prefix: String,
    pub(crate) ttl: Ttl,
    pub(crate) disable_touch: bool,
    pub(crate) disable_ttl: bool,
    pub(crate) scan_count: u32,
    pub(crate) connections: Option<NonZeroUsize>,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            pool: None,
            prefix: DEFAULT_PREFIX.to_owned(),
            ttl: Ttl::Fixed(DEFAULT_TTL),
            disable_touch: false,
            disable_ttl: false,
            scan_count: DEFAULT_SCAN_COUNT,
            connections: None,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            response_timeout: DEFAULT_RESPONSE_TIMEOUT,
            clock: Arc::new(SystemClock),
        }
    }
}

impl RedisOptions {
    /// The defaults of connect-redis, on [`DEFAULT_URL`].
    pub fn new() -> Self {
        Self::default()
    }

    /// The server at this URL; see [`RedisPool::url`].
    ///
    /// # Errors
    ///
    /// [`RedisError::Config`] if the URL cannot be used. The error does not show it.
    pub fn from_url(url: &str) -> Result<Self, RedisError> {
        Ok(Self::new().pool(RedisPool::url(url)?))
    }

    /// The pool that connections are taken from: for Sentinel, a cluster, or one that the application uses too.
    ///
    /// # Default
    ///
    /// A pool of the store's own for [`DEFAULT_URL`].
    pub fn pool(mut self, pool: impl Into<RedisPool>) -> Self {
        self.pool = Some(pool.into());
        self
    }

    /// What the keys of sessions begin with.
    ///
    /// # Default
    ///
    /// [`DEFAULT_PREFIX`], so that Node finds the same sessions. `""` is possible, if all keys are sessions.
    ///
    /// # Security
    ///
    /// With `""`, or a prefix that begins as `ended:` does, a session that a login has replaced leaves no mark, because it
    /// would be taken for a session: a request that is under way can undo the login. One warning says so.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long a session lives whose cookie has no expiry; see [`Ttl::Fixed`].
    ///
    /// # Default
    ///
    /// [`DEFAULT_TTL`].
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Ttl::Fixed(ttl);
        self
    }

    /// How long each session lives, whatever its cookie says; see [`Ttl::Computed`].
    ///
    /// The closure runs on the async threads, once or twice per request, and must not block.
    pub fn ttl_with(mut self, ttl: impl Fn(&Document) -> Duration + Send + Sync + 'static) -> Self {
        self.ttl = Ttl::Computed(Arc::new(ttl));
        self
    }

    /// Never extends a session that was only read: it lives until `ttl` after its last change.
    ///
    /// # Default
    ///
    /// `false`.
    pub fn disable_touch(mut self, disable: bool) -> Self {
        self.disable_touch = disable;
        self
    }

    /// Stores sessions without an expiry, so that they stay until they are destroyed. Implies that nothing is
    /// touched. A session whose life is over when it is saved is still removed, as in connect-redis.
    ///
    /// # Default
    ///
    /// `false`.
    pub fn disable_ttl(mut self, disable: bool) -> Self {
        self.disable_ttl = disable;
        self
    }

    /// How many keys one step of `length` or `clear` looks at, at least 1. A page has a step of its own size.
    ///
    /// # Default
    ///
    /// [`DEFAULT_SCAN_COUNT`]: each step takes Redis some 50 µs.
    pub fn scan_count(mut self, count: u32) -> Self {
        self.scan_count = count.max(1);
        self
    }

    /// How many connections all requests of this process share; never more than the pool has.
    ///
    /// # Default
    ///
    /// One per processor, which is one per worker of Actix: each worker then has its own. More gain nothing,
    /// fewer make workers wait for each other's threads; the measurements are in `docs/redis.md`.
    pub fn connections(mut self, connections: NonZeroUsize) -> Self {
        self.connections = Some(connections);
        self
    }

    /// How long a request waits for a connection when there is none.
    ///
    /// # Default
    ///
    /// [`DEFAULT_CONNECT_TIMEOUT`].
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a request waits for the answer to one command. A cluster's driver has a limit of its own, half
    /// a second, which cannot be raised from here.
    ///
    /// # Default
    ///
    /// [`DEFAULT_RESPONSE_TIMEOUT`].
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// The clock that a cookie's `expires` is compared with; for tests.
    ///
    /// # Default
    ///
    /// The machine's. Expiry itself is counted by Redis's clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}
