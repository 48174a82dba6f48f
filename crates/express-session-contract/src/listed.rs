//! All sessions of a store, for tests with a few of them.

use express_session_core::{DEFAULT_PAGE, Document, Listing, SessionId, SessionStoreAdmin, StoreError};

/// All sessions that can be decoded, in the order of their ids, each once.
///
/// # Errors
///
/// If the backend fails.
pub async fn all<S: SessionStoreAdmin>(store: &S) -> Result<Vec<(SessionId, Document)>, StoreError> {
    let (mut listing, mut all) = (Listing::new(store, DEFAULT_PAGE), Vec::new());
    while let Some(page) = listing.next().await? {
        all.extend(page.into_iter().filter_map(|listed| Some((listed.id, listed.stored.ok()?.document))));
    }
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all.dedup_by(|(one, _), (other, _)| one == other);
    Ok(all)
}

/// The ids of all sessions, in order, each once; also of those that cannot be decoded.
///
/// # Errors
///
/// If the backend fails.
pub async fn ids<S: SessionStoreAdmin>(store: &S) -> Result<Vec<SessionId>, StoreError> {
    let (mut listing, mut ids) = (Listing::new(store, DEFAULT_PAGE), Vec::new());
    while let Some(page) = listing.next().await? {
        ids.extend(page.into_iter().map(|listed| listed.id));
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}
