//! The options of express-session, spelled as there.

use std::sync::Arc;

use super::{CookieSource, DEFAULT_NAME, GenerateId, OptionsBuilder, Unset};
use crate::cookie::CookieOptions;
use crate::request::RequestHead;
use crate::session_id::SessionId;

impl OptionsBuilder {
    /// The name of the cookie; empty means the default.
    ///
    /// # Default
    ///
    /// `connect.sid`, as in express-session. Two apps on one host need two names.
    pub fn name(mut self, name: &str) -> Self {
        if name.is_empty() { DEFAULT_NAME } else { name }.clone_into(&mut self.options.name);
        self
    }

    /// What the cookie of a new session looks like. Attributes that are not mentioned keep their default.
    ///
    /// # Default
    ///
    /// Path `/`, `HttpOnly`, gone when the browser closes; with [`Options::new`](crate::Options::new) also `SameSite=Lax`, and as secure as
    /// the connection.
    pub fn cookie(mut self, cookie: CookieOptions) -> Self {
        self.options.cookie = CookieSource::fixed(cookie.clone(), self.cookie_defaults);
        self.cookie = cookie;
        self
    }

    /// Chooses the cookie options anew for every request, for the path check and for a new session.
    ///
    /// As in express-session, `Auto` values of its own are not settled: the function knows the request. What it does not
    /// mention gets the default, settled. A cookie that browsers reject cannot be refused before it is chosen: it is not
    /// sent, and the log says what to change.
    pub fn cookie_with(
        mut self,
        choose: impl Fn(&dyn RequestHead) -> CookieOptions + Send + Sync + 'static,
    ) -> Self {
        self.options.cookie = CookieSource::per_request(choose, self.cookie_defaults);
        self
    }

    /// Makes the ids of new sessions.
    ///
    /// # Default
    ///
    /// [`SessionId::generate`]: 24 random bytes.
    ///
    /// # Security
    ///
    /// An id that can be guessed is a session that can be stolen, and one that repeats is a session shared.
    pub fn genid(self, genid: impl Fn() -> SessionId + Send + Sync + 'static) -> Self {
        let genid: Arc<GenerateId> = Arc::new(genid);
        self.set_genid(move |_| Arc::clone(&genid))
    }

    /// Makes the ids of new sessions, looking at the request: express's `genid(req)`.
    ///
    /// `look` sees the request when it begins, and hands back what makes ids for it, also later in `regenerate` and
    /// `renew`.
    ///
    /// ```
    /// use express_session_core::{Options, RequestHead, SessionId};
    ///
    /// let options = Options::new(["a secret of 32 bytes, or even more"]).genid_with(|request| {
    ///     let area = if request.path().starts_with("/admin") { "admin" } else { "shop" };
    ///     move || SessionId::parse(format!("{area}-{}", SessionId::generate().as_str())).expect("not too long")
    /// });
    /// # options.build().unwrap();
    /// ```
    ///
    /// # Default
    ///
    /// As [`genid`](Self::genid).
    ///
    /// # Security
    ///
    /// As [`genid`](Self::genid).
    pub fn genid_with<G: Fn() -> SessionId + Send + Sync + 'static>(
        self,
        look: impl Fn(&dyn RequestHead) -> G + Send + Sync + 'static,
    ) -> Self {
        self.set_genid(move |request| Arc::new(look(request)))
    }

    fn set_genid(
        mut self,
        genid: impl Fn(&dyn RequestHead) -> Arc<GenerateId> + Send + Sync + 'static,
    ) -> Self {
        self.options.genid = Some(Arc::new(genid));
        self
    }

    /// Whether a session that was only read is written again.
    ///
    /// # Default
    ///
    /// False with [`Options::new`](crate::Options::new), as express-session's README recommends for stores that can touch; all ours can. True
    /// with [`Options::express`](crate::Options::express).
    ///
    /// Unlike there, writing an unmodified session never overwrites what another request has changed.
    pub fn resave(mut self, resave: bool) -> Self {
        self.options.resave = resave;
        self
    }

    /// Whether a new session that nothing was put into is stored and gets a cookie.
    ///
    /// # Default
    ///
    /// False with [`Options::new`](crate::Options::new), as express-session's README recommends: fewer sessions, and no cookie before there
    /// is something to remember. True with [`Options::express`](crate::Options::express).
    pub fn save_uninitialized(mut self, save_uninitialized: bool) -> Self {
        self.options.save_uninitialized = save_uninitialized;
        self
    }

    /// Whether every response sends the cookie, so that its expiry in the browser restarts too.
    ///
    /// # Default
    ///
    /// False, as in express-session.
    pub fn rolling(mut self, rolling: bool) -> Self {
        self.options.rolling = rolling;
        self
    }

    /// What taking the session away from a request means.
    ///
    /// # Default
    ///
    /// [`Unset::Keep`], as in express-session.
    pub fn unset(mut self, unset: Unset) -> Self {
        self.options.unset = unset;
        self
    }

    /// Whether `X-Forwarded-Proto` says if the client uses HTTPS: true, always; false, never.
    ///
    /// # Default
    ///
    /// Unset: decided by [`trust_proxy`](Self::trust_proxy), as express-session leaves it to Express.
    ///
    /// # Security
    ///
    /// True believes any client. Only for servers that nothing but the proxy can reach.
    pub fn proxy(mut self, proxy: bool) -> Self {
        self.options.proxy = Some(proxy);
        self
    }
}
