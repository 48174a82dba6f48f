//! The only caller of the wall clock.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The largest instant a JavaScript `Date` can hold, in milliseconds from 1970 (year 275760).
const JS_DATE_LIMIT: i64 = 8_640_000_000_000_000;

/// An instant in whole milliseconds since 1970-01-01T00:00:00Z, as a JavaScript `Date` counts them.
///
/// Negative before 1970. Sub-millisecond parts are cut off towards negative infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The later instant `duration` from here; whole milliseconds, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The instant this much earlier; whole milliseconds, saturating.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// The time from here until `later`; zero if `later` is not later.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// Whether a JavaScript `Date` can hold this instant (±8.64e15 ms around 1970).
    pub fn is_js_date(self) -> bool {
        (-JS_DATE_LIMIT..=JS_DATE_LIMIT).contains(&self.0)
    }
}

impl From<SystemTime> for UnixMillis {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)),
            Err(before) => {
                let nanos = before.duration().as_nanos();
                Self(i64::try_from(nanos.div_ceil(1_000_000)).map_or(i64::MIN, |ms| -ms))
            }
        }
    }
}

impl From<UnixMillis> for SystemTime {
    fn from(instant: UnixMillis) -> Self {
        let distance = Duration::from_millis(instant.0.unsigned_abs());
        if instant.0 >= 0 { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
    }
}

/// Tells the time. Everything that depends on it is handed a clock or an instant, so tests can stand still.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The current instant.
    fn now(&self) -> UnixMillis;
}

/// The wall clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        #[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
        SystemTime::now().into()
    }
}

/// A clock that stands still until it is told to move; for tests.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: UnixMillis) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Sets the clock.
    pub fn set(&self, now: UnixMillis) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> UnixMillis {
        (**self).now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_survive_the_way_through_system_time() {
        for ms in [0, 1, 1_893_553_445_678, -1, -1_500, -JS_DATE_LIMIT / 1000] {
            assert_eq!(UnixMillis::from(SystemTime::from(UnixMillis(ms))), UnixMillis(ms));
        }
    }

    #[test]
    fn parts_of_a_millisecond_before_1970_are_cut_downwards() {
        assert_eq!(UnixMillis::from(UNIX_EPOCH - Duration::from_micros(1_500)), UnixMillis(-2));
    }

    #[test]
    fn until_an_earlier_instant_is_zero() {
        assert_eq!(UnixMillis(5).until(UnixMillis(3)), Duration::ZERO);
        assert_eq!(UnixMillis(3).until(UnixMillis(5)), Duration::from_millis(2));
    }
}
