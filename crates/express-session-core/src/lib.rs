#![doc = include_str!("../README.md")]

mod attribute;
mod clock;
mod cookie;
mod cookie_header;
mod cookie_json;
mod cookie_options;
mod data;
mod decision;
mod error;
mod expiry;
mod js_date;
mod js_json;
mod lifecycle;
mod merge;
mod options;
mod record;
mod request;
mod session;
mod session_id;
mod set_cookie;
mod shared;
mod signature;
mod state;
mod store;
mod timer;
mod verbs;

pub use clock::{Clock, ManualClock, SystemClock, UnixMillis};
pub use cookie::{Cookie, CookieError, Priority, SameSite};
pub use cookie_header::values as cookie_values;
pub use cookie_options::{CookieOptions, SameSiteOption, Secure};
pub use data::{COOKIE_KEY, Data, DataError, RedactedJsonError};
pub use decision::{Decision, Facts, StoreAction, Unset, decide};
pub use error::SessionError;
pub use expiry::{Life, TouchAfter};
pub use lifecycle::{Finished, SessionManager};
pub use merge::merge;
pub use options::{
    CREATED_AT_KEY, CookieFn, DEFAULT_NAME, DEFAULT_STORE_TIMEOUT, GenidFn, MIN_SECRET_LEN, Options,
    OptionsBuilder, OptionsError, StoreOutage,
};
pub use record::{DecodeError, Record};
pub use request::{RequestHead, TrustProxy};
pub use session::{CookieMut, Session};
pub use session_id::{SessionId, SessionIdError};
pub use set_cookie::{SetCookieError, removal as removal_cookie, set_cookie};
pub use shared::MAX_COOKIES;
pub use signature::{NoSecretError, SIGNED_PREFIX, Secrets, Verified};
pub use store::{
    BoxError, DynSessionStore, Expect, Revision, SessionStore, SessionStoreAdmin, SetOutcome, StoreError,
    Stored, TouchHint, TouchOutcome,
};
pub use timer::{NoTimer, Timer};
pub use verbs::MAX_ATTEMPTS;
