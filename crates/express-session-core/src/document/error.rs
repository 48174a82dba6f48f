//! Why stored bytes are not a session, and why a value cannot go in or come out.

use crate::cookie::CookieError;

/// Why stored bytes are not a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not JSON.
    #[error("the record is not valid JSON")]
    Syntax(#[source] RedactedJsonError),
    /// JSON, but a number, text or array.
    #[error("the record is not a JSON object")]
    NotAnObject,
    /// There is no `cookie`.
    #[error("the record has no cookie")]
    NoCookie,
    /// The `cookie` is unusable.
    #[error("the record's cookie is malformed")]
    Cookie(#[source] CookieError),
    /// 4 GiB or more.
    #[error("the record is too large to be read")]
    TooLarge,
    /// The record is encrypted and does not open: another secret, damaged, or not encrypted at all.
    #[error("the record cannot be decrypted")]
    Undecryptable,
}

/// Why a value cannot be put into or read from a session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The key holds something of the session's own: `cookie`, or the creation time.
    #[error("the session key {0:?} is reserved: use another one")]
    ReservedKey(&'static str),
    /// The value has no JSON form.
    #[error("the value cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The stored value is not of the wanted type.
    #[error("the stored value is not of the requested type")]
    Decode(#[source] RedactedJsonError),
}

/// Where reading JSON failed, without what stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("JSON does not match at line {line}, column {column}")]
pub struct RedactedJsonError {
    /// Line in the text, from 1.
    pub line: usize,
    /// Column in that line, from 1.
    pub column: usize,
}

impl From<serde_json::Error> for RedactedJsonError {
    /// serde's message may quote the value (`invalid type: string "…"`), so only the place is kept.
    fn from(error: serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}
