//! A store that is out of order is not asked again by every request, each of which would wait for its own deadline.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use super::StoreError;
use crate::clock::UnixMillis;
use crate::events::numbers;

/// So many calls in a row must fail before the store counts as out of order.
const FAILURES: u32 = 5;

/// How long a store that is out of order is left alone before one request tries it again: one second, short enough that
/// nobody notices the recovery, long enough that a full server sends it nothing but a trial.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// No trial is due.
const CLOSED: i64 = i64::MIN;

/// A circuit breaker: closed while the store answers, open once it has failed several times in a row. Then one trial at a
/// time goes through, and the first that succeeds closes it.
pub(crate) struct Breaker {
    /// How many calls in a row have failed.
    failures: AtomicU32,
    /// When the next trial is due, in milliseconds since 1970; [`CLOSED`].
    trial: AtomicI64,
}

/// Why a store was not asked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the store has failed {FAILURES} times in a row and is tried again once per {RETRY_AFTER:?}")]
struct OpenError;

impl Breaker {
    pub(crate) const fn new() -> Self {
        Self { failures: AtomicU32::new(0), trial: AtomicI64::new(CLOSED) }
    }

    /// Whether the store may be asked. `now` is asked only while it is out of order.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if it is out of order and this call is not the trial.
    pub(crate) fn admit(&self, now: impl FnOnce() -> UnixMillis) -> Result<(), StoreError> {
        let due = self.trial.load(Relaxed);
        if due == CLOSED {
            return Ok(());
        }
        let now = now();
        let next = now.plus(RETRY_AFTER).0;
        // A trial further off than that was set before the clock was turned back.
        let is_due = now.0 >= due || due > next;
        if is_due && self.trial.compare_exchange(due, next, Relaxed, Relaxed).is_ok() {
            Ok(())
        } else {
            Err(StoreError::Unavailable(Box::new(OpenError)))
        }
    }

    /// The store has answered, if only with an error of its own.
    pub(crate) fn answered(&self) {
        if self.failures.load(Relaxed) > 0 {
            self.failures.store(0, Relaxed);
            if self.trial.swap(CLOSED, Relaxed) != CLOSED {
                numbers::store_is_out_of_order(false);
                tracing::info!("the session store answers again");
            }
        }
    }

    /// The store did not answer, or said that it can do nothing at all.
    pub(crate) fn failed(&self, now: impl FnOnce() -> UnixMillis) {
        let failures = self.failures.load(Relaxed).saturating_add(1);
        self.failures.store(failures, Relaxed);
        if failures >= FAILURES {
            if failures == FAILURES {
                numbers::store_is_out_of_order(true);
                tracing::warn!("the session store is out of order: only one trial per second is sent to it");
            }
            self.trial.store(now().plus(RETRY_AFTER).0, Relaxed);
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_open = self.trial.load(Relaxed) != CLOSED;
        f.debug_struct("Breaker").field("is_open", &is_open).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn open() -> Breaker {
        let breaker = Breaker::new();
        for _ in 0..FAILURES {
            breaker.admit(|| NOW).unwrap();
            breaker.failed(|| NOW);
        }
        breaker
    }

    #[test]
    fn some_failures_are_no_outage() {
        let breaker = Breaker::new();
        for _ in 0..3 {
            for _ in 1..FAILURES {
                breaker.failed(|| NOW);
            }
            assert!(breaker.admit(|| NOW).is_ok());
            breaker.answered();
        }
    }

    #[test]
    fn an_open_breaker_lets_one_trial_through_per_pause() {
        let breaker = open();
        assert!(breaker.admit(|| NOW).unwrap_err().is_outage());
        let later = NOW.plus(RETRY_AFTER);
        assert!(breaker.admit(|| later).is_ok());
        assert!(breaker.admit(|| later).is_err(), "one trial at a time");
        breaker.failed(|| later);
        assert!(breaker.admit(|| later.plus(Duration::from_millis(999))).is_err());
        assert!(breaker.admit(|| later.plus(RETRY_AFTER)).is_ok());
        breaker.answered();
        assert!(breaker.admit(|| later).is_ok() && breaker.admit(|| later).is_ok());
    }

    #[test]
    fn a_clock_that_is_turned_back_does_not_keep_it_open() {
        assert!(open().admit(|| UnixMillis(0)).is_ok());
    }
}
