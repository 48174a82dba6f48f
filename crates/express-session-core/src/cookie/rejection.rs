//! What browsers do not take, although it can be written as a header.
//!
//! Source: RFC 6265bis draft 22, sections 4.1.3 (prefixes), 5.6 and 5.7 (storage model); CHIPS for `Partitioned`.

use std::fmt;

use crate::clock::UnixMillis;
use crate::cookie::Cookie;
use crate::cookie::attribute::{Attribute, Expires};

/// The last millisecond of the year 9999.
const END_OF_9999: UnixMillis = UnixMillis(253_402_300_799_999);

/// Names that promise something, and what browsers then demand. Longer ones first, since one begins like another.
const PREFIXES: [(&str, &[Need]); 4] = [
    ("__Host-Http-", &[Need::Secure, Need::HttpOnly, Need::RootPath, Need::NoDomain]),
    ("__Host-", &[Need::Secure, Need::RootPath, Need::NoDomain]),
    ("__Http-", &[Need::Secure, Need::HttpOnly]),
    ("__Secure-", &[Need::Secure]),
];

/// Why browsers reject a cookie, or make something else of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieRejection {
    /// The name has a prefix whose promise the attributes do not keep. Browsers compare prefixes without regard to case.
    #[error("a cookie whose name begins with {prefix} needs {need}: set that, or choose another name")]
    Prefix {
        /// The prefix, as standards spell it.
        prefix: &'static str,
        /// What it demands and does not get.
        need: Need,
    },
    /// `SameSite=None` without `Secure`.
    #[error("SameSite=None needs a cookie that is always secure: set secure(true), or another same_site")]
    SameSiteNone,
    /// `Partitioned` without `Secure`.
    #[error("Partitioned needs a cookie that is always secure: set secure(true), or leave partitioned out")]
    Partitioned,
    /// The domain is an address, for which there are no subdomains.
    #[error(
        "the cookie's domain is an address: leave domain out, the cookie is then for the host that sets it"
    )]
    DomainIsAddress,
    /// The domain is a single label, such as `com` or `localhost`: nobody's own, or at best the host itself.
    #[error(
        "the cookie's domain is a single label, such as com or localhost: leave domain out, the cookie is then for the \
         host that sets it"
    )]
    DomainIsOneLabel,
    /// The path does not begin with a slash; browsers replace it, and no request has such a path.
    #[error("the cookie's path does not begin with /: no request would have a session")]
    Path,
    /// The expiry is beyond the year 9999, which a header cannot say.
    #[error("the cookie expires beyond the year 9999: set a shorter max_age, or an earlier expires")]
    Lifetime,
}

/// What the name of a cookie demands of its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// `Secure` over every connection: `Auto` leaves it out over plain HTTP.
    Secure,
    /// `HttpOnly`.
    HttpOnly,
    /// The path `/`.
    RootPath,
    /// No domain.
    NoDomain,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secure => "secure(true), not Auto",
            Self::HttpOnly => "http_only(true)",
            Self::RootPath => "the path \"/\"",
            Self::NoDomain => "no domain",
        })
    }
}

impl Need {
    fn is_met_by(self, cookie: &Cookie) -> bool {
        let attributes = cookie.attributes();
        match self {
            Self::Secure => attributes.secure.is_truthy(),
            Self::HttpOnly => attributes.http_only.is_truthy(),
            Self::RootPath => cookie.path() == Some("/"),
            Self::NoDomain => !attributes.domain.is_truthy(),
        }
    }
}

/// Whether browsers take this cookie as it is.
///
/// # Errors
///
/// The first reason why not.
pub(crate) fn check(name: &str, cookie: &Cookie) -> Result<(), CookieRejection> {
    if let Some((prefix, needs)) = PREFIXES.into_iter().find(|(prefix, _)| begins_with(name, prefix))
        && let Some(need) = needs.iter().find(|need| !need.is_met_by(cookie))
    {
        return Err(CookieRejection::Prefix { prefix, need: *need });
    }
    let attributes = cookie.attributes();
    if !attributes.secure.is_truthy() {
        if matches!(&attributes.same_site, Attribute::Text(text) if text.eq_ignore_ascii_case("none")) {
            return Err(CookieRejection::SameSiteNone);
        }
        if attributes.partitioned.is_truthy() {
            return Err(CookieRejection::Partitioned);
        }
    }
    if let Attribute::Text(domain) = &attributes.domain {
        check_domain(domain)?;
    }
    if cookie.path().is_some_and(|path| !path.is_empty() && !path.starts_with('/')) {
        return Err(CookieRejection::Path);
    }
    if matches!(cookie.expires, Expires::Date(Some(at)) if at > END_OF_9999) {
        return Err(CookieRejection::Lifetime);
    }
    Ok(())
}

fn begins_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// An empty domain is left out. Browsers read a host whose last label is a number as an IPv4 address; one of IPv6
/// cannot be written in a header at all.
fn check_domain(domain: &str) -> Result<(), CookieRejection> {
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    let Some(last) = domain.rsplit('.').next().filter(|last| !last.is_empty()) else { return Ok(()) };
    let is_hexadecimal = last.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"))
        && last.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit());
    if is_hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CookieRejection::DomainIsAddress);
    }
    if domain.contains('.') { Ok(()) } else { Err(CookieRejection::DomainIsOneLabel) }
}
