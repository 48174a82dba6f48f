//! Where the cookie options of a request come from.

use std::sync::Arc;

use super::beginning::CookieDefaults;
use crate::cookie::CookieOptions;
use crate::request::RequestHead;

/// Chooses the cookie options for a request.
pub(crate) type CookieFn = dyn Fn(&dyn RequestHead) -> CookieOptions + Send + Sync;

#[derive(Clone)]
pub(crate) enum CookieSource {
    /// The same for all requests, but for what follows the connection.
    Fixed { over_http: Arc<CookieOptions>, over_https: Arc<CookieOptions> },
    /// Chosen anew for each.
    PerRequest { choose: Arc<CookieFn>, defaults: CookieDefaults },
}

impl CookieSource {
    pub(super) fn fixed(cookie: CookieOptions, defaults: CookieDefaults) -> Self {
        let CookieDefaults { secure, same_site } = defaults;
        let cookie = cookie.or(secure, same_site);
        let [over_http, over_https] = [false, true].map(|secure| Arc::new(cookie.clone().settled(secure)));
        Self::Fixed { over_http, over_https }
    }

    pub(super) fn per_request(
        choose: impl Fn(&dyn RequestHead) -> CookieOptions + Send + Sync + 'static,
        defaults: CookieDefaults,
    ) -> Self {
        Self::PerRequest { choose: Arc::new(choose), defaults }
    }

    /// The cookie options of a request; `is_secure` says whether it came by HTTPS.
    pub(crate) fn of(&self, request: &dyn RequestHead, is_secure: bool) -> Arc<CookieOptions> {
        match self {
            Self::Fixed { over_https, .. } if is_secure => Arc::clone(over_https),
            Self::Fixed { over_http, .. } => Arc::clone(over_http),
            Self::PerRequest { choose, defaults: CookieDefaults { secure, same_site } } => {
                // A default follows the connection; what the function has chosen stays, as in express-session.
                let secure = secure.map(|secure| secure.settled(is_secure));
                Arc::new(choose(request).or(secure, same_site.settled(is_secure)))
            }
        }
    }

    pub(crate) const fn is_chosen_per_request(&self) -> bool {
        matches!(self, Self::PerRequest { .. })
    }
}
