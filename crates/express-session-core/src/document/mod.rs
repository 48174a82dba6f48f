//! What a store keeps for one session, and what a request does to it.
//!
//! A session is a [`Document`] and the [`Changes`](changes::Changes) to it. "Modified" is "there are changes", a merge
//! is the same changes on a newer document, and what was not changed is copied as text.

mod changes;
mod data;
mod document_text;
mod encode;
mod error;
pub(crate) mod index;
mod scan;

pub use data::Data;
pub use document_text::Document;
pub use error::{DataError, DecodeError, RedactedJsonError};

pub(crate) use changes::Changes;
pub(crate) use data::{AUTHENTICATED_AT_KEY, CREATED_AT_KEY, LABEL_KEY, OWNER_KEY};
