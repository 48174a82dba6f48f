//! Every option as the code uses it, with the value it has while nothing is said.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::beginning::CookieDefaults;
use super::{
    CookieSource, DEFAULT_NAME, DEFAULT_STORE_TIMEOUT, OnConflict, OptionsBuilder, OwnerLimit, StoreOutage,
    Unset,
};
use crate::cookie::CookieOptions;
use crate::cookie::signature::Secrets;
use crate::owner::OwnerKey;
use crate::request::{RequestHead, TrustProxy};
use crate::session_id::SessionId;
use crate::store::TouchAfter;

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
    /// express-session's defaults, and what turns off everything it does not have.
    pub(super) fn begin<S: AsRef<[u8]>>(
        secrets: impl IntoIterator<Item = S>,
        defaults: CookieDefaults,
    ) -> OptionsBuilder {
        OptionsBuilder::begin(
            secrets,
            |secrets| Self {
                name: DEFAULT_NAME.to_owned(),
                secrets,
                cookie: CookieSource::fixed(CookieOptions::new(), defaults),
                genid: None,
                resave: true,
                save_uninitialized: true,
                rolling: false,
                unset: Unset::Keep,
                proxy: None,
                trust_proxy: TrustProxy::Never,
                touch_after: TouchAfter::Always,
                absolute_timeout: None,
                first_life: None,
                reissue: false,
                store_outage: StoreOutage::Error,
                store_timeout: DEFAULT_STORE_TIMEOUT,
                lazy: false,
                successor_grace: Duration::ZERO,
                on_conflict: OnConflict::Merge,
                save_without_cookie: true,
                keep_expiry: None,
                allow_rejected_cookie: false,
                cache_headers: false,
                clear_site_data: None,
                owner_key: None,
                owner_limit: None,
            },
            defaults,
        )
    }

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
