//! The text of the `Set-Cookie` header.
//!
//! Source: cookie 0.7.2 `serialize`, express-session `session/cookie.js` (`data`, `serialize`).

use crate::cookie::Cookie;
use crate::cookie::attribute::{Attribute, Expires};
use crate::cookie::rejection::CookieRejection;
use crate::js::date;
use crate::scratch::with_scratch;

/// Which part of a cookie cannot be written as a header.
///
/// The session is stored all the same, as in Node; only its cookie is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetCookieError {
    /// The name is not an RFC 7230 token.
    #[error("the cookie name is not a token: use letters, digits and !#$%&'*+-.^_`|~")]
    Name,
    /// The domain is not a host name.
    #[error("the cookie's domain is not a host name: labels of letters, digits and inner hyphens")]
    Domain,
    /// The path holds a control character, a `;`, a `<` or something outside ASCII.
    #[error("the cookie's path has a character that is not allowed in a header")]
    Path,
    /// `expires` is not a date.
    #[error("the cookie's expires is not a date")]
    Expires,
    /// `priority` is none of low, medium and high.
    #[error("the cookie's priority is not low, medium or high")]
    Priority,
    /// `sameSite` is none of strict, lax, none, true and false.
    #[error("the cookie's sameSite is not strict, lax, none, true or false")]
    SameSite,
    /// It could be written, but browsers would not take it as it is.
    #[error("browsers reject the cookie")]
    Rejected(#[from] CookieRejection),
}

/// `name=value` and the attributes, in Node's order; `write_value` writes the value, percent-encoded.
///
/// Max-Age is never sent; Expires loses its milliseconds.
///
/// # Errors
///
/// [`SetCookieError`] names the first part that is not allowed in a header.
pub(crate) fn set_cookie(
    name: &str,
    write_value: impl FnOnce(&mut String),
    cookie: &Cookie,
) -> Result<String, SetCookieError> {
    with_scratch(|out| write(name, write_value, cookie, out).map(|()| out.clone()))
}

fn write(
    name: &str,
    write_value: impl FnOnce(&mut String),
    cookie: &Cookie,
    out: &mut String,
) -> Result<(), SetCookieError> {
    if !is_token(name) {
        return Err(SetCookieError::Name);
    }
    let attributes = cookie.attributes();
    out.push_str(name);
    out.push('=');
    write_value(out);
    if attributes.domain.is_truthy() {
        let domain =
            text(&attributes.domain).filter(|domain| is_domain(domain)).ok_or(SetCookieError::Domain)?;
        out.push_str("; Domain=");
        out.push_str(domain);
    }
    if attributes.path.is_truthy() {
        let path = text(&attributes.path).filter(|path| is_path(path)).ok_or(SetCookieError::Path)?;
        out.push_str("; Path=");
        out.push_str(path);
    }
    match &cookie.expires {
        Expires::Plain(value) if !value.is_truthy() => {}
        Expires::Date(Some(at)) => {
            out.push_str("; Expires=");
            date::write_utc_string(*at, out).ok_or(SetCookieError::Expires)?;
        }
        Expires::Date(None) | Expires::Plain(_) => return Err(SetCookieError::Expires),
    }
    let flags = [
        (&attributes.http_only, "; HttpOnly"),
        (&attributes.secure, "; Secure"),
        (&attributes.partitioned, "; Partitioned"),
    ];
    for (flag, attribute) in flags {
        if flag.is_truthy() {
            out.push_str(attribute);
        }
    }
    if attributes.priority.is_truthy() {
        out.push_str(match text(&attributes.priority) {
            Some(it) if it.eq_ignore_ascii_case("low") => "; Priority=Low",
            Some(it) if it.eq_ignore_ascii_case("medium") => "; Priority=Medium",
            Some(it) if it.eq_ignore_ascii_case("high") => "; Priority=High",
            _ => return Err(SetCookieError::Priority),
        });
    }
    if attributes.same_site.is_truthy() {
        out.push_str(match (&attributes.same_site, text(&attributes.same_site)) {
            (Attribute::Bool(true), _) => "; SameSite=Strict",
            (_, Some(it)) if it.eq_ignore_ascii_case("strict") => "; SameSite=Strict",
            (_, Some(it)) if it.eq_ignore_ascii_case("lax") => "; SameSite=Lax",
            (_, Some(it)) if it.eq_ignore_ascii_case("none") => "; SameSite=None",
            _ => return Err(SetCookieError::SameSite),
        });
    }
    Ok(())
}

/// The same cookie, already expired, so that the browser forgets it.
///
/// # Errors
///
/// As [`set_cookie`].
pub(crate) fn removal(name: &str, cookie: &Cookie) -> Result<String, SetCookieError> {
    let mut gone = cookie.clone();
    gone.expires = Expires::Date(Some(crate::UnixMillis(0)));
    set_cookie(name, |_| {}, &gone)
}

fn text(attribute: &Attribute) -> Option<&str> {
    match attribute {
        Attribute::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether `name` may name a cookie: an RFC 7230 token.
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_path(path: &str) -> bool {
    path.bytes().all(|byte| matches!(byte, 0x20..=0x3a | 0x3d..=0x7e))
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.strip_prefix('.').unwrap_or(domain).split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixMillis;
    use crate::cookie::{Priority, SameSite};
    use std::time::Duration;

    #[test]
    fn attributes_come_in_nodes_order() {
        let mut cookie = Cookie::default();
        cookie.set_max_age(Some(Duration::from_mins(1)), UnixMillis(1_893_553_445_678));
        cookie.set_domain(Some(".example.com"));
        cookie.set_secure(true);
        cookie.set_partitioned(true);
        cookie.set_priority(Some(Priority::High));
        cookie.set_same_site(Some(SameSite::None));
        assert_eq!(
            set_cookie("connect.sid", |out| out.push('v'), &cookie).unwrap(),
            "connect.sid=v; Domain=.example.com; Path=/; Expires=Wed, 02 Jan 2030 03:05:05 GMT; \
             HttpOnly; Secure; Partitioned; Priority=High; SameSite=None"
        );
    }

    #[test]
    fn what_no_header_may_hold_is_named() {
        let with = |change: &dyn Fn(&mut Cookie)| {
            let mut cookie = Cookie::default();
            change(&mut cookie);
            set_cookie("n", |_| {}, &cookie).unwrap_err()
        };
        assert_eq!(set_cookie("a b", |_| {}, &Cookie::default()), Err(SetCookieError::Name));
        assert_eq!(with(&|c| c.set_path(Some("/a;b"))), SetCookieError::Path);
        assert_eq!(with(&|c| c.set_domain(Some("a_b.com"))), SetCookieError::Domain);
        assert_eq!(
            with(&|c| c.attributes_mut().same_site = Attribute::Text("auto".into())),
            SetCookieError::SameSite
        );
        assert_eq!(with(&|c| c.attributes_mut().priority = Attribute::Number(1.0)), SetCookieError::Priority);
        assert_eq!(with(&|c| c.expires = Expires::Date(None)), SetCookieError::Expires);
    }

    #[test]
    fn a_removal_is_long_expired() {
        assert_eq!(
            removal("connect.sid", &Cookie::default()).unwrap(),
            "connect.sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly"
        );
    }
}
