//! The per-session cookie and its attributes.
//!
//! A record carries the cookie it was created with, and those attributes win over changed options for the
//! life of the session. Node keeps whatever value was assigned (`httpOnly: 1`, `sameSite: "Lax"`), so an
//! attribute here is a JavaScript value too, with typed ways in and out.
//!
//! Source: express-session `session/cookie.js`.

pub(crate) mod attribute;
pub(crate) mod header;
mod json;
pub(crate) mod options;
mod recent_attributes;
pub(crate) mod rejection;
pub(crate) mod set_cookie;
pub(crate) mod signature;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use crate::clock::UnixMillis;

use crate::cookie::attribute::{Attribute, Expires};
pub use options::{CookieOptions, SameSiteOption, Secure};

/// When the browser may send the cookie to another site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "RFC 6265bis knows these three")]
pub enum SameSite {
    /// Only requests that start on our own site.
    Strict,
    /// Also links that lead to us.
    Lax,
    /// Always; browsers then demand `Secure`.
    None,
}

/// Which cookies a full browser throws away first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "the draft knows these three")]
pub enum Priority {
    /// First to go.
    Low,
    /// The browser's default.
    Medium,
    /// Last to go.
    High,
}

/// The cookie that belongs to one session.
///
/// Changing it through a handler counts as a change of the session: it is saved and sent again.
/// DIFFERENCE: express-session does not count cookie changes, so its new lifetime is forgotten by the next
/// request; see `docs/INTEROP.md`.
#[derive(Clone)]
pub struct Cookie {
    pub(crate) original_max_age: Attribute,
    pub(crate) expires: Expires,
    /// Shared until changed: a request holds its cookie several times over and rarely changes more than the
    /// lifetime.
    attributes: Arc<Attributes>,
}

/// Everything but the lifetime.
#[derive(Clone, PartialEq)]
pub(crate) struct Attributes {
    pub(crate) partitioned: Attribute,
    pub(crate) priority: Attribute,
    pub(crate) secure: Attribute,
    pub(crate) http_only: Attribute,
    pub(crate) domain: Attribute,
    pub(crate) path: Attribute,
    pub(crate) same_site: Attribute,
    /// Fields Node does not know and would drop; kept, in order, as JSON text.
    pub(crate) unknown: Vec<(Box<str>, Box<str>)>,
}

/// `HttpOnly` and path `/`: what nearly every cookie has.
static USUAL: LazyLock<Arc<Attributes>> = LazyLock::new(|| {
    Arc::new(Attributes {
        partitioned: Attribute::Missing,
        priority: Attribute::Missing,
        secure: Attribute::Missing,
        http_only: Attribute::Bool(true),
        domain: Attribute::Missing,
        path: Attribute::Text(Cow::Borrowed("/")),
        same_site: Attribute::Missing,
        unknown: Vec::new(),
    })
});

/// Why a stored `cookie` cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// `cookie` is not a JSON object.
    #[error("the record's cookie is not an object")]
    NotAnObject,
    /// `originalMaxAge` is neither a number nor empty; express-session would throw at the first touch.
    #[error("the cookie's originalMaxAge is not a number")]
    OriginalMaxAge,
}

impl PartialEq for Cookie {
    fn eq(&self, other: &Self) -> bool {
        self.expires == other.expires
            && self.original_max_age == other.original_max_age
            && self.same_attributes(other)
    }
}

impl Default for Cookie {
    /// Path `/`, `HttpOnly`, and gone when the browser closes.
    fn default() -> Self {
        Self::usual(Attribute::Null, Expires::Plain(Attribute::Null))
    }
}

impl Cookie {
    pub(crate) fn usual(original_max_age: Attribute, expires: Expires) -> Self {
        Self { original_max_age, expires, attributes: Arc::clone(&USUAL) }
    }

    /// Whether it has the attributes that nearly every cookie has, as far as one look tells.
    pub(crate) fn is_usual(&self) -> bool {
        Arc::ptr_eq(&self.attributes, &USUAL)
    }

    pub(crate) fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    pub(crate) fn attributes_mut(&mut self) -> &mut Attributes {
        Arc::make_mut(&mut self.attributes)
    }

    /// When the cookie expires; `None` for one that lives as long as the browser is open.
    pub fn expires(&self) -> Option<UnixMillis> {
        match self.expires {
            Expires::Date(at) => at,
            Expires::Plain(_) => None,
        }
    }

    /// `cookie.expires` as JavaScript reckons with it: milliseconds since 1970, NaN for what is no date, and
    /// `None` for anything falsy. For stores whose rule is `expires ? expires - now : …`.
    pub fn expires_ms(&self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "a JavaScript date is below 2^53")]
        match &self.expires {
            Expires::Date(at) => Some(at.map_or(f64::NAN, |at| at.0 as f64)),
            Expires::Plain(Attribute::Number(ms)) if *ms != 0.0 && !ms.is_nan() => Some(*ms),
            Expires::Plain(value) => value.is_truthy().then_some(f64::NAN),
        }
    }

    /// The time left at `now`, zero if it has passed; `None` without an expiry. JavaScript: reading `maxAge`.
    pub fn max_age(&self, now: UnixMillis) -> Option<Duration> {
        self.expires().map(|at| now.until(at))
    }

    /// The lifetime that every touch restores, in milliseconds as stored; may be negative or fractional.
    pub fn original_max_age(&self) -> Option<f64> {
        match self.original_max_age {
            Attribute::Number(ms) => Some(ms),
            _ => None,
        }
    }

    /// Sets the lifetime: the cookie expires `max_age` after `now`, and again after each touch.
    ///
    /// `None` makes it a cookie that is gone when the browser closes. Whole milliseconds; the rest is cut off.
    /// Source: express-session `session/cookie.js`, `set maxAge`.
    pub fn set_max_age(&mut self, max_age: Option<Duration>, now: UnixMillis) {
        if let Some(max_age) = max_age {
            self.set_expiry(now.plus(max_age), now);
        } else {
            self.original_max_age = Attribute::Null;
            self.expires = Expires::Plain(Attribute::Null);
        }
    }

    /// Sets the instant at which the cookie expires; a touch moves it, keeping the distance from `now`.
    ///
    /// Source: express-session `session/cookie.js`, `set expires`.
    pub fn set_expires(&mut self, expires: SystemTime, now: UnixMillis) {
        self.set_expiry(expires.into(), now);
    }

    pub(crate) fn set_expiry(&mut self, at: UnixMillis, now: UnixMillis) {
        let at = Some(at).filter(|at| at.is_js_date());
        self.expires = Expires::Date(at);
        self.original_max_age = Attribute::Number(at.map_or(f64::NAN, |at| ms_between(now, at)));
    }

    /// `touch()`: gives the cookie its full lifetime again, counted from `now`.
    ///
    /// DIFFERENCE: Node measures `originalMaxAge` anew with a second look at the clock, so it may shrink by a
    /// millisecond per touch; ours does not drift.
    pub fn touch(&mut self, now: UnixMillis) {
        match self.original_max_age {
            Attribute::Number(ms) => self.set_max_age_ms(ms, now),
            ref other => self.expires = Expires::Plain(other.clone()),
        }
    }

    /// `maxAge = ms`, with JavaScript's `new Date(now + ms)`, which cuts towards zero.
    pub(crate) fn set_max_age_ms(&mut self, ms: f64, now: UnixMillis) {
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "below 2^53, or saturating"
        )]
        let at = UnixMillis((now.0 as f64 + ms).trunc() as i64);
        if ms.is_nan() {
            self.expires = Expires::Date(None);
        } else {
            self.set_expiry(at, now);
        }
    }

    /// The path below which the browser sends the cookie; `None` leaves the attribute out.
    pub fn set_path(&mut self, path: Option<&str>) {
        self.attributes_mut().path =
            path.map_or(Attribute::Null, |path| Attribute::Text(path.to_owned().into()));
    }

    /// The domain, with its subdomains, that gets the cookie; `None` means only the host that set it.
    pub fn set_domain(&mut self, domain: Option<&str>) {
        self.attributes_mut().domain =
            domain.map_or(Attribute::Missing, |domain| Attribute::Text(domain.to_owned().into()));
    }

    /// Whether scripts in the page are kept from reading the cookie.
    ///
    /// # Security
    ///
    /// `false` lets any injected script steal the session.
    pub fn set_http_only(&mut self, http_only: bool) {
        self.attributes_mut().http_only = Attribute::Bool(http_only);
    }

    /// Whether the cookie travels over HTTPS only. Over plain HTTP a secure cookie is not sent at all.
    pub fn set_secure(&mut self, secure: bool) {
        self.attributes_mut().secure = Attribute::Bool(secure);
    }

    /// Which cross-site requests carry the cookie; `None` leaves the attribute out (browsers then use Lax).
    pub fn set_same_site(&mut self, same_site: Option<SameSite>) {
        self.attributes_mut().same_site = match same_site {
            None => Attribute::Missing,
            Some(SameSite::Strict) => Attribute::Text("strict".into()),
            Some(SameSite::Lax) => Attribute::Text("lax".into()),
            Some(SameSite::None) => Attribute::Text("none".into()),
        };
    }

    /// Whether the cookie is kept apart for each top-level site (CHIPS); browsers then demand `Secure`.
    pub fn set_partitioned(&mut self, partitioned: bool) {
        self.attributes_mut().partitioned = Attribute::Bool(partitioned);
    }

    /// Which cookies a full browser drops first; `None` leaves the attribute out.
    pub fn set_priority(&mut self, priority: Option<Priority>) {
        self.attributes_mut().priority = match priority {
            None => Attribute::Missing,
            Some(Priority::Low) => Attribute::Text("low".into()),
            Some(Priority::Medium) => Attribute::Text("medium".into()),
            Some(Priority::High) => Attribute::Text("high".into()),
        };
    }

    /// Whether the cookie may only travel over HTTPS.
    pub fn secure(&self) -> bool {
        self.attributes.secure.is_truthy()
    }

    /// The path as text, if there is one.
    pub fn path(&self) -> Option<&str> {
        match &self.attributes.path {
            Attribute::Text(path) => Some(path),
            _ => None,
        }
    }

    /// `cookie.expires != null` in JavaScript: whether a modified session sends its cookie again.
    pub(crate) fn has_expiry(&self) -> bool {
        match &self.expires {
            Expires::Date(_) => true,
            Expires::Plain(value) => !value.is_nullish(),
        }
    }

    fn same_attributes(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.attributes, &other.attributes) || self.attributes == other.attributes
    }

    /// Whether something other than the passing of time makes this cookie differ from `loaded`.
    pub(crate) fn was_changed_since(&self, loaded: &Self) -> bool {
        let moved_by_touch = match &self.original_max_age {
            Attribute::Number(_) => true,
            other => matches!(&self.expires, Expires::Plain(expires) if expires == other),
        };
        let same_expiry = moved_by_touch || self.expires == loaded.expires;
        // A touch cuts a stored lifetime to whole milliseconds.
        let same_lifetime = match (&self.original_max_age, &loaded.original_max_age) {
            (Attribute::Number(ours), Attribute::Number(theirs)) => (0.0..1.0).contains(&(theirs - ours)),
            (ours, theirs) => ours == theirs,
        };
        !(same_expiry && same_lifetime && self.same_attributes(loaded))
    }
}

/// The milliseconds from one JavaScript date to another, which are below 2^54.
#[allow(clippy::cast_precision_loss, reason = "precise for all dates but those 142 000 years apart")]
pub(crate) fn ms_between(from: UnixMillis, to: UnixMillis) -> f64 {
    to.0.saturating_sub(from.0) as f64
}

impl fmt::Debug for Cookie {
    /// Without the fields that Node does not know, which may hold anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut known = self.clone();
        if !known.attributes.unknown.is_empty() {
            known.attributes_mut().unknown.clear();
        }
        write!(f, "Cookie({})", known.encode())
    }
}

/// Whole steps of their own, which a request takes in one go.
pub(crate) mod testing {
    use super::Cookie;
    use super::header::visit_values;
    use super::set_cookie::{self, SetCookieError};

    /// Every value that a `Cookie` header gives to `name`.
    pub fn cookie_values(header: &[u8], name: &str) -> Vec<String> {
        let mut values = Vec::new();
        visit_values(header, name, |value| values.push(value.to_owned()));
        values
    }

    /// The `Set-Cookie` header; `value` is percent-encoded already.
    ///
    /// # Errors
    ///
    /// [`SetCookieError`] names the first part that is not allowed in a header.
    pub fn set_cookie(name: &str, value: &str, cookie: &Cookie) -> Result<String, SetCookieError> {
        set_cookie::set_cookie(name, |out| out.push_str(value), cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_893_553_445_678);

    #[test]
    fn the_default_cookie_is_written_as_node_writes_it() {
        let text = r#"{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}"#;
        assert_eq!(Cookie::default().encode(), text);
        assert_eq!(Cookie::decode(text).unwrap(), Cookie::default());
    }

    #[test]
    fn max_age_sets_expires_and_touch_restores_it() {
        let mut cookie = Cookie::default();
        cookie.set_max_age(Some(Duration::from_mins(1)), NOW);
        assert_eq!(
            cookie.encode(),
            r#"{"originalMaxAge":60000,"expires":"2030-01-02T03:05:05.678Z","httpOnly":true,"path":"/"}"#
        );
        let later = NOW.plus(Duration::from_secs(40));
        assert_eq!(cookie.max_age(later), Some(Duration::from_secs(20)));
        cookie.touch(later);
        assert_eq!(cookie.max_age(later), Some(Duration::from_mins(1)));
    }

    #[test]
    fn expires_is_a_number_wherever_javascript_finds_one() {
        let ms = |text: &str| Cookie::decode(text).unwrap().expires_ms();
        assert_eq!(ms(r#"{"expires":"2030-01-02T03:04:05.678Z"}"#), Some(1_893_553_445_678.0));
        assert_eq!(ms(r#"{"expires":1893557045678}"#), Some(1_893_557_045_678.0));
        assert!(ms(r#"{"expires":"garbage"}"#).is_some_and(f64::is_nan));
        assert!(ms(r#"{"expires":true}"#).is_some_and(f64::is_nan));
        for falsy in ["{}", r#"{"expires":null}"#, r#"{"expires":false}"#, r#"{"expires":0}"#] {
            assert_eq!(ms(falsy), None, "{falsy}");
        }
    }

    #[test]
    fn time_passing_is_no_change_but_a_new_lifetime_is() {
        let mut loaded = Cookie::default();
        loaded.set_max_age(Some(Duration::from_mins(1)), NOW);
        let later = NOW.plus(Duration::from_secs(9));
        let mut touched = loaded.clone();
        touched.touch(later);
        assert!(!touched.was_changed_since(&loaded));
        touched.set_max_age(Some(Duration::from_mins(2)), later);
        assert!(touched.was_changed_since(&loaded));
        let mut to_session = loaded.clone();
        to_session.set_max_age(None, later);
        assert!(to_session.was_changed_since(&loaded));
    }

    #[test]
    fn unknown_fields_are_kept_behind_the_known_ones() {
        let text = r#"{"extra":{"a":1.50},"path":"/x"}"#;
        assert_eq!(
            Cookie::decode(text).unwrap().encode(),
            r#"{"httpOnly":true,"path":"/x","extra":{"a":1.50}}"#
        );
    }

    #[test]
    fn debug_shows_no_unknown_fields() {
        let cookie = Cookie::decode(r#"{"path":"/","token":"hush"}"#).unwrap();
        assert_eq!(format!("{cookie:?}"), r#"Cookie({"httpOnly":true,"path":"/"})"#);
    }

    #[test]
    fn malformed_cookies_are_told_apart() {
        assert_eq!(Cookie::decode("\"text\""), Err(CookieError::NotAnObject));
        assert_eq!(Cookie::decode("null"), Err(CookieError::NotAnObject));
        assert_eq!(Cookie::decode(r#"{"originalMaxAge":"60000"}"#), Err(CookieError::OriginalMaxAge));
        assert!(Cookie::decode("false").is_ok() && Cookie::decode("[]").is_ok());
    }
}
