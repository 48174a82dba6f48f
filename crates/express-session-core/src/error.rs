//! What can go wrong with a session in a handler's hands.

use std::num::NonZeroU32;

use crate::document::DataError;
use crate::owner::OwnerError;
use crate::store::StoreError;

/// Why a session could not do what a handler asked.
///
/// No variant's text holds an id, a key's value or a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store failed.
    #[error("the session store could not be used")]
    Store(#[source] StoreError),
    /// The store as a whole is out of order, and the option `store_outage` asks for an answer that says so: another
    /// try may work.
    #[error("the session store is out of order for now")]
    Unavailable(#[source] StoreError),
    /// A value could not be written as or read from JSON, or its key is reserved.
    #[error("the session data could not be used")]
    Data(#[from] DataError),
    /// The session cannot have this owner, or nothing is known of owners.
    #[error("the owner of the session could not be used")]
    Owner(#[from] OwnerError),
    /// The owner has as many sessions as the option `owner_limit` allows, and nothing was stored for this one.
    #[error("the owner of the session has {0} sessions already, and that is the limit")]
    TooManySessions(NonZeroU32),
    /// The session was destroyed or has expired since this request began; it is not brought back.
    #[error("the session has ended meanwhile")]
    Gone,
    /// Another request has changed the session meanwhile, and the option `on_conflict` forbids to merge: nothing of this
    /// one's changes was stored.
    #[error("another request has changed the session meanwhile")]
    Conflict,
    /// This request has destroyed the session, or taken it away.
    #[error("the request has no session any more")]
    NoSession,
    /// `reload` found nothing. Source: express-session `session/session.js`, `reload`.
    #[error("failed to load session")]
    NotFound,
    /// Other writers came first in every one of this many attempts.
    #[error("the session is changed by others too quickly: gave up after {0} attempts")]
    Contended(u32),
}
