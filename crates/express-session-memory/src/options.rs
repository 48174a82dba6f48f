//! Every option of the store, its default and why.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Clock, Document, SessionId, SystemClock};

/// How long a session lives whose cookie has no `max_age`. Source: memorystore, `oneDay`.
pub const DEFAULT_TTL: Duration = Duration::from_hours(24);

/// How much memory the sessions may take when nothing else is said: 256 MiB.
pub const DEFAULT_MAX_BYTES: u64 = 256 << 20;

/// How often expired sessions are removed when nothing else is said.
pub const DEFAULT_CHECK_PERIOD: Duration = Duration::from_mins(1);

/// Chooses how long a session lives from its last write or touch.
pub type TtlFn = dyn Fn(&Document, &SessionId) -> Duration + Send + Sync;

/// Is told which session has left the store, and why.
pub type DisposeFn = dyn Fn(&SessionId, Disposal) + Send + Sync;

/// Why a session has left the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposal {
    /// By `destroy`.
    Destroyed,
    /// Its life was over. Noticed by a read or a sweep, so possibly long after.
    Expired,
    /// The store was full, and it was the one to go.
    Evicted,
    /// By `clear`.
    Cleared,
}

/// How long sessions live.
#[derive(Clone)]
pub(crate) enum Ttl {
    /// As long as their cookie, or [`DEFAULT_TTL`].
    Cookie,
    Fixed(Duration),
    Chosen(Arc<TtlFn>),
    Endless,
}

/// The options of a [`MemoryStore`](crate::MemoryStore), with memorystore's names.
#[derive(Clone)]
#[must_use = "options do nothing themselves, a store is made with them"]
pub struct MemoryOptions {
    pub(crate) max: Option<u64>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) ttl: Ttl,
    pub(crate) check_period: Option<Duration>,
    pub(crate) dispose: Option<Arc<DisposeFn>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            max: None,
            max_bytes: Some(DEFAULT_MAX_BYTES),
            ttl: Ttl::Cookie,
            check_period: Some(DEFAULT_CHECK_PERIOD),
            dispose: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl MemoryOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many sessions are kept; one more, and one is dropped. At least 1.
    ///
    /// Visitors who never came back go first: while their sessions are more than a tenth of all, or have more than a tenth
    /// of the bytes, the least recently used of them is dropped, else the least recently used of all who came back. A visitor has
    /// come back when the session is read after the request that made it, or was renewed (a login) after that.
    ///
    /// Up to 16 384 sessions the order of use is exact. Above, the store is divided, and the one dropped is the one to go of
    /// its part.
    ///
    /// DIFFERENCE: memorystore drops the least recently used session, whoever's it is: 9 000 requests without cookies end all
    /// sessions of 1 000 people in a store for 10 000.
    ///
    /// # Default
    ///
    /// No limit, as in memorystore; [`max_bytes`](Self::max_bytes) is the bound.
    pub fn max(mut self, max: u64) -> Self {
        self.max = Some(max.max(1));
        self
    }

    /// How many bytes the sessions may take: documents, [`SESSION_OVERHEAD`](crate::SESSION_OVERHEAD) for each, and ids that have
    /// another form than [`SessionId::generate`] gives them, which is part of the overhead; `None` for no limit. A single
    /// session above it is refused as too large.
    ///
    /// # Default
    ///
    /// [`DEFAULT_MAX_BYTES`]. DIFFERENCE: memorystore has no limit, so with `save_uninitialized` anybody
    /// without cookies can fill the memory of the process.
    pub fn max_bytes(mut self, max_bytes: impl Into<Option<u64>>) -> Self {
        self.max_bytes = max_bytes.into();
        self
    }

    /// How long every session lives from its last write or touch, whatever its cookie says.
    ///
    /// # Default
    ///
    /// Unset: what is left of the cookie's `max_age`, or [`DEFAULT_TTL`] for a cookie without.
    /// DIFFERENCE: zero means "dead at once" here; memorystore reads it as "for ever", which is
    /// [`never_expire`](Self::never_expire).
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Ttl::Fixed(ttl);
        self
    }

    /// As [`ttl`](Self::ttl), chosen for each session. The function must not use the store.
    pub fn ttl_with(
        mut self,
        ttl: impl Fn(&Document, &SessionId) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.ttl = Ttl::Chosen(Arc::new(ttl));
        self
    }

    /// Lets no session expire; the bounds still hold. Memorystore's `ttl: 0`.
    pub fn never_expire(mut self) -> Self {
        self.ttl = Ttl::Endless;
        self
    }

    /// How often expired sessions are removed by a thread of the store's own; `None` for never.
    ///
    /// Expired sessions are never read anyway; this only frees their memory. Zero counts as `None`.
    ///
    /// # Default
    ///
    /// [`DEFAULT_CHECK_PERIOD`]. DIFFERENCE: memorystore removes nothing unless `checkPeriod` is set.
    pub fn check_period(mut self, period: impl Into<Option<Duration>>) -> Self {
        self.check_period = period.into().filter(|period| !period.is_zero());
        self
    }

    /// Is called when a session has left the store, without any lock held, on the thread that removed it.
    ///
    /// # Default
    ///
    /// None. DIFFERENCE: memorystore calls it also for a session that is overwritten, unless `noDisposeOnSet`
    /// is set; here such a session has not left the store.
    pub fn dispose(mut self, dispose: impl Fn(&SessionId, Disposal) + Send + Sync + 'static) -> Self {
        self.dispose = Some(Arc::new(dispose));
        self
    }

    /// What tells the time for expiry.
    ///
    /// # Default
    ///
    /// The wall clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl fmt::Debug for MemoryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOptions")
            .field("max", &self.max)
            .field("max_bytes", &self.max_bytes)
            .field("check_period", &self.check_period)
            .finish_non_exhaustive()
    }
}
