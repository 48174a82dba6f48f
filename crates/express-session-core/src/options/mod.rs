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
mod settings;
mod values;
mod written;

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

pub use builder::OptionsBuilder;
pub use clear_site_data::ClearSiteData;
pub(crate) use cookie_source::CookieSource;
pub use error::OptionsError;
pub use settings::{CookieSettings, SessionSettings};
pub(crate) use values::GenerateId;
pub use values::Options;
pub use written::SecretSetting;

/// The shortest secret accepted without [`allow_weak_secret`](OptionsBuilder::allow_weak_secret), in bytes:
/// the length of the key that HMAC-SHA256 is made for.
pub const MIN_SECRET_LEN: usize = 32;

/// The cookie name when none is given.
pub const DEFAULT_NAME: &str = "connect.sid";

/// How long a verb may take when nothing else is said.
pub const DEFAULT_STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a request gets when the store is out of order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "express-session knows these two")]
pub enum Unset {
    /// Leave the stored session as it is. The default, as in express-session.
    #[default]
    Keep,
    /// Destroy the stored session.
    Destroy,
}

/// What a request does whose changes meet those of another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "either they are put together or they are not")]
pub enum OnConflict {
    /// Puts them together key by key: ours where we changed something, theirs everywhere else. The default.
    #[default]
    Merge,
    /// Fails with [`SessionError::Conflict`](crate::SessionError::Conflict) and leaves the other one's.
    Fail,
}

/// What a login gets whose owner has as many sessions as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OwnerLimit {
    /// Its place: the owner's oldest sessions end, so that this many are left.
    EndOldest(NonZeroU32),
    /// [`SessionError::TooManySessions`](crate::SessionError::TooManySessions): this many are there, and they stay.
    Refuse(NonZeroU32),
}
