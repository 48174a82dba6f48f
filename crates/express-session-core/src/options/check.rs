//! What is refused before any request meets it.

use super::{CookieSource, MIN_SECRET_LEN, OptionsBuilder, OptionsError};
use crate::clock::UnixMillis;
use crate::cookie::CookieOptions;
use crate::cookie::rejection;
use crate::cookie::set_cookie::{self, SetCookieError};
use crate::store::TouchAfter;

/// Lifetimes are tried from here: one that does not end within the year 9999 is longer than anybody means. Not from now,
/// so that what is refused does not depend on the day.
const IN_2100: UnixMillis = UnixMillis(4_102_444_800_000);
const IN_1970: UnixMillis = UnixMillis(0);

impl OptionsBuilder {
    pub(super) fn check(&self) -> Result<(), OptionsError> {
        self.check_secrets()?;
        self.check_cookie().map_err(OptionsError::Cookie)?;
        let options = &self.options;
        if let TouchAfter::Share(share) = options.touch_after
            && !(0.0..=1.0).contains(&share)
        {
            return Err(OptionsError::TouchAfterShare);
        }
        if options.absolute_timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(OptionsError::AbsoluteTimeout);
        }
        if options.owner_key.as_ref().is_some_and(|key| !key.is_usable()) {
            return Err(OptionsError::OwnerKey);
        }
        if options.store_timeout.is_zero() {
            return Err(OptionsError::StoreTimeout);
        }
        Ok(())
    }

    fn check_secrets(&self) -> Result<(), OptionsError> {
        if let Some(error) = self.no_secret {
            return Err(OptionsError::NoSecret(error));
        }
        let secrets = &self.options.secrets;
        let (index, len) = secrets.shortest();
        let position = index + 1;
        if len == 0 {
            return Err(OptionsError::EmptySecret { position });
        }
        if self.allow_weak_secret {
            return Ok(());
        }
        if len < MIN_SECRET_LEN {
            return Err(OptionsError::WeakSecret { position, len });
        }
        match secrets.first_guessable() {
            Some(index) => Err(OptionsError::GuessableSecret { position: index + 1 }),
            None => Ok(()),
        }
    }

    fn check_cookie(&self) -> Result<(), SetCookieError> {
        let name = &self.options.name;
        if !set_cookie::is_token(name) {
            return Err(SetCookieError::Name);
        }
        let CookieSource::Fixed { over_http, over_https } = &self.options.cookie else { return Ok(()) };
        for cookie in [over_http, over_https] {
            // A fixed `expires` may be long past by 2100, and a lifetime below zero may lead nowhere in 1970.
            write(name, cookie, IN_1970).or_else(|_| write(name, cookie, IN_2100))?;
            if !self.options.allow_rejected_cookie {
                rejection::check(name, &cookie.create(IN_2100))?;
            }
        }
        Ok(())
    }
}

fn write(name: &str, options: &CookieOptions, now: UnixMillis) -> Result<(), SetCookieError> {
    let mut sample = options.create(now);
    sample.touch(now);
    set_cookie::set_cookie(name, |_| {}, &sample).map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::Options;
    use crate::cookie::rejection::{CookieRejection, Need};
    use crate::cookie::{SameSite, SameSiteOption, Secure};

    const STRONG: &str = "Xq3vN8sT1kLw9RzB5yHc7JdF2gMp4UeA";

    fn refused(builder: OptionsBuilder) -> OptionsError {
        builder.build().unwrap_err()
    }

    /// The same for both beginnings.
    fn rejected(name: &str, cookie: &CookieOptions) -> Option<CookieRejection> {
        let [new, express] =
            [Options::new([STRONG]), Options::express([STRONG])].map(|builder| {
                match builder.name(name).cookie(cookie.clone()).build() {
                    Ok(_) => None,
                    Err(OptionsError::Cookie(SetCookieError::Rejected(rejection))) => Some(rejection),
                    Err(other) => panic!("{other}"),
                }
            });
        assert_eq!(new, express);
        new
    }

    #[test]
    fn secrets_are_required_and_must_be_long() {
        assert!(matches!(refused(Options::new([] as [&str; 0])), OptionsError::NoSecret(_)));
        let error = refused(Options::new([STRONG, "short"]));
        assert_eq!(error, OptionsError::WeakSecret { position: 2, len: 5 });
        assert!(Options::new(["short"]).allow_weak_secret(true).build().is_ok());
        let error = refused(Options::new([""]).allow_weak_secret(true));
        assert_eq!(error, OptionsError::EmptySecret { position: 1 });
    }

    #[test]
    fn a_secret_that_can_be_guessed_needs_leave() {
        let weak = "a".repeat(32);
        let error = refused(Options::new([STRONG, &weak]));
        assert_eq!(error, OptionsError::GuessableSecret { position: 2 });
        assert!(error.to_string().contains("allow_weak_secret") && !error.to_string().contains(&weak));
        assert!(Options::new([STRONG, &weak]).allow_weak_secret(true).build().is_ok());
    }

    #[test]
    fn what_no_header_can_hold_is_refused() {
        let base = || Options::new([STRONG]).allow_rejected_cookie(true);
        assert_eq!(refused(base().name("a b")), OptionsError::Cookie(SetCookieError::Name));
        assert_eq!(
            refused(base().cookie(CookieOptions::new().path("/a;b"))),
            OptionsError::Cookie(SetCookieError::Path)
        );
        assert_eq!(refused(base().touch_after(TouchAfter::Share(1.5))), OptionsError::TouchAfterShare);
        assert_eq!(refused(base().absolute_timeout(Duration::ZERO)), OptionsError::AbsoluteTimeout);
        assert_eq!(refused(base().store_timeout(Duration::ZERO)), OptionsError::StoreTimeout);
        assert_eq!(base().name("").build().unwrap().name(), "connect.sid");
    }

    #[test]
    fn a_name_with_a_prefix_keeps_its_promise_over_every_connection() {
        let new = CookieOptions::new;
        let prefix = |prefix, need| Some(CookieRejection::Prefix { prefix, need });
        for (name, known) in
            [("__Host-sid", "__Host-"), ("__HOST-sid", "__Host-"), ("__secure-s", "__Secure-")]
        {
            assert_eq!(rejected(name, &new()), prefix(known, Need::Secure));
            assert_eq!(rejected(name, &new().secure(Secure::Auto)), prefix(known, Need::Secure));
            assert_eq!(rejected(name, &new().secure(true)), None);
        }
        let secure = || new().secure(true);
        assert_eq!(rejected("__Host-s", &secure().path("/app")), prefix("__Host-", Need::RootPath));
        assert_eq!(rejected("__Host-s", &secure().path("")), prefix("__Host-", Need::RootPath));
        assert_eq!(rejected("__Host-s", &secure().domain("a.example")), prefix("__Host-", Need::NoDomain));
        assert_eq!(rejected("__Secure-s", &secure().path("/app").domain("a.example")), None);
        let scripted = secure().http_only(false);
        assert_eq!(rejected("__Http-s", &scripted), prefix("__Http-", Need::HttpOnly));
        assert_eq!(rejected("__Host-Http-s", &scripted), prefix("__Host-Http-", Need::HttpOnly));
        assert_eq!(rejected("__http-s", &new()), prefix("__Http-", Need::Secure));
        assert_eq!(rejected("__host-http-s", &secure().path("/a")), prefix("__Host-Http-", Need::RootPath));
        assert_eq!(rejected("__Host", &new()), None, "no prefix without its hyphen");
    }

    #[test]
    fn other_sites_get_secure_cookies_only() {
        let none = || CookieOptions::new().same_site(SameSite::None);
        assert_eq!(rejected("s", &none().secure(false)), Some(CookieRejection::SameSiteNone));
        assert_eq!(rejected("s", &none().secure(Secure::Auto)), Some(CookieRejection::SameSiteNone));
        assert_eq!(rejected("s", &none().secure(true)), None);
        let auto = || CookieOptions::new().same_site(SameSiteOption::Auto);
        assert_eq!(rejected("s", &auto().secure(false)), Some(CookieRejection::SameSiteNone));
        assert_eq!(rejected("s", &auto().secure(Secure::Auto)), None);
        let partitioned = || CookieOptions::new().partitioned(true);
        assert_eq!(rejected("s", &partitioned().secure(false)), Some(CookieRejection::Partitioned));
        assert_eq!(rejected("s", &partitioned().secure(true)), None);
    }

    #[test]
    fn a_domain_has_two_labels_at_least_and_is_no_address() {
        let domain = |domain| rejected("s", &CookieOptions::new().domain(domain));
        for address in ["127.0.0.1", "10.1", ".1.2.3.4", "example.0x7f"] {
            assert_eq!(domain(address), Some(CookieRejection::DomainIsAddress), "{address}");
        }
        for label in ["com", ".com", "localhost"] {
            assert_eq!(domain(label), Some(CookieRejection::DomainIsOneLabel), "{label}");
        }
        assert_eq!(domain("example.com"), None);
        assert_eq!(domain(".shop.example"), None);
    }

    #[test]
    fn paths_begin_with_a_slash_and_lives_end_before_the_year_10000() {
        assert_eq!(rejected("s", &CookieOptions::new().path("app")), Some(CookieRejection::Path));
        assert_eq!(rejected("s", &CookieOptions::new().path("")), None, "left out");
        let years = |years: u64| Duration::from_hours(24 * 365 * years);
        let age = |age| rejected("s", &CookieOptions::new().max_age(age));
        assert_eq!(age(years(100)), None);
        assert_eq!(age(years(8000)), Some(CookieRejection::Lifetime));
        let at = SystemTime::UNIX_EPOCH + years(8100);
        assert_eq!(rejected("s", &CookieOptions::new().expires(at)), Some(CookieRejection::Lifetime));
    }

    #[test]
    fn who_needs_a_rejected_cookie_says_so() {
        let builder = || Options::express([STRONG]).cookie(CookieOptions::new().partitioned(true));
        assert!(builder().build().is_err());
        assert!(builder().allow_rejected_cookie(true).build().is_ok());
    }
}
