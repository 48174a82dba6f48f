//! A browser's cookie jar: paths, expiry, replacement.

use awc::cookie::Cookie;

#[derive(Clone, Debug)]
struct Kept {
    name: String,
    value: String,
    path: String,
    /// Milliseconds since 1970.
    expires: Option<i64>,
    secure: bool,
}

/// The cookies of one client.
#[derive(Clone, Debug, Default)]
pub struct Jar {
    kept: Vec<Kept>,
    /// The first value of every name that was ever set.
    first: Vec<(String, String)>,
}

impl Jar {
    /// Takes in a `Set-Cookie` header; `now` is in milliseconds since 1970.
    pub fn store(&mut self, header: &str, now: i64) {
        let Ok(cookie) = Cookie::parse(header.to_owned()) else { return };
        let path = cookie.path().unwrap_or("/").to_owned();
        let expires = (cookie.expires())
            .and_then(awc::cookie::Expiration::datetime)
            .map(|at| at.unix_timestamp().saturating_mul(1000));
        self.kept.retain(|kept| !(kept.name == cookie.name() && kept.path == path));
        if !self.first.iter().any(|(name, _)| name == cookie.name()) {
            self.first.push((cookie.name().to_owned(), cookie.value().to_owned()));
        }
        if expires.is_some_and(|at| at <= now) {
            return;
        }
        self.kept.push(Kept {
            name: cookie.name().to_owned(),
            value: cookie.value().to_owned(),
            path,
            expires,
            secure: cookie.secure().unwrap_or(false),
        });
    }

    /// The pairs to send to `path`; secure cookies only over HTTPS. Of several with one name, the one for the longest
    /// path: a browser sends that first, and that Node looks at no other is a known difference.
    pub fn pairs(&self, path: &str, https: bool, now: i64) -> Vec<(&str, &str)> {
        let sent = |kept: &&Kept| {
            kept.expires.is_none_or(|at| at > now)
                && (https || !kept.secure)
                && path_matches(path, &kept.path)
        };
        let hides = |kept: &Kept, other: &Kept| other.name == kept.name && other.path.len() > kept.path.len();
        (self.kept.iter().filter(sent))
            .filter(|kept| !self.kept.iter().filter(sent).any(|other| hides(kept, other)))
            .map(|kept| (kept.name.as_str(), kept.value.as_str()))
            .collect()
    }

    /// The first value this cookie ever had.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.first.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of this cookie now, wherever it is sent.
    pub fn current(&self, name: &str) -> Option<&str> {
        self.kept.iter().find(|kept| kept.name == name).map(|kept| kept.value.as_str())
    }
}

/// Source: RFC 6265, section 5.1.4.
fn path_matches(request: &str, cookie: &str) -> bool {
    request.strip_prefix(cookie).is_some_and(|rest| {
        rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/') || rest.starts_with('?')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_sent_below_its_path_until_it_expires() {
        let mut jar = Jar::default();
        jar.store("a=1; Path=/app; Expires=Wed, 02 Jan 2030 03:04:05 GMT", 0);
        assert_eq!(jar.pairs("/app/x", false, 0), [("a", "1")]);
        assert_eq!(jar.pairs("/app", false, 0), [("a", "1")]);
        assert!(jar.pairs("/apple", false, 0).is_empty());
        assert!(jar.pairs("/app", false, 1_893_553_445_000).is_empty());
    }

    #[test]
    fn a_newer_value_replaces_the_older_and_an_expired_one_removes_it() {
        let mut jar = Jar::default();
        jar.store("a=1; Path=/", 0);
        jar.store("a=2; Path=/", 0);
        assert_eq!(jar.pairs("/", false, 0), [("a", "2")]);
        jar.store("a=3; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0);
        assert!(jar.pairs("/", false, 0).is_empty());
        assert_eq!(jar.first("a"), Some("1"));
    }

    #[test]
    fn of_several_cookies_the_one_for_the_longest_path_is_sent() {
        let mut jar = Jar::default();
        jar.store("a=1; Path=/", 0);
        jar.store("a=2; Path=/app", 0);
        assert_eq!(jar.pairs("/app", false, 0), [("a", "2")]);
        assert_eq!(jar.pairs("/", false, 0), [("a", "1")]);
    }

    #[test]
    fn secure_cookies_need_https() {
        let mut jar = Jar::default();
        jar.store("a=1; Path=/; Secure", 0);
        assert!(jar.pairs("/", false, 0).is_empty());
        assert_eq!(jar.pairs("/", true, 0), [("a", "1")]);
    }
}
