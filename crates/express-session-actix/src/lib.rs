#![doc = include_str!("../README.md")]

mod bridge;
mod cross_origin;
mod error;
mod extractor;
mod layer;
mod middleware;
mod owner;
mod request;
mod response;
mod timer;
mod view;

pub use actix_session;
pub use bridge::ActixStore;
pub use cross_origin::{CrossOriginProtection, CrossOriginService, InvalidOriginError};
pub use error::Error;
pub use express_session_core as core;
pub use express_session_core::{
    ClearSiteData, Cookie, CookieMut, CookieOptions, CookieRejection, Data, DataError, OnConflict, Options,
    OptionsBuilder, OptionsError, OwnedSession, Owner, OwnerError, OwnerLimit, Priority, SameSite,
    SameSiteOption, Secure, SessionError, SessionHandle, SessionId, SessionSettings, StoreOutage, TouchAfter,
    TrustProxy, Unset,
};
pub use extractor::Session;
pub use middleware::{SessionMiddleware, SessionService};
