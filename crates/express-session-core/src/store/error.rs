//! Why a store could not do what it was asked.

use std::time::Duration;

use crate::document::DecodeError;

/// Why a store could not do what it was asked.
///
/// An absent or expired session is not an error. No variant's text holds an id, a key or session data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The backend cannot be reached or refuses to serve: down, starting, out of connections …
    /// Trying again later can help; the outage policy applies.
    #[error("the session store is unavailable")]
    Unavailable(#[source] BoxError),
    /// The backend answers, but takes no writes for now: full, a replica, its disk failing … The outage policy applies to
    /// what was to be written; sessions can still be read.
    #[error("the session store takes no writes at the moment")]
    ReadOnly(#[source] BoxError),
    /// The backend did not answer in time. The operation may or may not have been carried out.
    #[error("the session store did not answer within {0:?}")]
    Timeout(Duration),
    /// What is stored for this id is not a session. It has been left where it is, or put into quarantine.
    #[error("the stored session cannot be decoded")]
    Corrupt(#[source] DecodeError),
    /// The record is larger than the backend accepts.
    #[error("the session is too large for the store: {size} bytes")]
    TooLarge {
        /// The size of the encoded record in bytes.
        size: usize,
        /// The backend's own error, if it has one.
        #[source]
        source: Option<BoxError>,
    },
    /// This id cannot be stored here: too long, or not a possible name.
    #[error("the session id cannot be used with this store: {0}")]
    UnsupportedId(&'static str),
    /// The place in a listing is none that this store has named.
    #[error("the cursor is not one of this store")]
    InvalidCursor,
    /// Anything else the backend reports: a missing table, missing rights, a bug.
    #[error("the session store failed")]
    Backend(#[source] BoxError),
}

/// Any error of a driver.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

impl StoreError {
    /// Whether the store as a whole is out of order, which is what the outage policy is about.
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::ReadOnly(_) | Self::Timeout(_))
    }

    /// Whether nothing else is worth asking for now. A store that takes no writes answers at once, and still reads.
    pub(crate) const fn concerns_reads(&self) -> bool {
        self.is_outage() && !matches!(self, Self::ReadOnly(_))
    }
}

impl From<DecodeError> for StoreError {
    fn from(error: DecodeError) -> Self {
        Self::Corrupt(error)
    }
}
