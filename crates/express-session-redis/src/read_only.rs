//! A server that answers reads and refuses writes: what is remembered of that.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use express_session_core::UnixMillis;

use crate::error::RedisError;

/// For how long nothing is asked to be extended after a refusal. Short, because a session whose life is not extended may
/// end too early; long enough that a busy server sends one refused command a second, and not one per request.
const PAUSE: Duration = Duration::from_secs(1);

/// No refusal counts.
const NONE: i64 = i64::MIN;

/// Whether the server has just refused a write.
#[derive(Debug)]
pub(crate) struct Refusals {
    /// Until when the last one counts, in milliseconds since 1970; [`NONE`].
    until: AtomicI64,
    /// It was logged.
    logged: AtomicBool,
    /// Each command may meet another server, so that a refusal by one says nothing of the others.
    are_of_many_servers: bool,
}

impl Refusals {
    pub(crate) const fn new(are_of_many_servers: bool) -> Self {
        Self { until: AtomicI64::new(NONE), logged: AtomicBool::new(false), are_of_many_servers }
    }

    /// Whether an attempt to extend a session can be saved. `now` is asked only after a refusal.
    pub(crate) fn count(&self, now: impl FnOnce() -> UnixMillis) -> bool {
        let until = self.until.load(Relaxed);
        if until == NONE {
            return false;
        }
        let now = now();
        // One further off than that was met before the clock was turned back.
        now.0 < until && until <= now.plus(PAUSE).0
    }

    /// An extension was refused.
    pub(crate) fn met(&self, error: &RedisError, now: UnixMillis) {
        if !self.are_of_many_servers {
            self.until.store(now.plus(PAUSE).0, Relaxed);
        }
        if !self.logged.swap(true, Relaxed) {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "Redis takes no writes: sessions are read and not extended, and what changes them fails"
            );
        }
    }

    /// Something was extended.
    pub(crate) fn ended(&self) {
        if self.until.load(Relaxed) != NONE {
            self.until.store(NONE, Relaxed);
            self.logged.store(false, Relaxed);
            tracing::info!("Redis takes writes again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    #[test]
    fn a_refusal_counts_for_a_second_and_is_over_with_the_first_success() {
        let refusals = Refusals::new(false);
        assert!(!refusals.count(|| unreachable!("nothing was refused")));
        refusals.met(&RedisError::UnexpectedReply, NOW);
        assert!(refusals.count(|| NOW) && refusals.count(|| NOW.plus(PAUSE / 2)));
        assert!(!refusals.count(|| NOW.plus(PAUSE)));
        assert!(!refusals.count(|| UnixMillis(0)), "the clock was turned back");
        refusals.ended();
        assert!(!refusals.count(|| NOW));
    }

    #[test]
    fn one_node_of_a_cluster_says_nothing_of_the_others() {
        let refusals = Refusals::new(true);
        refusals.met(&RedisError::UnexpectedReply, NOW);
        assert!(!refusals.count(|| NOW));
    }
}
