//! From milliseconds to the `expires` column and back: every rounding of this store.

use std::time::Duration;

use express_session_core::{Cookie, Life, UnixMillis};

/// `Math.round(ms / 1000)`: whole seconds, halves towards positive infinity.
///
/// Source: express-mysql-session `index.js`, `set`, `get` and `clearExpiredSessions`.
pub(crate) const fn round_to_seconds(at: UnixMillis) -> i64 {
    at.0.saturating_add(500).div_euclid(1000)
}

/// The last second that is not over yet: a row is dead if its `expires` is smaller.
///
/// As `expires` is rounded too, a session can live up to a second longer than its cookie, or half a second less.
pub(crate) fn current_second(now: UnixMillis) -> i64 {
    round_to_seconds(now)
}

/// What the `expires` column gets; `None` if the column cannot hold it (before 1970 or after
/// 2106-02-07T06:28:15Z).
///
/// DIFFERENCE: an invalid date counts as no date, which is what it is once it has been stored as JSON; the Node
/// package sends the text `NaN` and gets an SQL error. Nor are a number in `expires` or the field `_expires`
/// consulted, which no cookie of express-session has.
pub(crate) fn column_value(cookie: &Cookie, expiration: Duration, now: UnixMillis) -> Option<u32> {
    let at = cookie.expires().unwrap_or_else(|| now.plus(expiration));
    u32::try_from(round_to_seconds(at)).ok()
}

/// How much of its life a session has left, in whole seconds of the column on both sides.
pub(crate) fn life(cookie: &Cookie, expires: u32, expiration: Duration, now: UnixMillis) -> Life {
    #[allow(clippy::cast_possible_truncation, reason = "saturates, and is cut as JavaScript cuts it")]
    let touched = match cookie.original_max_age() {
        Some(ms) if ms.is_finite() => UnixMillis(now.0.saturating_add(ms as i64)),
        _ => now.plus(expiration),
    };
    let from_now = |seconds: i64| now.until(UnixMillis(seconds.saturating_mul(1000)));
    Life { ttl: from_now(round_to_seconds(touched)), left: from_now(i64::from(expires)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_893_553_445_678);
    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn halves_are_rounded_up_as_by_math_round() {
        for (ms, seconds) in [
            (0, 0),
            (499, 0),
            (500, 1),
            (1_499, 1),
            (-1, 0),
            (-499, 0),
            (-500, 0),
            (-501, -1),
            (-1_500, -1),
            (-1_501, -2),
            (NOW.0, 1_893_553_446),
        ] {
            assert_eq!(round_to_seconds(UnixMillis(ms)), seconds, "{ms}");
        }
    }

    #[test]
    fn a_cookie_without_expiry_lives_for_the_expiration() {
        assert_eq!(column_value(&Cookie::default(), DAY, NOW), Some(1_893_639_846));
        assert_eq!(column_value(&Cookie::default(), Duration::from_millis(1_500), NOW), Some(1_893_553_447));
    }

    #[test]
    fn what_the_column_cannot_hold_is_refused() {
        let mut cookie = Cookie::default();
        let end = UnixMillis(4_294_967_295_000);
        cookie.set_expires(end.plus(Duration::from_millis(499)).into(), NOW);
        assert_eq!(column_value(&cookie, DAY, NOW), Some(u32::MAX));
        cookie.set_expires(end.plus(Duration::from_millis(500)).into(), NOW);
        assert_eq!(column_value(&cookie, DAY, NOW), None);
        cookie.set_expires(UnixMillis(-501).into(), NOW);
        assert_eq!(column_value(&cookie, DAY, NOW), None);
    }

    #[test]
    fn the_time_since_the_last_extension_is_exact_to_the_second() {
        let mut cookie = Cookie::default();
        cookie.set_max_age(Some(Duration::from_mins(1)), NOW);
        let expires = column_value(&cookie, DAY, NOW).unwrap();
        assert_eq!(life(&cookie, expires, DAY, NOW).elapsed(), Duration::ZERO);
        let later = NOW.plus(Duration::from_millis(10_500));
        assert_eq!(life(&cookie, expires, DAY, later).elapsed(), Duration::from_secs(10));
    }
}
