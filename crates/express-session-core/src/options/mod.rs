//! Every option of the middleware, and its default.

mod beginning;
mod builder;
mod check;
mod clear_site_data;
mod cookie_source;
mod error;
mod express;
mod own;
pub(crate) mod secret_strength;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::cookie::signature::Secrets;
use crate::owner::OwnerKey;
use crate::request::{RequestHead, TrustProxy};
use crate::session_id::SessionId;
use crate::store::TouchAfter;

pub use builder::OptionsBuilder;
pub use clear_site_data::ClearSiteData;
pub(crate) use cookie_source::CookieSource;
pub use error::OptionsError;

/// The shortest secret accepted without [`allow_weak_secret`](OptionsBuilder::allow_weak_secret), in bytes:
/// the length of the key that HMAC-SHA256 is made for.
pub const MIN_SECRET_LEN: usize = 32;

/// The cookie name when none is given.
pub const DEFAULT_NAME: &str = "connect.sid";

/// How long a verb may take when nothing else is said.
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

/// What a request does whose changes meet those of another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "either they are put together or they are not")]
pub enum OnConflict {
    /// Puts them together key by key: ours where we changed something, theirs everywhere else. The default.
    #[default]
    Merge,
    /// Fails with [`SessionError::Conflict`](crate::SessionError::Conflict) and leaves the other one's.
    Fail,
}

/// What a login gets whose owner has as many sessions as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnerLimit {
    /// Its place: the owner's oldest sessions end, so that this many are left.
    EndOldest(NonZeroU32),
    /// [`SessionError::TooManySessions`](crate::SessionError::TooManySessions): this many are there, and they stay.
    Refuse(NonZeroU32),
}

/// Makes the session ids of one request.
pub(crate) type GenerateId = dyn Fn() -> SessionId + Send + Sync;

/// Looks at a request, and says how its session ids are made.
pub(crate) type Genid = dyn Fn(&dyn RequestHead) -> Arc<GenerateId> + Send + Sync;

/// Looks at a request, and says whether it leaves the session's expiry as it is.
pub(crate) type KeepExpiry = dyn Fn(&dyn RequestHead) -> bool + Send + Sync;

/// The options of the session middleware, checked.
///
/// They begin with [`new`](Self::new), or with [`express`](Self::express) beside a Node server.
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
    pub(crate) first_life: Option<Duration>,
    pub(crate) reissue: bool,
    pub(crate) store_outage: StoreOutage,
    pub(crate) store_timeout: Duration,
    pub(crate) lazy: bool,
    pub(crate) successor_grace: Duration,
    pub(crate) on_conflict: OnConflict,
    pub(crate) save_without_cookie: bool,
    pub(crate) keep_expiry: Option<Arc<KeepExpiry>>,
    pub(crate) allow_rejected_cookie: bool,
    pub(crate) cache_headers: bool,
    pub(crate) clear_site_data: Option<Box<str>>,
    pub(crate) owner_key: Option<OwnerKey>,
    pub(crate) owner_limit: Option<OwnerLimit>,
}

impl Options {
    /// The name of the cookie.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether sessions are loaded only when somebody asks for them.
    pub const fn lazy(&self) -> bool {
        self.lazy
    }

    /// Whether responses tell caches what depends on the session. For adapters.
    pub const fn cache_headers(&self) -> bool {
        self.cache_headers
    }

    /// The value of `Clear-Site-Data` for the response to a logout. For adapters.
    pub fn clear_site_data(&self) -> Option<&str> {
        self.clear_site_data.as_deref()
    }

    /// Whether a cookie is checked when it is sent, because it was not known when the options were built.
    pub(crate) fn checks_each_cookie(&self) -> bool {
        self.cookie.is_chosen_per_request() && !self.allow_rejected_cookie
    }

    /// How long a verb of a session may take, waiting and repetitions included.
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
