#![doc = include_str!("../README.md")]

mod clock;
mod cookie;
mod document;
mod error;
mod js;
mod options;
mod request;
mod session;
mod session_id;
mod store;

pub use clock::{Clock, ManualClock, SystemClock, UnixMillis};
pub use cookie::header::values as cookie_values;
pub use cookie::options::{CookieOptions, SameSiteOption, Secure};
pub use cookie::set_cookie::{SetCookieError, removal as removal_cookie, set_cookie};
pub use cookie::signature::{NoSecretError, SIGNED_PREFIX, Secrets, Verified};
pub use cookie::{Cookie, CookieError, Priority, SameSite};
pub use document::merge;
pub use document::{COOKIE_KEY, Data, DataError, RedactedJsonError};
pub use document::{DecodeError, Record};
pub use error::SessionError;
pub use options::{
    CREATED_AT_KEY, CookieFn, DEFAULT_NAME, DEFAULT_STORE_TIMEOUT, GenidFn, MIN_SECRET_LEN, Options,
    OptionsBuilder, OptionsError, StoreOutage,
};
pub use request::{RequestHead, TrustProxy};
pub use session::decision::{Decision, Facts, StoreAction, Unset, decide};
pub use session::lifecycle::{Finished, SessionManager};
pub use session::shared::MAX_COOKIES;
pub use session::verbs::MAX_ATTEMPTS;
pub use session::{CookieMut, Session};
pub use session_id::{SessionId, SessionIdError};
pub use store::expiry::{Life, TouchAfter};
pub use store::timer::{NoTimer, Timer};
pub use store::{
    BoxError, DynSessionStore, Expect, Revision, SessionStore, SessionStoreAdmin, SetOutcome, StoreError,
    Stored, TouchHint, TouchOutcome,
};
