//! How often somebody may try to log in: for each user, and for each address.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// A user may be tried this often at once, then once per [`USER_PERIOD`]: 120 passwords an hour at most.
const USER_BURST: NonZeroU32 = NonZeroU32::new(20).expect("not 0");
const USER_PERIOD: Duration = Duration::from_secs(30);

/// An address may try this often at once, then once per [`ADDRESS_PERIOD`]; many people may share one.
const ADDRESS_BURST: NonZeroU32 = NonZeroU32::new(60).expect("not 0");
const ADDRESS_PERIOD: Duration = Duration::from_secs(6);

type Limiter = RateLimiter<u16, HashMapStateStore<u16>, DefaultClock>;

/// Counts attempts to log in; successful ones too, because each costs a comparison of hashes.
///
/// Users and addresses are counted in 65 536 places each, chosen by a hash that nobody outside can predict: memory is
/// bounded, however many names somebody makes up. Two who share a place share its attempts.
///
/// # Security
///
/// Somebody who keeps trying a user's name keeps that user from logging in, too. Sessions that are there already go on.
#[derive(Clone)]
pub struct Attempts(Arc<Inner>);

struct Inner {
    users: Limiter,
    addresses: Limiter,
    places: RandomState,
    trusts_proxy: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

/// There were too many attempts; the next one is worth a try after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyAttempts {
    /// Rounded up to whole seconds, and at least one.
    pub retry_after: Duration,
}

impl TooManyAttempts {
    /// For a response 429.
    pub fn header(self) -> (HeaderName, HeaderValue) {
        (RETRY_AFTER, HeaderValue::from(self.retry_after.as_secs()))
    }
}

impl Attempts {
    /// `trusts_proxy` says of whom `X-Forwarded-For` is believed: its last element is then who has asked.
    pub(crate) fn new(trusts_proxy: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        let limiter = |period, burst| {
            // Neither period is zero.
            let quota = Quota::with_period(period).unwrap_or(Quota::per_minute(burst));
            Limiter::hashmap(quota.allow_burst(burst))
        };
        Self(Arc::new(Inner {
            users: limiter(USER_PERIOD, USER_BURST),
            addresses: limiter(ADDRESS_PERIOD, ADDRESS_BURST),
            places: RandomState::new(),
            trusts_proxy: Box::new(trusts_proxy),
        }))
    }

    /// Counts an attempt to log in as `user`, before the password is looked at.
    ///
    /// # Errors
    ///
    /// [`TooManyAttempts`] if the request is to be refused.
    pub fn count(&self, request: &HttpRequest, user: &str) -> Result<(), TooManyAttempts> {
        self.count_address(request)?;
        self.check(&self.0.users, user)
    }

    /// Counts an attempt that is about no user yet, such as a signup.
    ///
    /// # Errors
    ///
    /// As [`count`](Self::count).
    pub fn count_address(&self, request: &HttpRequest) -> Result<(), TooManyAttempts> {
        match self.address(request) {
            Some(address) => self.check(&self.0.addresses, network(address)),
            None => Ok(()),
        }
    }

    fn check(&self, limiter: &Limiter, key: impl Hash) -> Result<(), TooManyAttempts> {
        let [high, low, ..] = self.0.places.hash_one(key).to_be_bytes();
        limiter.check_key(&u16::from_be_bytes([high, low])).map_err(|refused| {
            let wait = refused.wait_time_from(limiter.clock().now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            TooManyAttempts { retry_after: Duration::from_secs(seconds.max(1)) }
        })
    }

    fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        if !(self.0.trusts_proxy)(peer) {
            return Some(peer);
        }
        let forwarded = request.headers().get_all("x-forwarded-for").last().and_then(|it| it.to_str().ok());
        let client =
            forwarded.and_then(|addresses| addresses.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
        Some(client.map_or(peer, |client| client.to_canonical()))
    }
}

/// Who has IPv6 has at least a /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

impl std::fmt::Debug for Attempts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attempts(..)")
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request(peer: &str) -> HttpRequest {
        TestRequest::default().peer_addr(peer.parse().unwrap()).to_http_request()
    }

    #[test]
    fn a_user_is_limited_from_whatever_address_and_others_are_not() {
        let attempts = Attempts::new(|_| false);
        for number in 0..USER_BURST.get() {
            assert_eq!(attempts.count(&request(&format!("203.0.113.{number}:1")), "kim"), Ok(()));
        }
        let refused = attempts.count(&request("203.0.113.99:1"), "kim").unwrap_err();
        assert!((1..=USER_PERIOD.as_secs()).contains(&refused.retry_after.as_secs()), "{refused:?}");
        // Of ten others, hardly all share the place.
        assert!((0..10).any(|n| attempts.count(&request("203.0.113.99:1"), &format!("lee{n}")).is_ok()));
    }

    #[test]
    fn an_address_is_limited_whatever_the_user() {
        let attempts = Attempts::new(|_| false);
        for number in 0..ADDRESS_BURST.get() {
            let peer = format!("[2001:db8::{number:x}]:1");
            attempts.count_address(&request(&peer)).expect("all of one /64, and few enough");
        }
        let refused = attempts.count_address(&request("[2001:db8::ffff]:2")).unwrap_err();
        assert!((1..=ADDRESS_PERIOD.as_secs()).contains(&refused.retry_after.as_secs()), "{refused:?}");
    }

    #[test]
    fn an_address_that_is_forwarded_counts_if_the_proxy_is_trusted() {
        let attempts = Attempts::new(|peer| peer == IpAddr::from([127, 0, 0, 1]));
        let from = |peer: &str, forwarded: &'static str| {
            let request = TestRequest::default().peer_addr(peer.parse().unwrap());
            attempts
                .address(&request.insert_header(("x-forwarded-for", forwarded)).to_http_request())
                .unwrap()
        };
        assert_eq!(from("127.0.0.1:1", "198.51.100.7, 203.0.113.5").to_string(), "203.0.113.5");
        assert_eq!(from("[::ffff:127.0.0.1]:1", "203.0.113.5").to_string(), "203.0.113.5");
        assert_eq!(from("127.0.0.1:1", "nonsense").to_string(), "127.0.0.1");
        assert_eq!(from("203.0.113.9:1", "198.51.100.7").to_string(), "203.0.113.9");
    }

    #[test]
    fn made_up_names_cost_a_bounded_number_of_places() {
        let attempts = Attempts::new(|_| false);
        for number in 0..200_000 {
            let _ = attempts.check(&attempts.0.users, format!("user{number}"));
        }
        assert!(attempts.0.users.len() <= 65_536);
    }
}
