//! The option `cookie`: what the cookie of a new session looks like.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::clock::UnixMillis;
use crate::cookie::attribute::Attribute;
use crate::cookie::{Cookie, CookieError, Priority, SameSite};
use crate::js::date;

/// The attributes a new session's cookie gets.
///
/// They are stored with the session and stay with it: changing these options does not change sessions that
/// are already there. Source: express-session README, `cookie`.
#[derive(Clone, Debug)]
pub struct CookieOptions {
    template: Cookie,
    lifetime: Lifetime,
    /// What was mentioned, be it as "no attribute": defaults do not replace it.
    mentions_secure: bool,
    mentions_same_site: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Lifetime {
    /// As the template says.
    Template,
    MaxAgeMs(f64),
    Expires(UnixMillis),
}

/// The option `cookie.secure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "express-session knows these three")]
pub enum Secure {
    /// Sent over any connection. The default with [`Options::express`](crate::Options::express).
    No,
    /// Sent over HTTPS only; over plain HTTP the visitor gets no cookie, so a new session per request.
    Yes,
    /// As secure as the connection the session was created over. The default with
    /// [`Options::new`](crate::Options::new).
    Auto,
}

impl Secure {
    /// What it comes to over a connection that is secure, or is not.
    pub(crate) fn settled(self, is_secure: bool) -> Self {
        if self == Self::Auto { is_secure.into() } else { self }
    }
}

impl From<bool> for Secure {
    fn from(secure: bool) -> Self {
        if secure { Self::Yes } else { Self::No }
    }
}

/// The option `cookie.sameSite`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "express-session knows these")]
pub enum SameSiteOption {
    /// No attribute; some browsers then treat the cookie as Lax, some as None. The default with
    /// [`Options::express`](crate::Options::express).
    Unset,
    /// This value.
    Set(SameSite),
    /// None over HTTPS, else Lax.
    Auto,
}

impl SameSiteOption {
    /// What it comes to over a connection that is secure, or is not.
    pub(crate) fn settled(self, is_secure: bool) -> Self {
        match self {
            Self::Auto if is_secure => Self::Set(SameSite::None),
            Self::Auto => Self::Set(SameSite::Lax),
            other => other,
        }
    }
}

impl From<SameSite> for SameSiteOption {
    fn from(same_site: SameSite) -> Self {
        Self::Set(same_site)
    }
}

impl Default for CookieOptions {
    /// Nothing is mentioned.
    fn default() -> Self {
        Self {
            template: Cookie::default(),
            lifetime: Lifetime::Template,
            mentions_secure: false,
            mentions_same_site: false,
        }
    }
}

impl CookieOptions {
    /// Path `/`, `HttpOnly`, gone when the browser closes. `secure` and `same_site` are as the options began: see
    /// [`Options::new`](crate::Options::new) and [`Options::express`](crate::Options::express).
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the cookie and the session live after the last request. Whole milliseconds.
    ///
    /// Overrides an earlier [`expires`](Self::expires), and the other way round.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "beyond 2^53 ms no JavaScript date exists")]
        let ms = max_age.as_millis() as f64;
        self.lifetime = Lifetime::MaxAgeMs(ms);
        self
    }

    /// The instant at which the cookie of a session created now expires; every touch keeps the distance.
    #[must_use]
    pub fn expires(mut self, expires: SystemTime) -> Self {
        self.lifetime = Lifetime::Expires(expires.into());
        self
    }

    /// The path below which there are sessions at all; requests elsewhere have none. Default `/`.
    ///
    /// A plain prefix of the undecoded path: `/admin` also matches `/administrator`, as in express-session.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.template.set_path(Some(path));
        self
    }

    /// The domain that, with its subdomains, gets the cookie. Default: only the host that set it.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        self.template.set_domain(Some(domain));
        self
    }

    /// Whether scripts in the page cannot read the cookie. Default true.
    ///
    /// # Security
    ///
    /// `false` lets any injected script steal the session.
    #[must_use]
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.template.set_http_only(http_only);
        self
    }

    /// Whether the cookie travels over HTTPS only. Default: as secure as the connection with
    /// [`Options::new`](crate::Options::new), no with [`Options::express`](crate::Options::express).
    #[must_use]
    pub fn secure(mut self, secure: impl Into<Secure>) -> Self {
        self.mentions_secure = true;
        self.template.attributes_mut().secure = match secure.into() {
            Secure::No => Attribute::Bool(false),
            Secure::Yes => Attribute::Bool(true),
            Secure::Auto => Attribute::Text("auto".into()),
        };
        self
    }

    /// Which cross-site requests carry the cookie. Default: Lax with [`Options::new`](crate::Options::new), no attribute
    /// with [`Options::express`](crate::Options::express).
    #[must_use]
    pub fn same_site(mut self, same_site: impl Into<SameSiteOption>) -> Self {
        self.mentions_same_site = true;
        match same_site.into() {
            SameSiteOption::Unset => self.template.set_same_site(None),
            SameSiteOption::Set(value) => self.template.set_same_site(Some(value)),
            SameSiteOption::Auto => self.template.attributes_mut().same_site = Attribute::Text("auto".into()),
        }
        self
    }

    /// Whether the cookie is kept apart for each top-level site (CHIPS). Default: no attribute.
    #[must_use]
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.template.set_partitioned(partitioned);
        self
    }

    /// Which cookies a full browser drops first. Default: no attribute.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.template.set_priority(Some(priority));
        self
    }

    /// Assigns an option by its JavaScript name and value, as in an option object of a Node server.
    ///
    /// `None` is `undefined`. A number for `maxAge` counts milliseconds; a date for `expires` is given as the
    /// text that JSON has for it. A name that is not an attribute is ignored.
    ///
    /// # Errors
    ///
    /// [`CookieError::OriginalMaxAge`] if a lifetime is neither a number nor empty.
    pub fn assign(mut self, name: &str, value: Option<&Value>) -> Result<Self, CookieError> {
        if let ("maxAge", Some(ms)) = (name, value.and_then(Value::as_f64)) {
            self.lifetime = Lifetime::MaxAgeMs(ms);
            return Ok(self);
        }
        if let ("expires", Some(at)) = (name, value.and_then(Value::as_str).and_then(date::parse)) {
            self.lifetime = Lifetime::Expires(at);
            return Ok(self);
        }
        if matches!(name, "maxAge" | "expires" | "originalMaxAge") {
            self.lifetime = Lifetime::Template;
        }
        self.template.assign(name, value, UnixMillis(0))?;
        self.mentions_secure |= name == "secure";
        self.mentions_same_site |= name == "sameSite";
        Ok(self)
    }

    /// With these defaults for what is not mentioned.
    pub(crate) fn or(mut self, secure: Option<Secure>, same_site: SameSiteOption) -> Self {
        if let Some(secure) = secure.filter(|_| !self.mentions_secure) {
            self = self.secure(secure);
        }
        if self.mentions_same_site { self } else { self.same_site(same_site) }
    }

    /// [`Secure::Auto`] and [`SameSiteOption::Auto`] become what they mean over a connection that is secure, or is not.
    /// Unsettled they are sent as they are, as those of a cookie function in Node.
    pub(crate) fn settled(mut self, is_secure: bool) -> Self {
        let is_auto = |attribute: &Attribute| matches!(attribute, Attribute::Text(text) if text == "auto");
        if is_auto(&self.template.attributes().secure) {
            self = self.secure(is_secure);
        }
        if is_auto(&self.template.attributes().same_site) {
            self = self.same_site(SameSiteOption::Auto.settled(is_secure));
        }
        self
    }

    /// The cookie of a session created at `now`.
    pub(crate) fn create(&self, now: UnixMillis) -> Cookie {
        let mut cookie = self.template.clone();
        match self.lifetime {
            Lifetime::Template => {}
            Lifetime::MaxAgeMs(ms) => {
                cookie.original_max_age = Attribute::Number(ms);
                cookie.touch(now);
            }
            Lifetime::Expires(at) => cookie.set_expires(at.into(), now),
        }
        cookie
    }

    /// The path that a request's path must start with; `/` for what is not text or empty.
    pub(crate) fn path_prefix(&self) -> &str {
        self.template.path().filter(|path| !path.is_empty()).unwrap_or("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_893_553_445_678);

    #[test]
    fn auto_is_settled_by_the_connection() {
        let options = CookieOptions::new().secure(Secure::Auto).same_site(SameSiteOption::Auto);
        let text = |secure| options.clone().settled(secure).create(NOW).encode();
        assert!(text(true).contains(r#""secure":true"#) && text(true).contains(r#""sameSite":"none""#));
        assert!(text(false).contains(r#""secure":false"#) && text(false).contains(r#""sameSite":"lax""#));
        assert!(options.create(NOW).encode().contains(r#""secure":"auto""#));
    }

    #[test]
    fn a_default_is_for_what_is_not_mentioned() {
        let text = |options: CookieOptions| {
            options.or(Some(Secure::Yes), SameSiteOption::Set(SameSite::Lax)).create(NOW).encode()
        };
        let filled = text(CookieOptions::new());
        assert!(filled.contains(r#""secure":true"#) && filled.contains(r#""sameSite":"lax""#), "{filled}");
        let mentioned = text(CookieOptions::new().secure(false).same_site(SameSiteOption::Unset));
        assert!(mentioned.contains(r#""secure":false"#) && !mentioned.contains("sameSite"), "{mentioned}");
        let undefined =
            CookieOptions::new().assign("sameSite", None).unwrap().assign("secure", None).unwrap();
        assert_eq!(text(undefined), Cookie::default().encode());
    }

    #[test]
    fn the_last_lifetime_wins() {
        let at = SystemTime::from(NOW.plus(Duration::from_secs(9)));
        let minute = Duration::from_mins(1);
        assert_eq!(CookieOptions::new().expires(at).max_age(minute).create(NOW).max_age(NOW), Some(minute));
        assert_eq!(
            CookieOptions::new().max_age(minute).expires(at).create(NOW).max_age(NOW),
            Some(Duration::from_secs(9))
        );
    }
}
