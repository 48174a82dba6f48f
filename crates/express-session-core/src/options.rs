//! Every option of the middleware, its default and why.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::UnixMillis;
use crate::cookie::CookieOptions;
use crate::cookie::set_cookie::{self, SetCookieError};
use crate::cookie::signature::{NoSecretError, Secrets};
use crate::request::{RequestHead, TrustProxy};
use crate::session_id::SessionId;
use crate::store::TouchAfter;

/// The shortest secret accepted without [`allow_weak_secret`](OptionsBuilder::allow_weak_secret), in bytes:
/// the length of the key that HMAC-SHA256 is made for.
pub const MIN_SECRET_LEN: usize = 32;

/// The cookie name when none is given.
pub const DEFAULT_NAME: &str = "connect.sid";

/// How long one call to the store may take when nothing else is said.
pub const DEFAULT_STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a request gets when the store is out of order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreOutage {
    /// 500, as express-session answers when `get` fails. The default.
    #[default]
    Error,
    /// 503, which tells load balancers and clients that another try may work.
    ServiceUnavailable,
    /// The request goes on with a session that is forgotten at its end; no cookie is sent. What express does
    /// while its store has emitted `disconnect`, except that handlers need no check for a missing session.
    WithoutSession,
}

/// Chooses the cookie options for a request.
pub(crate) type CookieFn = dyn Fn(&dyn RequestHead) -> CookieOptions + Send + Sync;

/// Makes the session ids of one request.
pub(crate) type GenerateId = dyn Fn() -> SessionId + Send + Sync;

/// Looks at a request, and says how its session ids are made.
pub(crate) type Genid = dyn Fn(&dyn RequestHead) -> Arc<GenerateId> + Send + Sync;

/// What to do when a handler takes the session away from the request (`req.session = null` in Node).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "express-session knows these two")]
pub enum Unset {
    /// Leave the stored session as it is. The default, as in express-session.
    #[default]
    Keep,
    /// Destroy the stored session.
    Destroy,
}

#[derive(Clone)]
pub(crate) enum CookieSource {
    Fixed(Arc<CookieOptions>),
    PerRequest(Arc<CookieFn>),
}

/// The options of the session middleware, checked. Built by [`Options::builder`].
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "express-session's options are booleans")]
pub struct Options {
    pub(crate) name: String,
    pub(crate) secrets: Secrets,
    pub(crate) cookie: CookieSource,
    pub(crate) genid: Option<Arc<Genid>>,
    pub(crate) resave: bool,
    pub(crate) save_uninitialized: bool,
    pub(crate) rolling: bool,
    pub(crate) unset: Unset,
    pub(crate) proxy: Option<bool>,
    pub(crate) trust_proxy: TrustProxy,
    pub(crate) touch_after: TouchAfter,
    pub(crate) absolute_timeout: Option<Duration>,
    pub(crate) reissue: bool,
    pub(crate) store_outage: StoreOutage,
    pub(crate) store_timeout: Duration,
    pub(crate) lazy: bool,
}

/// Why options are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// There is no secret.
    #[error("no session secret is set: give at least one, {MIN_SECRET_LEN} random bytes or more")]
    NoSecret(#[source] NoSecretError),
    /// A secret is empty; that is never allowed.
    #[error("session secret number {position} is empty")]
    EmptySecret {
        /// Its place in the list, from 1.
        position: usize,
    },
    /// A secret is too short to resist guessing.
    #[error(
        "session secret number {position} has {len} bytes, at least {MIN_SECRET_LEN} are needed \
         (a demo may set allow_weak_secret)"
    )]
    WeakSecret {
        /// Its place in the list, from 1.
        position: usize,
        /// Its length in bytes.
        len: usize,
    },
    /// The cookie name or attributes cannot be sent.
    #[error("the cookie options cannot be sent to a browser")]
    Cookie(#[source] SetCookieError),
    /// The share of [`TouchAfter::Share`] is not between 0 and 1.
    #[error("touch_after is not a share between 0 and 1")]
    TouchAfterShare,
    /// The absolute timeout is zero, so no session could live.
    #[error("absolute_timeout is zero, no session could live")]
    AbsoluteTimeout,
    /// The store timeout is zero, so no call could finish.
    #[error("store_timeout is zero, no call to the store could finish")]
    StoreTimeout,
}

impl Options {
    /// Starts from the defaults with the given secrets: the first signs, all verify.
    pub fn builder<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> OptionsBuilder {
        let (secrets, no_secret) = match Secrets::new(secrets) {
            Ok(secrets) => (secrets, None),
            Err(error) => (Secrets::none(), Some(error)),
        };
        let options = Self {
            name: DEFAULT_NAME.to_owned(),
            secrets,
            cookie: CookieSource::Fixed(Arc::new(CookieOptions::new())),
            genid: None,
            resave: true,
            save_uninitialized: true,
            rolling: false,
            unset: Unset::Keep,
            proxy: None,
            trust_proxy: TrustProxy::Never,
            touch_after: TouchAfter::Always,
            absolute_timeout: None,
            reissue: false,
            store_outage: StoreOutage::Error,
            store_timeout: DEFAULT_STORE_TIMEOUT,
            lazy: false,
        };
        OptionsBuilder { options, no_secret, allow_weak_secret: false }
    }

    /// The name of the cookie.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether sessions are loaded only when somebody asks for them.
    pub const fn lazy(&self) -> bool {
        self.lazy
    }

    /// How long one call to the store may take.
    pub const fn store_timeout(&self) -> Duration {
        self.store_timeout
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .field("secrets", &self.secrets)
            .field("resave", &self.resave)
            .field("save_uninitialized", &self.save_uninitialized)
            .field("rolling", &self.rolling)
            .field("unset", &self.unset)
            .finish_non_exhaustive()
    }
}

/// Collects options; [`build`](Self::build) checks them.
#[derive(Clone)]
#[must_use = "builder does nothing itself, use `build` to get the options"]
pub struct OptionsBuilder {
    options: Options,
    no_secret: Option<NoSecretError>,
    allow_weak_secret: bool,
}

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

    /// What the cookie of a new session looks like.
    ///
    /// # Default
    ///
    /// [`CookieOptions::new`].
    pub fn cookie(mut self, cookie: CookieOptions) -> Self {
        self.options.cookie = CookieSource::Fixed(Arc::new(cookie));
        self
    }

    /// Chooses the cookie options anew for every request, for the path check and for a new session.
    ///
    /// As in express-session, `Auto` values are not settled here: the function knows the request.
    pub fn cookie_with(
        mut self,
        choose: impl Fn(&dyn RequestHead) -> CookieOptions + Send + Sync + 'static,
    ) -> Self {
        self.options.cookie = CookieSource::PerRequest(Arc::new(choose));
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
    /// let options = Options::builder(["a secret of 32 bytes, or even more"]).genid_with(|request| {
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
    /// True, as in express-session, whose README recommends false for stores that can touch. All ours can.
    /// Unlike there, writing an unmodified session never overwrites what another request has changed.
    pub fn resave(mut self, resave: bool) -> Self {
        self.options.resave = resave;
        self
    }

    /// Whether a new session that nothing was put into is stored and gets a cookie.
    ///
    /// # Default
    ///
    /// True, as in express-session, whose README recommends false: fewer sessions, and no cookie before
    /// there is something to remember.
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
    /// [`TouchAfter::Always`]: none, as in express-session.
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

    /// Accepts secrets shorter than [`MIN_SECRET_LEN`]; empty ones never.
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

    /// Checks the options.
    ///
    /// # Errors
    ///
    /// [`OptionsError`] names the first one that cannot work, before any request meets it.
    pub fn build(self) -> Result<Options, OptionsError> {
        let Self { options, no_secret, allow_weak_secret } = self;
        if let Some(error) = no_secret {
            return Err(OptionsError::NoSecret(error));
        }
        let (index, len) = options.secrets.shortest();
        let position = index + 1;
        if len == 0 {
            return Err(OptionsError::EmptySecret { position });
        }
        if len < MIN_SECRET_LEN && !allow_weak_secret {
            return Err(OptionsError::WeakSecret { position, len });
        }
        if !set_cookie::is_token(&options.name) {
            return Err(OptionsError::Cookie(SetCookieError::Name));
        }
        if let CookieSource::Fixed(cookie) = &options.cookie {
            // A lifetime is refused if it leads nowhere in this century; dates end in the year 275760.
            let write = |year_ms| {
                let mut sample = cookie.create(UnixMillis(year_ms), Some(true));
                sample.touch(UnixMillis(year_ms));
                set_cookie::set_cookie(&options.name, |_| {}, &sample)
            };
            let (in_1970, in_2100) = (0, 4_102_444_800_000);
            write(in_1970).or_else(|_| write(in_2100)).map_err(OptionsError::Cookie)?;
        }
        if let TouchAfter::Share(share) = options.touch_after
            && !(0.0..=1.0).contains(&share)
        {
            return Err(OptionsError::TouchAfterShare);
        }
        if options.absolute_timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(OptionsError::AbsoluteTimeout);
        }
        if options.store_timeout.is_zero() {
            return Err(OptionsError::StoreTimeout);
        }
        Ok(options)
    }
}

impl fmt::Debug for OptionsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OptionsBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRONG: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn secrets_are_required_and_must_be_long() {
        assert!(matches!(Options::builder([] as [&str; 0]).build(), Err(OptionsError::NoSecret(_))));
        assert_eq!(
            Options::builder([STRONG, "short"]).build().unwrap_err(),
            OptionsError::WeakSecret { position: 2, len: 5 }
        );
        assert!(Options::builder(["short"]).allow_weak_secret(true).build().is_ok());
        assert_eq!(
            Options::builder([""]).allow_weak_secret(true).build().unwrap_err(),
            OptionsError::EmptySecret { position: 1 }
        );
    }

    #[test]
    fn what_a_browser_could_not_read_is_refused_at_once() {
        let built = |builder: OptionsBuilder| builder.build().unwrap_err();
        let base = || Options::builder([STRONG]);
        assert_eq!(built(base().name("a b")), OptionsError::Cookie(SetCookieError::Name));
        assert_eq!(
            built(base().cookie(CookieOptions::new().path("/a;b"))),
            OptionsError::Cookie(SetCookieError::Path)
        );
        assert_eq!(built(base().touch_after(TouchAfter::Share(1.5))), OptionsError::TouchAfterShare);
        assert_eq!(built(base().absolute_timeout(Duration::ZERO)), OptionsError::AbsoluteTimeout);
        assert_eq!(built(base().store_timeout(Duration::ZERO)), OptionsError::StoreTimeout);
        assert_eq!(base().name("").build().unwrap().name(), "connect.sid");
    }

    #[test]
    fn debug_does_not_leak_the_secret() {
        let options = Options::builder([STRONG]).build().unwrap();
        assert!(!format!("{options:?}").contains(STRONG));
    }
}
