//! A session that takes the place of another one, after a login: what requests meet that still come with the old id.

use super::current::Current;
use super::enrolment::leave;
use super::manager::SessionManager;
use crate::error::SessionError;
use crate::events::{self, Ended};
use crate::session_id::SessionId;
use crate::store::guarded::Calls;
use crate::store::{Expect, StoreError, Successor};

/// Ends the stored session in favour of `id`, and tells so whoever still comes with the client's old cookie.
pub(super) async fn make_way(
    current: &Current,
    id: &SessionId,
    store: &mut Calls<'_>,
) -> Result<(), SessionError> {
    let manager = &current.manager;
    let grace = manager.options().successor_grace;
    let (stored, came_with, owner) = {
        let mut state = current.state();
        let owner = state.data.document.owner();
        let stored = state.stored_id().cloned();
        let came_with = state.came_with.as_ref().map(|cookie| cookie.id.clone());
        state.end(stored.clone(), false);
        (stored, came_with, owner)
    };
    let came_with = came_with.filter(|id| stored.as_ref() != Some(id));
    for old in stored.iter().chain(&came_with) {
        let superseded = store.supersede(old, Expect::Any, Successor { id, grace }).await;
        superseded.map_err(|error| manager.failed(error))?;
    }
    if let Some(id) = stored {
        events::ended(manager, &id, Ended::Regenerated);
        leave(owner, &id, store).await;
    }
    Ok(())
}

/// Ends the session that has taken the place of this one, which is not there any more: a logout that was under way
/// during a login ends that login too.
pub(super) async fn end_successor(
    manager: &SessionManager,
    id: &SessionId,
    store: &mut Calls<'_>,
) -> Result<(), StoreError> {
    /// A session that is renewed more often than that within the grace has an owner who can log out again.
    const MAX_SUCCESSORS: u32 = 8;
    if manager.options().successor_grace.is_zero() {
        return Ok(());
    }
    let mut id = id.clone();
    for _ in 0..MAX_SUCCESSORS {
        let Some(successor) = store.successor(&id).await? else { return Ok(()) };
        if store.destroy(&successor).await? {
            events::ended(manager, &successor, Ended::Destroyed);
            return Ok(());
        }
        id = successor;
    }
    Ok(())
}

/// Tells whoever still comes with the client's old cookie that this session, which was renewed, has taken its place.
pub(super) async fn mark_renewal(current: &Current, store: &mut Calls<'_>) -> Result<(), SessionError> {
    let manager = &current.manager;
    let grace = manager.options().successor_grace;
    let (id, old) = {
        let state = current.state();
        (state.id.clone(), state.takes_place_of().cloned())
    };
    if let Some(old) = old.filter(|_| !grace.is_zero()) {
        let superseded = store.supersede(&old, Expect::Any, Successor { id: &id, grace }).await;
        superseded.map_err(|error| manager.failed(error))?;
    }
    Ok(())
}

/// Whether a login has overtaken this request. It came with the cookie of a session that was gone, and began another one
/// instead, whose cookie must not replace the login's. That one is not kept.
///
/// To be asked last, so that of a login that takes the place after this the answer is under way at the same time.
pub(super) async fn was_overtaken(current: &Current, store: &mut Calls<'_>) -> Result<bool, SessionError> {
    let manager = &current.manager;
    let old = current.state().began_instead_of().cloned();
    let Some(old) = old.filter(|_| !manager.options().successor_grace.is_zero()) else { return Ok(false) };
    if store.successor(&old).await.map_err(|error| manager.failed(error))?.is_none() {
        return Ok(false);
    }
    let id = current.state().id.clone();
    store.destroy(&id).await.map_err(|error| manager.failed(error))?;
    events::ended(manager, &id, Ended::Overtaken);
    current.state().end(None, false);
    Ok(true)
}
