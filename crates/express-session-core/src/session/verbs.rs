//! What a handler can do with its session besides changing it: express's verbs, and `transaction`.
//!
//! One verb of a session runs at a time, so that an answer that comes late cannot take the session back to an
//! older state.

use super::current::Current;
use super::state::{Draft, Outgoing, Place};
use crate::clock::UnixMillis;
use crate::document::{Data, DataError};
use crate::error::SessionError;
use crate::store::{Expect, SetOutcome, StoreError};

/// How often a write is tried again after another writer came first.
///
/// In every round one of the writers gets through, so this is reached only by a session that thousands of
/// requests change at the same moment.
pub(crate) const MAX_ATTEMPTS: u32 = 10_000;

pub(crate) async fn save(current: &Current) -> Result<(), SessionError> {
    let _verb = current.verb.lock().await;
    write(current, current.now()).await
}

/// Writes the session, merged with what others have written, until nobody comes in between.
pub(crate) async fn write(current: &Current, now: UnixMillis) -> Result<(), SessionError> {
    if matches!(current.state().place, Place::Renamed { .. }) {
        return replace(current).await;
    }
    commit(current, now, Writes::Always, |draft| Ok((draft.unchanged(), ()))).await
}

pub(crate) async fn transaction<R>(
    current: &Current,
    mut change: impl FnMut(&mut Data) -> Result<R, DataError>,
) -> Result<R, SessionError> {
    let _verb = current.verb.lock().await;
    if matches!(current.state().place, Place::Renamed { .. }) {
        replace(current).await?;
    }
    commit(current, current.now(), Writes::Changes, |draft| draft.after(&mut change)).await
}

/// What is worth a write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writes {
    Always,
    /// Only what differs from what is stored.
    Changes,
}

/// Writes what `finish` makes of a draft, and of a newer one if somebody has come in between. `finish` runs without a
/// lock: what a handler does in there may use the session.
async fn commit<R>(
    current: &Current,
    mut now: UnixMillis,
    writes: Writes,
    mut finish: impl FnMut(Draft) -> Result<(Outgoing, R), DataError>,
) -> Result<R, SessionError> {
    let manager = &current.manager;
    let id = current.state().id.clone();
    let mut turn = None;
    for _ in 0..MAX_ATTEMPTS {
        let draft = current.state().draft(manager.options(), now)?;
        let (outgoing, value) = finish(draft)?;
        if matches!(current.state().place, Place::Outage) {
            current.state().keep(outgoing);
            return Ok(value);
        }
        let unchanged = writes == Writes::Changes && !outgoing.is_change;
        let answer = match outgoing.expect() {
            // Nothing to write: the value counts if it was computed from what is stored now.
            Expect::Revision(revision) if unchanged => match manager.store().get(&outgoing.id).await {
                Ok(Some(stored)) if stored.revision == *revision => return Ok(value),
                Ok(Some(newer)) => Ok(SetOutcome::Conflict(Box::new(newer))),
                Ok(None) => Ok(SetOutcome::Gone),
                Err(error) => Err(error),
            },
            expect => manager.store().set(&outgoing.id, &outgoing.document, expect).await,
        };
        match answer.map_err(|error| manager.failed(error))? {
            SetOutcome::Written(revision) => {
                current.state().written(outgoing, revision);
                return Ok(value);
            }
            SetOutcome::Conflict(newer) => current.state().rebase(*newer),
            SetOutcome::Gone => return Err(gone(current)),
        }
        if turn.is_none() {
            turn = Some(manager.turns().wait(&id).await);
        }
        now = current.now();
    }
    Err(SessionError::Contended(MAX_ATTEMPTS))
}

fn gone(current: &Current) -> SessionError {
    current.state().end(None, false);
    SessionError::Gone
}

/// Writes a renewed session under its new id, then ends the old one.
///
/// Whoever ends the old one first decides: if that was a logout, the new one is taken back. Dying between the
/// steps leaves two ids for one session, never none.
async fn replace(current: &Current) -> Result<(), SessionError> {
    let manager = &current.manager;
    let store = manager.store();
    let failed = |error: StoreError| manager.failed(error);
    let Some(old_id) = current.state().stored_id().cloned() else { return Ok(()) };
    let Some(newest) = store.get(&old_id).await.map_err(failed)? else { return Err(gone(current)) };
    current.state().rebase(newest);
    let outgoing = current.state().draft(manager.options(), current.now())?.unchanged();
    let Outgoing { id, document, .. } = &outgoing;
    let SetOutcome::Written(revision) = store.set(id, document, Expect::Any).await.map_err(failed)? else {
        return Err(gone(current));
    };
    if !store.destroy(&old_id).await.map_err(failed)? {
        store.destroy(id).await.map_err(failed)?;
        return Err(gone(current));
    }
    current.state().written(outgoing, revision);
    Ok(())
}

pub(crate) async fn destroy(current: &Current) -> Result<(), SessionError> {
    let _verb = current.verb.lock().await;
    remove(current, false).await
}

/// Ends the session in the store and in the browser.
pub(crate) async fn purge(current: &Current) -> Result<(), SessionError> {
    let _verb = current.verb.lock().await;
    remove(current, true).await
}

/// Ends the session, and the browser's cookie at the end of the request if that is wanted.
pub(crate) async fn remove(current: &Current, remove_cookie: bool) -> Result<(), SessionError> {
    let stored = {
        let mut state = current.state();
        let stored = state.stored_id().cloned();
        // Also if this fails or is never polled to its end: whoever logs out is not saved, touched or sent the
        // cookie any more. What is stored stays known, so that a second call can try again.
        state.end(stored.clone(), remove_cookie);
        stored
    };
    if let Some(id) = stored {
        current.manager.store().destroy(&id).await.map_err(|error| current.manager.failed(error))?;
        current.state().end(None, remove_cookie);
    }
    Ok(())
}

pub(crate) async fn regenerate(current: &Current) -> Result<(), SessionError> {
    let _verb = current.verb.lock().await;
    let was_outage = matches!(current.state().place, Place::Outage);
    let removed = remove(current, false).await;
    let now = current.now();
    let (id, cookie) = (current.birth.id(), current.birth.cookie(now));
    let mut state = current.state();
    state.regenerate(id, cookie, now);
    if was_outage && removed.is_err() {
        state.place = Place::Outage;
    }
    removed
}

pub(crate) async fn reload(current: &Current) -> Result<(), SessionError> {
    let _verb = current.verb.lock().await;
    let id = {
        let state = current.state();
        match state.place {
            Place::Unset { .. } | Place::Ended { .. } => return Err(SessionError::NoSession),
            Place::Outage => return Err(SessionError::NotFound),
            Place::New { .. } | Place::Stored(_) | Place::Renamed { .. } => state.id.clone(),
        }
    };
    let manager = &current.manager;
    let stored = manager.store().get(&id).await.map_err(|error| manager.failed(error))?;
    let stored = stored.ok_or(SessionError::NotFound)?;
    current.state().reloaded(stored, manager.options(), current.now());
    Ok(())
}
