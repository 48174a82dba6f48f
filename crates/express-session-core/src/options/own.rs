//! The options that express-session does not have.

use std::time::Duration;

use super::{ClearSiteData, OptionsBuilder, StoreOutage};
use crate::request::TrustProxy;
use crate::store::TouchAfter;

impl OptionsBuilder {
    /// Whose `X-Forwarded-Proto` counts while [`proxy`](Self::proxy) is unset; Express's "trust proxy".
    ///
    /// # Default
    ///
    /// [`TrustProxy::Never`].
    pub fn trust_proxy(mut self, trust: TrustProxy) -> Self {
        self.options.trust_proxy = trust;
        self
    }

    /// Which touches may be skipped, to save writes.
    ///
    /// # Default
    ///
    /// A tenth of a session's life with [`Options::new`](crate::Options::new): one that was just read has at least nine tenths left. None
    /// with [`Options::express`](crate::Options::express).
    pub fn touch_after(mut self, touch_after: TouchAfter) -> Self {
        self.options.touch_after = touch_after;
        self
    }

    /// Ends every session for good this long after its creation, however active it is.
    ///
    /// The creation time is kept in the record as `__createdAt`, in milliseconds. A session that has none
    /// (created by Node, or before the option was set) starts to count when it is first seen.
    ///
    /// # Default
    ///
    /// None, as in express-session.
    pub fn absolute_timeout(mut self, timeout: Duration) -> Self {
        self.options.absolute_timeout = Some(timeout);
        self
    }

    /// Whether a cookie signed with a retired secret is answered with one signed with the first.
    ///
    /// # Default
    ///
    /// False, as in express-session: such cookies verify, and are replaced only when one is sent anyway.
    pub fn reissue(mut self, reissue: bool) -> Self {
        self.options.reissue = reissue;
        self
    }

    /// What a request gets when the store is out of order.
    ///
    /// # Default
    ///
    /// [`StoreOutage::Error`].
    pub fn store_outage(mut self, policy: StoreOutage) -> Self {
        self.options.store_outage = policy;
        self
    }

    /// How long one call to the store may take before it counts as an outage.
    ///
    /// # Default
    ///
    /// Five seconds: longer than any healthy store needs, shorter than browsers and proxies wait.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.options.store_timeout = timeout;
        self
    }

    /// Whether the store is called only for requests that ask for their session.
    ///
    /// A request that does not is neither read, touched nor, with `rolling`, sent its cookie: a session lives from the
    /// last request that looked at it. For sites on which few pages do.
    ///
    /// # Default
    ///
    /// False: every request reads its session and extends it, as in express-session.
    pub fn lazy(mut self, lazy: bool) -> Self {
        self.options.lazy = lazy;
        self
    }

    /// Whether responses tell caches what depends on the session.
    ///
    /// A response that sets the cookie gets `Cache-Control: no-cache="Set-Cookie"`, unless the handler has set a
    /// `Cache-Control`: a cache may keep the page, but not hand out the cookie with it (many caches then do not reuse the
    /// page at all, which is as safe). One for which the session was asked for, or which sets the cookie, gets
    /// `Vary: Cookie`. Without these a cache may reuse what has no `Cache-Control` by a guess: `Set-Cookie` alone does
    /// not keep it from that. A page that shows a visitor's own data still says `no-store` or `private` itself.
    ///
    /// # Default
    ///
    /// True with [`Options::new`](crate::Options::new), false with [`Options::express`](crate::Options::express).
    ///
    /// DIFFERENCE: express-session sends neither; Django sends `Vary: Cookie` for an accessed session.
    ///
    /// Source: RFC 9111, sections 4.1, 4.2.2, 5.2.2.4 and 7.3; RFC 6265, section 3.
    pub fn cache_headers(mut self, cache_headers: bool) -> Self {
        self.options.cache_headers = cache_headers;
        self
    }

    /// What the browser is told to forget when a session is [purged](crate::Session::purge), by `Clear-Site-Data`.
    ///
    /// Browsers listen over HTTPS and on `localhost` only. `Cookies` clears all of the registered domain, also those of
    /// other apps on its hosts.
    ///
    /// # Default
    ///
    /// Nothing: only the session's cookie is removed.
    pub fn clear_site_data(mut self, kinds: impl IntoIterator<Item = ClearSiteData>) -> Self {
        self.options.clear_site_data = ClearSiteData::header(kinds);
        self
    }

    /// Accepts secrets that are shorter than [`MIN_SECRET_LEN`](super::MIN_SECRET_LEN) or easily guessed; empty ones never.
    ///
    /// # Default
    ///
    /// False.
    ///
    /// # Security
    ///
    /// Whoever guesses the secret can sign any id. For demos whose secret is printed in an article.
    pub fn allow_weak_secret(mut self, allow: bool) -> Self {
        self.allow_weak_secret = allow;
        self
    }

    /// Accepts cookie options with which browsers reject or change the cookie, see
    /// [`CookieRejection`](crate::CookieRejection).
    ///
    /// # Default
    ///
    /// False: a session whose cookie does not come back is a new session with every request.
    ///
    /// # Security
    ///
    /// For clients that are no browsers, and for a server that must send what a Node server sends.
    pub fn allow_rejected_cookie(mut self, allow: bool) -> Self {
        self.options.allow_rejected_cookie = allow;
        self
    }
}
