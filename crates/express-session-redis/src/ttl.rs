//! How long a key lives: connect-redis's rule, in whole seconds as Redis takes them.
//!
//! Source: connect-redis 9 `RedisStore.getTTL`, recorded in `tests/vectors/redis.json`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Record, UnixMillis};

/// The life of a session whose cookie has no expiry, when nothing else is said: a day, as in connect-redis.
pub const DEFAULT_TTL: Duration = Duration::from_hours(24);

/// The longest life given to a key, in seconds: what a JavaScript date can reach. Redis takes longer ones for
/// overflows and refuses them.
const MAX_SECONDS: i64 = 8_640_000_000_000;

/// The option `ttl`.
#[derive(Clone)]
#[non_exhaustive]
pub enum Ttl {
    /// The life of sessions whose cookie has no expiry; a cookie's own expiry wins. Parts of a second count as
    /// a whole one, and zero means [`DEFAULT_TTL`], as in connect-redis.
    Fixed(Duration),
    /// The life of every session; its cookie's expiry is not looked at. Zero ends the session.
    Computed(Arc<dyn Fn(&Record) -> Duration + Send + Sync>),
}

impl Ttl {
    /// The life left to `record` at `now`, in seconds; zero or less means that it is over.
    ///
    /// `None` if the cookie's `expires` is no date: the session cannot be stored.
    pub(crate) fn seconds(&self, record: &Record, now: UnixMillis) -> Option<i64> {
        let fixed = match self {
            Self::Computed(ttl) => return Some(whole_seconds(ttl(record))),
            Self::Fixed(ttl) => *ttl,
        };
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "dates are below 2^53, everything else saturates"
        )]
        match record.cookie().expires_ms() {
            Some(ms) if ms.is_nan() => None,
            Some(ms) => Some((((ms - now.0 as f64) / 1000.0).ceil() as i64).min(MAX_SECONDS)),
            None if fixed.is_zero() => Some(whole_seconds(DEFAULT_TTL)),
            None => Some(whole_seconds(fixed)),
        }
    }

    /// As [`seconds`](Self::seconds), once the cookie has its full lifetime again, as every touch gives it.
    pub(crate) fn seconds_after_touch(&self, record: &Record, now: UnixMillis) -> Option<i64> {
        let mut touched = record.clone();
        touched.cookie_mut().touch(now);
        self.seconds(&touched, now)
    }
}

fn whole_seconds(duration: Duration) -> i64 {
    let up = u64::from(duration.subsec_nanos() > 0);
    i64::try_from(duration.as_secs().saturating_add(up))
        .map_or(MAX_SECONDS, |seconds| seconds.min(MAX_SECONDS))
}

impl fmt::Debug for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(ttl) => write!(f, "Fixed({ttl:?})"),
            Self::Computed(_) => f.write_str("Computed(..)"),
        }
    }
}

impl From<Duration> for Ttl {
    fn from(ttl: Duration) -> Self {
        Self::Fixed(ttl)
    }
}

#[cfg(test)]
mod tests {
    use express_session_core::Cookie;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_893_553_445_678);

    fn expiring(expires: &str) -> Record {
        Record::decode(format!(r#"{{"cookie":{{"expires":{expires}}}}}"#).as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_cookies_own_expiry_is_rounded_up_to_seconds() {
        let seconds = |offset: i64| {
            Ttl::Fixed(Duration::from_mins(5)).seconds(&expiring(&(NOW.0 + offset).to_string()), NOW)
        };
        for (offset, expected) in [
            (1, 1),
            (999, 1),
            (1000, 1),
            (1001, 2),
            (0, 0),
            (-1, 0),
            (-999, 0),
            (-1000, -1),
            (-1001, -1),
            (3_600_000, 3600),
        ] {
            assert_eq!(seconds(offset), Some(expected), "{offset}");
        }
        assert_eq!(Ttl::Fixed(DEFAULT_TTL).seconds(&expiring("\"garbage\""), NOW), None);
    }

    #[test]
    fn a_cookie_without_one_gets_the_option() {
        let session = Record::new(Cookie::default());
        let seconds = |ttl: Duration| Ttl::from(ttl).seconds(&session, NOW);
        assert_eq!(seconds(Duration::from_secs(100)), Some(100));
        assert_eq!(seconds(Duration::from_millis(1500)), Some(2));
        assert_eq!(seconds(Duration::ZERO), Some(86_400));
        assert_eq!(seconds(Duration::MAX), Some(MAX_SECONDS));
    }

    #[test]
    fn a_closure_has_the_last_word() {
        let ttl = Ttl::Computed(Arc::new(|record: &Record| Duration::from_secs(record.data.len() as u64)));
        let mut record = expiring("\"2030-01-02T04:04:05.678Z\"");
        assert_eq!(ttl.seconds(&record, NOW), Some(0));
        record.data.insert("a", &1).unwrap();
        assert_eq!(ttl.seconds(&record, NOW), Some(1));
    }

    #[test]
    fn a_touch_starts_from_the_cookies_lifetime() {
        let text = r#"{"cookie":{"originalMaxAge":60000,"expires":"2000-01-01T00:00:00.000Z"}}"#;
        let record = Record::decode(text.as_bytes()).unwrap().unwrap();
        let ttl = Ttl::Fixed(DEFAULT_TTL);
        assert!(ttl.seconds(&record, NOW).unwrap() < 0);
        assert_eq!(ttl.seconds_after_touch(&record, NOW), Some(60));
    }
}
