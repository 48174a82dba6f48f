//! How long sessions live, and which touches are worth their round trip.

use std::time::Duration;

/// How much of a stored session's life is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// What a touch now would give it.
    pub ttl: Duration,
    /// What it has left.
    pub left: Duration,
}

impl Life {
    /// The time since the session's life was last extended.
    pub fn elapsed(self) -> Duration {
        self.ttl.saturating_sub(self.left)
    }
}

/// When a session that was only read has its life extended.
///
/// Every touch is a write. With a `ttl` of a day, touching once an hour loses at most an hour of idle time.
///
/// # Default
///
/// [`TouchAfter::Always`], express-session's behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum TouchAfter {
    /// By every request.
    #[default]
    Always,
    /// Once this much time has passed since the last extension. Example: with one hour, a session that lives
    /// a day and is read every second is written 24 times a day instead of 86 400 times.
    Elapsed(Duration),
    /// Once this share of the `ttl` has passed, between 0 (always) and 1 (only at the very end). Example: with
    /// 0.1, a session that lives a day is extended every 2.4 hours.
    Share(f64),
}

impl TouchAfter {
    /// Whether a session with this much life is due. One whose life the store does not know always is.
    pub fn is_due(self, life: Option<Life>) -> bool {
        let Some(life) = life else { return true };
        life.elapsed() >= self.threshold(life.ttl)
    }

    /// The age of the last extension from which on a session with this `ttl` is due.
    pub fn threshold(self, ttl: Duration) -> Duration {
        match self {
            Self::Always => Duration::ZERO,
            Self::Elapsed(duration) => duration.min(ttl),
            Self::Share(share) if share.is_nan() => Duration::ZERO,
            Self::Share(share) => ttl.mul_f64(share.clamp(0.0, 1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn aged(seconds: u64) -> impl Into<Option<Life>> {
        Life { ttl: DAY, left: DAY.saturating_sub(Duration::from_secs(seconds)) }
    }

    #[test]
    fn a_duration_or_a_share_must_have_passed() {
        let hourly = TouchAfter::Elapsed(Duration::from_hours(1));
        assert!(!hourly.is_due(aged(3599).into()));
        assert!(hourly.is_due(aged(3600).into()));
        assert!(!TouchAfter::Share(0.1).is_due(aged(8639).into()));
        assert!(TouchAfter::Share(0.1).is_due(aged(8640).into()));
        assert!(TouchAfter::Always.is_due(aged(0).into()));
    }

    #[test]
    fn unknown_life_and_thresholds_beyond_the_ttl_never_let_a_session_die() {
        assert!(TouchAfter::Elapsed(DAY).is_due(None));
        assert!(TouchAfter::Elapsed(DAY * 9).is_due(aged(86_400).into()));
        assert!(TouchAfter::Share(f64::NAN).is_due(aged(0).into()));
        assert!(TouchAfter::Share(9.0).is_due(aged(86_400).into()));
    }
}
