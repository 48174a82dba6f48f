//! How long a key lives: connect-redis's rule, in whole seconds as Redis takes them.
//!
//! Source: connect-redis 9 `RedisStore.getTTL`, recorded in `tests/vectors/redis.json`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Cookie, Data, Document, UnixMillis};

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
    Computed(Arc<dyn Fn(&Document) -> Duration + Send + Sync>),
}

impl Ttl {
    /// The life left to `document` at `now`, in seconds; zero or less means that it is over.
    ///
    /// `None` if the cookie's `expires` is no date: the session cannot be stored.
    pub(crate) fn seconds(&self, document: &Document, now: UnixMillis) -> Option<i64> {
        match self {
            Self::Computed(ttl) => Some(whole_seconds(ttl(document))),
            Self::Fixed(ttl) => seconds_by_cookie(document.cookie(), *ttl, now),
        }
    }

    /// As [`seconds`](Self::seconds), with another cookie in the document.
    pub(crate) fn seconds_with(&self, document: &Document, cookie: &Cookie, now: UnixMillis) -> Option<i64> {
        match self {
            Self::Computed(ttl) => Some(whole_seconds(ttl(&document.with_cookie(cookie)))),
            Self::Fixed(ttl) => seconds_by_cookie(cookie, *ttl, now),
        }
    }

    /// As [`seconds`](Self::seconds), once the cookie has its full lifetime again, as every touch gives it.
    pub(crate) fn seconds_after_touch(&self, document: &Document, now: UnixMillis) -> Option<i64> {
        self.seconds_with(document, &touched(document.cookie(), now), now)
    }

    /// The life of a session that has this cookie and no data yet.
    pub(crate) fn seconds_of_new(&self, cookie: &Cookie, now: UnixMillis) -> Option<i64> {
        let cookie = touched(cookie, now);
        match self {
            Self::Computed(ttl) => Some(whole_seconds(ttl(&Data::new(cookie).encode()))),
            Self::Fixed(ttl) => seconds_by_cookie(&cookie, *ttl, now),
        }
    }
}

fn touched(cookie: &Cookie, now: UnixMillis) -> Cookie {
    let mut cookie = cookie.clone();
    cookie.touch(now);
    cookie
}

/// The life left to a session with this cookie: until its expiry, or `without_expiry` if it has none.
pub(crate) fn seconds_by_cookie(cookie: &Cookie, without_expiry: Duration, now: UnixMillis) -> Option<i64> {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "dates are below 2^53, everything else saturates"
    )]
    match cookie.expires_ms() {
        Some(ms) if ms.is_nan() => None,
        Some(ms) => Some((((ms - now.0 as f64) / 1000.0).ceil() as i64).min(MAX_SECONDS)),
        None if without_expiry.is_zero() => Some(whole_seconds(DEFAULT_TTL)),
        None => Some(whole_seconds(without_expiry)),
    }
}

pub(crate) fn whole_seconds(duration: Duration) -> i64 {
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
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_893_553_445_678);

    fn expiring(expires: &str) -> Document {
        Document::parse(format!(r#"{{"cookie":{{"expires":{expires}}}}}"#)).unwrap().unwrap()
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
        let session = Data::new(Cookie::default()).encode();
        let seconds = |ttl: Duration| Ttl::from(ttl).seconds(&session, NOW);
        assert_eq!(seconds(Duration::from_secs(100)), Some(100));
        assert_eq!(seconds(Duration::from_millis(1500)), Some(2));
        assert_eq!(seconds(Duration::ZERO), Some(86_400));
        assert_eq!(seconds(Duration::MAX), Some(MAX_SECONDS));
    }

    #[test]
    fn a_closure_has_the_last_word() {
        let ttl = Ttl::Computed(Arc::new(|document: &Document| Duration::from_secs(document.len() as u64)));
        let document = expiring("\"2030-01-02T04:04:05.678Z\"");
        assert_eq!(ttl.seconds(&document, NOW), Some(0));
        let mut data = Data::of(document);
        data.insert("a", 1).unwrap();
        assert_eq!(ttl.seconds(&data.encode(), NOW), Some(1));
    }

    #[test]
    fn a_closure_sees_the_cookie_that_a_touch_stores() {
        let lifetime = |document: &Document| document.cookie().max_age(NOW).unwrap_or_default();
        let ttl = Ttl::Computed(Arc::new(lifetime));
        let mut cookie = Cookie::default();
        cookie.set_max_age(Some(Duration::from_mins(1)), NOW);
        let document = Data::new(Cookie::default()).encode();
        assert_eq!(ttl.seconds(&document, NOW), Some(0));
        assert_eq!(ttl.seconds_with(&document, &cookie, NOW), Some(60));
        assert_eq!(ttl.seconds_of_new(&cookie, NOW), Some(60));
    }

    #[test]
    fn a_touch_starts_from_the_cookies_lifetime() {
        let text = r#"{"cookie":{"originalMaxAge":60000,"expires":"2000-01-01T00:00:00.000Z"}}"#;
        let document = Document::parse(text).unwrap().unwrap();
        let ttl = Ttl::Fixed(DEFAULT_TTL);
        assert!(ttl.seconds(&document, NOW).unwrap() < 0);
        assert_eq!(ttl.seconds_after_touch(&document, NOW), Some(60));
    }
}
