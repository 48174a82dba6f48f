//! What a store keeps for one session: the cookie and the data, as one JSON document.

mod data;
mod merge;
mod record;

pub use data::{COOKIE_KEY, Data, DataError, RedactedJsonError};
pub use merge::merge;
pub use record::{DecodeError, Record};
