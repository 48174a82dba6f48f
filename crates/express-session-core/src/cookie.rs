//! The per-session cookie: its attributes and their JSON.
//!
//! A record carries the cookie it was created with, and those attributes win over changed options for the
//! life of the session. Node keeps whatever value was assigned (`httpOnly: 1`, `sameSite: "Lax"`), so an
//! attribute here is a JavaScript value too, with typed ways in and out.
//!
//! Source: express-session `session/cookie.js`.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use indexmap::IndexMap;
use serde_json::Value;

use crate::clock::UnixMillis;
use crate::{js_date, js_json};

/// The attributes of a stored cookie, in the order Node writes them; all other fields are unknown to it.
const ATTRIBUTES: [&str; 9] = [
    "originalMaxAge",
    "partitioned",
    "priority",
    "expires",
    "secure",
    "httpOnly",
    "domain",
    "path",
    "sameSite",
];

/// The JavaScript value of one cookie attribute.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) enum Attribute {
    /// `undefined`: not written.
    #[default]
    Missing,
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'static, str>),
    /// An array or object; only a foreign document can hold one.
    Other(Box<Value>),
}

impl Attribute {
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Missing | Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Other(_) => true,
        }
    }

    /// JavaScript's `== null`.
    fn is_nullish(&self) -> bool {
        matches!(self, Self::Missing | Self::Null)
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Missing | Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => js_json::write_f64(*number, out),
            Self::Text(text) => js_json::write_string(text, out),
            Self::Other(value) => js_json::write_value(value, out),
        }
    }
}

impl From<&Value> for Attribute {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Self::Text(text.clone().into()),
            other => Self::Other(Box::new(other.clone())),
        }
    }
}

/// `cookie._expires`: a `Date` (`None` is an invalid one) or a value kept as it was assigned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expires {
    Date(Option<UnixMillis>),
    Plain(Attribute),
}

/// When the browser may send the cookie to another site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, PartialEq)]
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
    unknown: Vec<(Box<str>, Box<str>)>,
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

impl Default for Cookie {
    /// Path `/`, `HttpOnly`, and gone when the browser closes.
    fn default() -> Self {
        Self::usual(Attribute::Null, Expires::Plain(Attribute::Null))
    }
}

impl Cookie {
    fn usual(original_max_age: Attribute, expires: Expires) -> Self {
        Self { original_max_age, expires, attributes: Arc::clone(&USUAL) }
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

    fn set_expiry(&mut self, at: UnixMillis, now: UnixMillis) {
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
    fn set_max_age_ms(&mut self, ms: f64, now: UnixMillis) {
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

    /// Assigns an attribute by its JavaScript name, as `cookie[name] = value` would; `None` is `undefined`.
    ///
    /// For option objects that come from Node. `maxAge` and `expires` set each other, as there; a name that is
    /// not an attribute changes nothing.
    ///
    /// # Errors
    ///
    /// [`CookieError::OriginalMaxAge`] if a lifetime is neither a number nor empty.
    pub fn assign(&mut self, name: &str, value: Option<&Value>, now: UnixMillis) -> Result<(), CookieError> {
        let attribute = value.map_or(Attribute::Missing, Attribute::from);
        match name {
            "maxAge" => match attribute {
                Attribute::Number(ms) => self.set_max_age_ms(ms, now),
                other if other.is_truthy() => return Err(CookieError::OriginalMaxAge),
                other => {
                    self.original_max_age = other.clone();
                    self.expires = Expires::Plain(other);
                }
            },
            "expires" => match attribute {
                Attribute::Text(ref text) if !text.is_empty() => {
                    let at = js_date::parse(text);
                    self.expires = Expires::Date(at);
                    self.original_max_age = Attribute::Number(at.map_or(f64::NAN, |at| ms_between(now, at)));
                }
                other => {
                    self.original_max_age = other.clone();
                    self.expires = Expires::Plain(other);
                }
            },
            "originalMaxAge" => {
                if !matches!(attribute, Attribute::Number(_)) && attribute.is_truthy() {
                    return Err(CookieError::OriginalMaxAge);
                }
                self.original_max_age = attribute;
            }
            "partitioned" => self.attributes_mut().partitioned = attribute,
            "priority" => self.attributes_mut().priority = attribute,
            "secure" => self.attributes_mut().secure = attribute,
            "httpOnly" => self.attributes_mut().http_only = attribute,
            "domain" => self.attributes_mut().domain = attribute,
            "path" => self.attributes_mut().path = attribute,
            "sameSite" => self.attributes_mut().same_site = attribute,
            // Node's object takes it, but neither writes nor sends it.
            _ => {}
        }
        Ok(())
    }

    /// Reads the `cookie` of a stored document; `text` is its JSON.
    ///
    /// A missing path becomes `/`, a missing `httpOnly` true; everything else stays absent. The configured
    /// options are not consulted. Source: express-session `session/store.js`, `createSession`.
    pub(crate) fn decode(text: &str) -> Result<Self, CookieError> {
        let fields = match (js_json::parse_object(text), serde_json::from_str::<Value>(text)) {
            (Ok(fields), _) => fields,
            // Falsy but not null passes in Node too, and so does an array: all attributes are then defaults.
            (_, Ok(Value::Array(_))) => IndexMap::new(),
            (_, Ok(value)) if !value.is_null() && !Attribute::from(&value).is_truthy() => IndexMap::new(),
            _ => return Err(CookieError::NotAnObject),
        };
        let mut cookie = Self::usual(Attribute::Missing, Expires::Plain(Attribute::Missing));
        for (name, text) in fields {
            if !ATTRIBUTES.contains(&&*name) {
                cookie.attributes_mut().unknown.push((name, text));
                continue;
            }
            // A lone surrogate is the one thing that can fail here, and no attribute may hold one.
            let value = serde_json::from_str(&text).map_err(|_| CookieError::NotAnObject)?;
            match (&*name, &value) {
                ("expires", Value::String(date)) => cookie.expires = Expires::Date(js_date::parse(date)),
                ("expires", other) => cookie.expires = Expires::Plain(other.into()),
                // Nothing here depends on the instant: the one lifetime that does was handled above.
                (name, value) => cookie.assign(name, Some(value), UnixMillis(0))?,
            }
        }
        Ok(cookie)
    }

    /// The two documents nearly every session has, recognised without a JSON parser.
    /// [`encode`](Self::encode) writes them exactly as they were read.
    pub(crate) fn decode_usual(text: &str) -> Option<Self> {
        let lifetime =
            text.strip_prefix("{\"originalMaxAge\":")?.strip_suffix(",\"httpOnly\":true,\"path\":\"/\"}")?;
        if lifetime == "null,\"expires\":null" {
            return Some(Self::default());
        }
        let (max_age, expires) = lifetime.split_once(",\"expires\":\"")?;
        let digits =
            !max_age.is_empty() && max_age.len() <= 15 && max_age.bytes().all(|byte| byte.is_ascii_digit());
        let max_age = digits.then(|| max_age.parse().ok())??;
        let expires = js_date::parse_iso_string(expires.strip_suffix('"')?)?;
        Some(Self::usual(Attribute::Number(max_age), Expires::Date(Some(expires))))
    }

    /// `JSON.stringify(cookie)`: the nine attributes in Node's order, then the fields Node does not know.
    pub fn encode(&self) -> String {
        let mut out = String::with_capacity(96);
        out.push('{');
        let mut field = |name: &str, write: &dyn Fn(&mut String)| {
            if out.len() > 1 {
                out.push(',');
            }
            js_json::write_string(name, &mut out);
            out.push(':');
            write(&mut out);
        };
        let mut attribute = |name: &str, value: &Attribute| {
            if *value != Attribute::Missing {
                field(name, &|out| value.write(out));
            }
        };
        attribute("originalMaxAge", &self.original_max_age);
        attribute("partitioned", &self.attributes.partitioned);
        attribute("priority", &self.attributes.priority);
        match &self.expires {
            Expires::Date(at) => {
                let text = at.and_then(js_date::to_iso_string);
                attribute("expires", &text.map_or(Attribute::Null, |text| Attribute::Text(text.into())));
            }
            Expires::Plain(value) => attribute("expires", value),
        }
        attribute("secure", &self.attributes.secure);
        attribute("httpOnly", &self.attributes.http_only);
        attribute("domain", &self.attributes.domain);
        attribute("path", &self.attributes.path);
        attribute("sameSite", &self.attributes.same_site);
        for (name, text) in &self.attributes.unknown {
            field(name, &|out| out.push_str(text));
        }
        out.push('}');
        out
    }

    /// `cookie.expires != null` in JavaScript: whether a modified session sends its cookie again.
    pub(crate) fn has_expiry(&self) -> bool {
        match &self.expires {
            Expires::Date(_) => true,
            Expires::Plain(value) => !value.is_nullish(),
        }
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
        let same_attributes =
            Arc::ptr_eq(&self.attributes, &loaded.attributes) || self.attributes == loaded.attributes;
        !(same_expiry && same_lifetime && same_attributes)
    }
}

/// The milliseconds from one JavaScript date to another, which are below 2^54.
#[allow(clippy::cast_precision_loss, reason = "precise for all dates but those 142 000 years apart")]
fn ms_between(from: UnixMillis, to: UnixMillis) -> f64 {
    to.0.saturating_sub(from.0) as f64
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookie(")?;
        f.write_str(&self.encode())?;
        f.write_str(")")
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
    fn malformed_cookies_are_told_apart() {
        assert_eq!(Cookie::decode("\"text\""), Err(CookieError::NotAnObject));
        assert_eq!(Cookie::decode("null"), Err(CookieError::NotAnObject));
        assert_eq!(Cookie::decode(r#"{"originalMaxAge":"60000"}"#), Err(CookieError::OriginalMaxAge));
        assert!(Cookie::decode("false").is_ok() && Cookie::decode("[]").is_ok());
    }
}
