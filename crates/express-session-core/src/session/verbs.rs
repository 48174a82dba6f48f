//! What a handler can do with its session besides changing it: express's verbs, and `transaction`.

use crate::document::Record;
use crate::document::merge;
use crate::document::{Data, DataError};
use crate::error::SessionError;
use crate::session::Session;
use crate::session::state::{Base, Presence};
use crate::session_id::SessionId;
use crate::store::SetOutcome;

/// How often a write is tried again after another writer came first.
///
/// In every round one of the writers gets through, so this is reached only by a session that thousands of
/// requests change at the same moment.
pub const MAX_ATTEMPTS: u32 = 10_000;

/// The id, what the store is thought to hold, and what to write over it.
fn snapshot(session: &Session) -> Result<(SessionId, Option<Base>, Record), SessionError> {
    let shared = session.shared();
    let mut state = session.state();
    if state.presence != Presence::Live {
        return Err(SessionError::NoSession);
    }
    let record = state.prepare_write(&shared.options, shared.now());
    Ok((state.id.clone(), state.base.clone(), record))
}

/// Writes the session, merging until nobody comes in between.
pub(crate) async fn save(session: &Session) -> Result<(), SessionError> {
    if session.state().detached {
        return snapshot(session).map(drop);
    }
    if session.state().renewed_from.is_some() {
        return replace(session).await;
    }
    let shared = session.shared();
    let mut turn = None;
    for _ in 0..MAX_ATTEMPTS {
        let (id, base, record) = snapshot(session)?;
        match shared.set(&id, &record, base.as_ref()).await? {
            SetOutcome::Written(revision) => {
                session.state().written(&record, record.clone(), revision);
                return Ok(());
            }
            SetOutcome::Conflict(newer) => session.state().rebase(*newer),
            SetOutcome::Gone => return Err(gone(session)),
        }
        if turn.is_none() {
            turn = shared.queue(&id).await;
        }
    }
    Err(SessionError::Contended(MAX_ATTEMPTS))
}

fn gone(session: &Session) -> SessionError {
    session.state().end();
    SessionError::Gone
}

/// Writes a renewed session under its new id, then ends the old one.
///
/// Whoever ends the old one first decides: if that was a logout, the new one is taken back. Dying between the
/// steps leaves two ids for one session, never none.
async fn replace(session: &Session) -> Result<(), SessionError> {
    let shared = session.shared();
    let (id, _, ours) = snapshot(session)?;
    let Some((old_id, old)) = session.state().renewed_from.clone() else { return Ok(()) };
    let Some(current) = shared.get(&old_id).await? else { return Err(gone(session)) };
    let mut record = merge(&old.record, &ours, &current.record);
    record.cookie_mut().touch(shared.now());
    let SetOutcome::Written(revision) = shared.set(&id, &record, None).await? else {
        return Err(gone(session));
    };
    if !shared.destroy(&old_id).await? {
        shared.destroy(&id).await?;
        return Err(gone(session));
    }
    let mut state = session.state();
    state.renewed_from = None;
    state.written(&ours, record, revision);
    Ok(())
}

pub(crate) async fn destroy(session: &Session) -> Result<(), SessionError> {
    let stored_id = {
        let state = session.state();
        match &state.renewed_from {
            Some((old_id, _)) => Some(old_id.clone()),
            None => state.base.as_ref().map(|_| state.id.clone()),
        }
    };
    if let Some(id) = stored_id {
        // Also if this fails or is never polled to its end: whoever logs out is not saved, touched or sent the
        // cookie any more. What is stored stays known, so that a second call can try again.
        session.state().presence = Presence::Ended;
        session.shared().destroy(&id).await?;
    }
    session.state().end();
    Ok(())
}

pub(crate) async fn regenerate(session: &Session) -> Result<(), SessionError> {
    let destroyed = destroy(session).await;
    let shared = session.shared();
    let (id, now) = ((shared.options.genid)(), shared.now());
    session.state().regenerate(id, session.new_cookie(now), now);
    destroyed
}

pub(crate) async fn reload(session: &Session) -> Result<(), SessionError> {
    let shared = session.shared();
    let id = {
        let state = session.state();
        if state.presence != Presence::Live {
            return Err(SessionError::NoSession);
        }
        state.id.clone()
    };
    let stored = if session.state().detached { None } else { shared.get(&id).await? };
    let stored = stored.ok_or(SessionError::NotFound)?;
    session.state().reloaded(stored, &shared.options);
    Ok(())
}

pub(crate) async fn transaction<R>(
    session: &Session,
    mut change: impl FnMut(&mut Data) -> Result<R, DataError>,
) -> Result<R, SessionError> {
    if session.state().renewed_from.is_some() {
        replace(session).await?;
    }
    let shared = session.shared();
    let mut turn = None;
    for _ in 0..MAX_ATTEMPTS {
        let (id, base, ours) = snapshot(session)?;
        let mut changed = ours.clone();
        let value = change(&mut changed.data)?;
        if session.state().detached {
            session.set_data(changed.data);
            return Ok(value);
        }
        let newer = match &base {
            // Nothing to write: the value counts if it was computed from what is stored now.
            Some(base) if !differs(&changed, &base.record) => match shared.get(&id).await? {
                None => return Err(gone(session)),
                Some(stored) if stored.revision == base.revision => return Ok(value),
                Some(newer) => newer,
            },
            _ => match shared.set(&id, &changed, base.as_ref()).await? {
                SetOutcome::Written(revision) => {
                    session.state().written(&ours, changed, revision);
                    return Ok(value);
                }
                SetOutcome::Gone => return Err(gone(session)),
                SetOutcome::Conflict(newer) => *newer,
            },
        };
        session.state().rebase(newer);
        if turn.is_none() {
            turn = shared.queue(&id).await;
        }
    }
    Err(SessionError::Contended(MAX_ATTEMPTS))
}

/// Whether writing `record` over `stored` would change more than its expiry.
fn differs(record: &Record, stored: &Record) -> bool {
    !record.data.same_as(&stored.data) || record.cookie().was_changed_since(stored.cookie())
}
