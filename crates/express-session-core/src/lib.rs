#![doc = include_str!("../README.md")]

mod clock;
mod cookie;
mod document;
mod error;
mod events;
mod js;
mod options;
mod owner;
mod request;
mod scratch;
mod session;
mod session_handle;
mod session_id;
mod store;

pub use clock::{Clock, ManualClock, SystemClock, UnixMillis};
pub use cookie::rejection::{CookieRejection, Need};
pub use cookie::set_cookie::SetCookieError;
pub use cookie::signature::{NoSecretError, Secrets, Verified};
pub use cookie::{Cookie, CookieError, CookieOptions, Priority, SameSite, SameSiteOption, Secure};
pub use document::{Data, DataError, DecodeError, Document, RedactedJsonError};
pub use error::SessionError;
pub use options::{
    ClearSiteData, CookieSettings, DEFAULT_NAME, DEFAULT_STORE_TIMEOUT, MIN_SECRET_LEN, OnConflict, Options,
    OptionsBuilder, OptionsError, OwnerLimit, SecretSetting, SessionSettings, StoreOutage, Unset,
};
pub use owner::{OwnedSession, Owner, OwnerError};
pub use request::{RequestHead, TrustProxy};
pub use session::{CookieMut, Finished, PendingSession, Session, SessionManager, SessionsOf};
pub use session_handle::{SessionHandle, SessionHandleError};
pub use session_id::{SessionId, SessionIdError};
pub use store::breaker::RETRY_AFTER;
pub use store::{
    BoxError, CONDEMNED, Cursor, DEFAULT_PAGE, EntryState, Expect, IndexCall, Life, Listed, Listing, NoTimer,
    OwnerEntry, OwnerIndex, PENDING, Page, Revision, SessionStore, SessionStoreAdmin, SetOutcome, StoreError,
    Stored, Successor, SupersedeOutcome, Timer, TouchAfter, TouchHint, TouchOutcome,
};

/// Inner pieces, for tests that replay recorded vectors. Nothing here is part of the API.
#[doc(hidden)]
pub mod testing {
    pub use crate::cookie::testing::{cookie_values, set_cookie};
    pub use crate::session_id::testing::session_id_of;
}
