//! The options that express-session does not have.

use std::sync::Arc;
use std::time::Duration;

use super::{ClearSiteData, OnConflict, OptionsBuilder, OwnerLimit, StoreOutage};
use crate::owner::OwnerKey;
use crate::request::{RequestHead, TrustProxy};
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

    /// How long a session is kept that began in a request without one, until its cookie comes back for the first time.
    ///
    /// Crawlers and clients that keep no cookies leave a session behind with each request that stores something. With a
    /// first life of some minutes the store forgets those soon, and a visitor's second request gives the session its
    /// ordinary life, by the touch or save that it makes anyway.
    ///
    /// - Only what the store goes by is shortened (Redis: the TTL, MySQL: the column `expires`, files: `__lastAccess`). The
    ///   document and the browser's cookie say what they always say. A client that comes back later than this has a
    ///   cookie and no session.
    /// - A login by a client that came without a session counts as a first request too: its session is kept if the client
    ///   goes on to any page, as browsers do. One by a client that had a session has its ordinary life at once.
    /// - A life longer than the ordinary one changes nothing, and zero is none.
    /// - A second request that does not extend the session leaves its first life as it is: with
    ///   [`keep_expiry`](Self::keep_expiry), or with [`lazy`](Self::lazy) if it does not ask for the session. Stores that
    ///   are configured not to touch give the ordinary life at once.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use express_session_core::Options;
    ///
    /// let options = Options::new(["32 random bytes, from a safe place"]).first_life(Duration::from_mins(10));
    /// # options.build().unwrap();
    /// ```
    ///
    /// # Default
    ///
    /// None, as in express-session: every session has its ordinary life from the beginning.
    pub fn first_life(mut self, life: Duration) -> Self {
        self.options.first_life = Some(life).filter(|life| !life.is_zero());
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

    /// How long a verb may take before the store counts as out of order: its calls to the store, those that conflicts
    /// make it repeat, and the wait for its turn behind other writers of the same session.
    ///
    /// After five failures in a row the store is left alone, and tried again by one request per
    /// [`RETRY_AFTER`](crate::RETRY_AFTER); the others fail at once meanwhile.
    ///
    /// # Default
    ///
    /// Five seconds: longer than any healthy store needs, shorter than browsers and proxies wait.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.options.store_timeout = timeout;
        self
    }

    /// Whether a new session is stored although its cookie cannot be sent: it is `Secure`, and the request did not come by
    /// HTTPS as far as is known. One warning names what to change in either case.
    ///
    /// # Default
    ///
    /// False with [`Options::new`](crate::Options::new). True with [`Options::express`](crate::Options::express), where
    /// every such request leaves a record behind.
    pub fn save_without_cookie(mut self, save: bool) -> Self {
        self.options.save_without_cookie = save;
        self
    }

    /// What a request does at its end, or in `save`, whose changes meet those that another one has stored meanwhile.
    ///
    /// Merging keys is right for most sessions, and wrong where keys belong together: of two requests, one may store
    /// `user` and the other one remove `role`, and both get their way. With [`OnConflict::Fail`] the later of them fails
    /// (409), whichever keys they changed. `update` and `transaction` run again on what is stored then, unless
    /// the request has other unsaved changes.
    ///
    /// # Default
    ///
    /// [`OnConflict::Merge`].
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.options.on_conflict = on_conflict;
        self
    }

    /// Which requests leave the session's expiry as it is: those that a page makes by itself, such as polling, and that
    /// must not keep a visitor logged in who has gone home.
    ///
    /// They read the session, and if they change it, it is saved and extended as ever; else it is neither touched, nor is
    /// its cookie sent again by [`rolling`](Self::rolling).
    ///
    /// ```
    /// use express_session_core::Options;
    ///
    /// let options = Options::new(["32 random bytes, from a safe place"])
    ///     .keep_expiry(|request| request.path() == "/notifications");
    /// # options.build().unwrap();
    /// ```
    ///
    /// # Default
    ///
    /// None: every request extends its session, as in express-session.
    pub fn keep_expiry(mut self, keeps: impl Fn(&dyn RequestHead) -> bool + Send + Sync + 'static) -> Self {
        self.options.keep_expiry = Some(Arc::new(keeps));
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

    /// For how long an old id remembers, after `regenerate` or `renew`, which session has taken its place.
    ///
    /// Requests that were under way during a login come with the old id. Within the grace they are sent no cookie, which
    /// would replace the login's in the browser, and the session they began is not kept; one that logs out ends the
    /// login's session. The old id never yields any data. Zero turns this off.
    ///
    /// # Default
    ///
    /// One minute with [`Options::new`](crate::Options::new). Zero with [`Options::express`](crate::Options::express),
    /// where such a request undoes the login.
    pub fn successor_grace(mut self, grace: Duration) -> Self {
        self.options.successor_grace = grace;
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

    /// Where the data say whose a session is: a key, or a path of keys with dots between them. There stands a text or a
    /// number; anything else is nobody.
    ///
    /// What a Node server writes there counts too: a session that logged in on Node belongs to its owner from the first
    /// request on that a Rust server sees of it, and is nobody's again once the key is gone. Examples: `user`, `user.id`,
    /// `passport.user`. The owner is then kept in the record as `__owner`, see [`Owner`](crate::Owner).
    ///
    /// # Default
    ///
    /// None: [`Session::set_owner`](crate::Session::set_owner) says whose a session is.
    pub fn owner_key(mut self, path: impl Into<Arc<str>>) -> Self {
        self.options.owner_key = Some(OwnerKey::new(path));
        self
    }

    /// How many sessions an owner has at most, and what becomes of a login that is one too many.
    ///
    /// Exact whichever servers the logins come to. With [`OwnerLimit::Refuse`] several that come at the same moment
    /// for the last place may all be refused. It is said to the request when its session is saved: a login handler that
    /// wants to answer with a page of its own calls [`save`](crate::Session::save).
    ///
    /// ```
    /// use std::num::NonZeroU32;
    ///
    /// use express_session_core::{Options, OwnerLimit};
    ///
    /// let options = Options::new(["32 random bytes, from a safe place"])
    ///     .owner_limit(OwnerLimit::EndOldest(NonZeroU32::new(5).expect("not zero")));
    /// # options.build().unwrap();
    /// ```
    ///
    /// # Default
    ///
    /// None: no limit.
    pub fn owner_limit(mut self, limit: OwnerLimit) -> Self {
        self.options.owner_limit = Some(limit);
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
