//! The little of a request that the session needs, and whether it came over HTTPS.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The head of a request, as a framework's adapter shows it.
pub trait RequestHead {
    /// The path of the request target, undecoded and without the query, as the client sent it (Node: the
    /// path of `originalUrl`).
    fn path(&self) -> &str;
    /// Whether the connection to us is TLS.
    fn is_tls(&self) -> bool;
    /// The address of the other end of the connection, if it is known. One of IPv4 may be shown as mapped into IPv6.
    fn peer_addr(&self) -> Option<IpAddr>;
    /// Shows `see` the values of all headers called `name` (lower-case), in order.
    fn headers(&self, name: &str, see: &mut dyn FnMut(&[u8]));
}

/// Whose `X-Forwarded-Proto` is believed when [`proxy`](crate::OptionsBuilder::proxy) is not set.
///
/// The counterpart of Express's setting "trust proxy".
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum TrustProxy {
    /// Nobody's. The default, as in Express.
    #[default]
    Never,
    /// Everybody's.
    ///
    /// # Security
    ///
    /// Any client can then claim to use HTTPS. Only for servers that nothing but the proxy can reach.
    Always,
    /// That of the addresses for which the function says yes. An IPv4 address is shown as one, also where the server
    /// listens on `[::]` and the system calls it `::ffff:127.0.0.1`.
    When(Arc<dyn Fn(IpAddr) -> bool + Send + Sync>),
}

impl TrustProxy {
    fn trusts(&self, peer: Option<IpAddr>) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::When(trusted) => peer.is_some_and(|peer| trusted(peer.to_canonical())),
        }
    }
}

impl fmt::Debug for TrustProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "Never",
            Self::Always => "Always",
            Self::When(_) => "When(..)",
        })
    }
}

/// Whether the client's connection is secure: TLS to us, or HTTPS by the word of a trusted proxy.
///
/// Only the first element of `X-Forwarded-Proto` counts.
/// Source: express-session `index.js`, `issecure`; for an unset `proxy`, express `req.secure`.
pub(crate) fn is_secure(request: &dyn RequestHead, proxy: Option<bool>, trust: &TrustProxy) -> bool {
    if request.is_tls() {
        return true;
    }
    let believes = proxy.unwrap_or_else(|| trust.trusts(request.peer_addr()));
    if !believes {
        return false;
    }
    let mut first = None;
    request.headers("x-forwarded-proto", &mut |value| {
        let element = value.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
        // express-session lower-cases the value, Express itself does not.
        let https =
            if proxy.is_some() { element.eq_ignore_ascii_case(b"https") } else { element == b"https" };
        first.get_or_insert(https);
    });
    first.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Proxied(IpAddr);

    impl RequestHead for Proxied {
        fn path(&self) -> &'static str {
            "/"
        }
        fn is_tls(&self) -> bool {
            false
        }
        fn peer_addr(&self) -> Option<IpAddr> {
            Some(self.0)
        }
        fn headers(&self, name: &str, see: &mut dyn FnMut(&[u8])) {
            if name == "x-forwarded-proto" {
                see(b"https");
            }
        }
    }

    #[test]
    fn an_ipv4_address_is_shown_as_one_however_the_system_calls_it() {
        let only = |trusted: &str| {
            let trusted: IpAddr = trusted.parse().unwrap();
            TrustProxy::When(Arc::new(move |peer| peer == trusted))
        };
        let outsiders = TrustProxy::When(Arc::new(|peer| match peer {
            IpAddr::V4(peer) => peer.is_loopback(),
            IpAddr::V6(_) => true,
        }));
        let secure = |peer: &str, trust: &TrustProxy| is_secure(&Proxied(peer.parse().unwrap()), None, trust);
        for peer in ["127.0.0.1", "::ffff:127.0.0.1"] {
            assert!(secure(peer, &only("127.0.0.1")), "{peer}");
        }
        assert!(!secure("::ffff:203.0.113.9", &outsiders), "a rule for IPv4 holds on a [::] listener too");
        assert!(secure("2001:db8::1", &only("2001:db8::1")));
    }
}
