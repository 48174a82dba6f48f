//! What a handler can do with its session besides changing it: express's verbs, and `transaction`.
//!
//! One verb of a session runs at a time, so that an answer that comes late cannot take the session back to an
//! older state.

use std::error::Error;

use futures_util::lock::MutexGuard;

use super::current::Current;
use super::enrolment::{Enrolment, leave};
use super::state::{Draft, Outgoing, Place};
use super::succession::{end_successor, make_way};
use crate::clock::UnixMillis;
use crate::document::{Data, DataError};
use crate::error::SessionError;
use crate::events::{self, Ended};
use crate::session_id::SessionId;
use crate::store::guarded::Calls;
use crate::store::{Expect, SetOutcome, StoreError, Successor, SupersedeOutcome};

/// How often a write is tried again after another writer came first.
///
/// In every round one of the writers gets through, so this is reached only by a session that thousands of
/// requests change at the same moment.
pub(crate) const MAX_ATTEMPTS: u32 = 10_000;

/// Waits until no other verb of the session is at work.
async fn turn<'a>(current: &'a Current, store: &mut Calls<'_>) -> Result<MutexGuard<'a, ()>, SessionError> {
    store.wait(current.verb.lock()).await.map_err(|error| current.manager.failed(error))
}

pub(crate) async fn save(current: &Current) -> Result<(), SessionError> {
    let store = &mut current.manager.calls();
    let _verb = turn(current, store).await?;
    write(current, current.now(), store).await
}

/// Writes the session, merged with what others have written, until nobody comes in between.
pub(crate) async fn write(
    current: &Current,
    now: UnixMillis,
    store: &mut Calls<'_>,
) -> Result<(), SessionError> {
    if matches!(current.state().place, Place::Renamed { .. }) {
        // Rare, and larger than what every request does.
        return Box::pin(replace(current, store)).await;
    }
    commit(current, store, now, Writes::Always, |draft| Ok((draft.unchanged(), ()))).await
}

pub(crate) async fn transaction<R>(
    current: &Current,
    mut change: impl FnMut(&mut Data) -> Result<R, DataError>,
) -> Result<R, SessionError> {
    let store = &mut current.manager.calls();
    let _verb = turn(current, store).await?;
    if matches!(current.state().place, Place::Renamed { .. }) {
        Box::pin(replace(current, store)).await?;
    }
    commit(current, store, current.now(), Writes::Changes, |draft| {
        draft.after(&mut change, current.manager.options())
    })
    .await
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
    store: &mut Calls<'_>,
    now: UnixMillis,
    writes: Writes,
    mut finish: impl FnMut(Draft) -> Result<(Outgoing, R), DataError>,
) -> Result<R, SessionError> {
    match attempt(current, store, now, writes, &mut finish).await? {
        Some(value) => Ok(value),
        // Rare, and larger than what every request does.
        None => Box::pin(commit_in_turn(current, store, writes, finish)).await,
    }
}

/// Goes on after a first attempt that came too late, behind the other writers of this process.
async fn commit_in_turn<R>(
    current: &Current,
    store: &mut Calls<'_>,
    writes: Writes,
    mut finish: impl FnMut(Draft) -> Result<(Outgoing, R), DataError>,
) -> Result<R, SessionError> {
    let manager = &current.manager;
    let id = current.state().id.clone();
    let _turn = store.wait(manager.turns().wait(&id)).await.map_err(|error| manager.failed(error))?;
    for _ in 1..MAX_ATTEMPTS {
        if let Some(value) = attempt(current, store, current.now(), writes, &mut finish).await? {
            return Ok(value);
        }
    }
    Err(SessionError::Contended(MAX_ATTEMPTS))
}

/// One attempt of [`commit`]; `None` if somebody else has written meanwhile, whose changes the session has now.
async fn attempt<R>(
    current: &Current,
    store: &mut Calls<'_>,
    now: UnixMillis,
    writes: Writes,
    finish: &mut impl FnMut(Draft) -> Result<(Outgoing, R), DataError>,
) -> Result<Option<R>, SessionError> {
    let manager = &current.manager;
    let draft = current.state().draft(manager.options(), now)?;
    let (outgoing, value) = finish(draft)?;
    if matches!(current.state().place, Place::Outage) {
        current.state().keep(outgoing);
        return Ok(Some(value));
    }
    let unchanged = writes == Writes::Changes && !outgoing.is_change;
    let enrolment = Enrolment::of(current, &outgoing, store)?;
    if let Some(enrolment) = &enrolment {
        // Rare, and larger than what every request does.
        Box::pin(enrolment.begin(current, store)).await?;
    }
    let answer = match outgoing.expect() {
        // Nothing to write: the value counts if it was computed from what is stored now.
        Expect::Revision(revision) if unchanged => match store.get(&outgoing.id).await {
            Ok(Some(stored)) if stored.revision == *revision => return Ok(Some(value)),
            Ok(Some(newer)) => Ok(SetOutcome::Conflict(Box::new(newer))),
            Ok(None) => Ok(SetOutcome::Gone),
            Err(error) => Err(error),
        },
        expect => put(&outgoing, expect, current, store).await,
    };
    match answer.map_err(|error| manager.failed(error))? {
        SetOutcome::Written(revision) => {
            if matches!(outgoing.expect(), Expect::Any) {
                events::created(manager, &outgoing.id);
            }
            current.state().written(outgoing, revision);
            if let Some(enrolment) = enrolment {
                Box::pin(enrolment.complete(current, store)).await?;
            }
            Ok(Some(value))
        }
        SetOutcome::Conflict(newer) => {
            events::conflict(manager, &outgoing.id);
            current.state().meet(*newer, manager.options())?;
            Ok(None)
        }
        SetOutcome::Gone => {
            events::gone(manager, &outgoing.id);
            Err(gone(current))
        }
    }
}

/// Writes a session, for as long as it may live now. A first write that is not answered costs it its id.
async fn put(
    outgoing: &Outgoing,
    expect: Expect<'_>,
    current: &Current,
    store: &mut Calls<'_>,
) -> Result<SetOutcome, StoreError> {
    let at_most = current.state().first_life(current.manager.options());
    let answer = store.set(&outgoing.id, &outgoing.document, expect, at_most).await;
    if answer.is_err() && matches!(expect, Expect::Any) {
        abandon(current, &outgoing.id);
    }
    answer
}

/// Gives a session another id, if its first write was not answered: that write may still be on its way, and would
/// then write over what is stored under the id by then, or bring it back after a logout. Nobody has been told that id.
fn abandon(current: &Current, id: &SessionId) {
    let another = current.birth.id();
    current.state().abandon(id, another);
}

fn gone(current: &Current) -> SessionError {
    current.state().end(None, false);
    SessionError::Gone
}

/// Writes a renewed session under its new id, then ends the old one, unless somebody has written that meanwhile: then
/// the new one is written again with what they wrote.
///
/// Whoever ends the old one first decides: if that was a logout, the new one is taken back. So it is if the store fails to
/// end the old one: the client keeps its cookie, and nobody has ever been told the new id. Dying between the steps leaves
/// the old session and another one that nobody knows.
async fn replace(current: &Current, store: &mut Calls<'_>) -> Result<(), SessionError> {
    let mut written = None;
    let Err(error) = replace_in_rounds(current, store, &mut written).await else { return Ok(()) };
    if let Some(id) = written
        && let Err(failure) = store.destroy(&id).await
    {
        if matches!(error, SessionError::Gone) {
            // Without this it would be a session that outlives its logout.
            return Err(current.manager.failed(failure));
        }
        let cause = &failure as &dyn Error;
        tracing::warn!(error = cause, "a session that was to be renewed is left under an unknown id");
    }
    Err(error)
}

/// As [`replace`]. `written`: the new id, while something is stored under it and the old session has not made way.
async fn replace_in_rounds(
    current: &Current,
    store: &mut Calls<'_>,
    written: &mut Option<SessionId>,
) -> Result<(), SessionError> {
    let manager = &current.manager;
    let failed = |error: StoreError| manager.failed(error);
    for _ in 0..MAX_ATTEMPTS {
        let Some(old_id) = current.state().stored_id().cloned() else { return Ok(()) };
        let outgoing = current.state().draft(manager.options(), current.now())?.unchanged();
        let enrolment = Enrolment::of(current, &outgoing, store)?;
        if let Some(enrolment) = &enrolment {
            enrolment.begin(current, store).await?;
        }
        let set = put(&outgoing, Expect::Any, current, store).await;
        let SetOutcome::Written(revision) = set.map_err(failed)? else {
            return Err(gone(current));
        };
        let id = &outgoing.id;
        *written = Some(id.clone());
        match supersede(&old_id, &outgoing, current, store).await {
            Ok(SupersedeOutcome::Superseded) => {
                *written = None;
                events::renewed(manager, &old_id, id);
                let owner_before = {
                    let mut state = current.state();
                    let owner = state.data.document.owner();
                    state.old_id_is_marked = true;
                    state.written(outgoing, revision);
                    owner
                };
                if let Some(enrolment) = enrolment {
                    enrolment.complete(current, store).await?;
                }
                leave(owner_before, &old_id, store).await;
                return Ok(());
            }
            Ok(SupersedeOutcome::Conflict(newer)) => current.state().meet(*newer, manager.options())?,
            Ok(SupersedeOutcome::Gone) => {
                events::gone(manager, &old_id);
                return Err(gone(current));
            }
            Err(error) => {
                abandon(current, id);
                return Err(failed(error));
            }
        }
    }
    Err(SessionError::Contended(MAX_ATTEMPTS))
}

/// Ends the old session of a renewed one. If the store does not say whether it did, it is asked who has taken its place.
async fn supersede(
    old_id: &SessionId,
    outgoing: &Outgoing,
    current: &Current,
    store: &mut Calls<'_>,
) -> Result<SupersedeOutcome, StoreError> {
    let by = Successor { id: &outgoing.id, grace: current.manager.options().successor_grace };
    let outcome = store.supersede(old_id, outgoing.expect(), by).await;
    match outcome {
        Err(_) if matches!(store.successor(old_id).await, Ok(Some(id)) if id == outgoing.id) => {
            Ok(SupersedeOutcome::Superseded)
        }
        outcome => outcome,
    }
}

pub(crate) async fn destroy(current: &Current) -> Result<(), SessionError> {
    let store = &mut current.manager.calls();
    let _verb = turn(current, store).await?;
    remove(current, Ended::Destroyed, false, store).await
}

/// Ends the session in the store and in the browser.
pub(crate) async fn purge(current: &Current) -> Result<(), SessionError> {
    let store = &mut current.manager.calls();
    let _verb = turn(current, store).await?;
    remove(current, Ended::Destroyed, true, store).await
}

/// Ends the session, and the browser's cookie at the end of the request if that is wanted.
pub(crate) async fn remove(
    current: &Current,
    why: Ended,
    remove_cookie: bool,
    store: &mut Calls<'_>,
) -> Result<(), SessionError> {
    let manager = &current.manager;
    let (stored, overtaken, owner) = {
        let mut state = current.state();
        let owner = state.data.document.owner();
        let stored = state.stored_id().cloned();
        let overtaken = state.began_instead_of().cloned();
        // Also if this fails or is never polled to its end: whoever logs out is not saved, touched or sent the
        // cookie any more. What is stored stays known, so that a second call can try again.
        state.end(stored.clone(), remove_cookie);
        (stored, overtaken, owner)
    };
    let was_there = match &stored {
        Some(id) => store.destroy(id).await.map_err(|error| manager.failed(error))?,
        None => false,
    };
    if was_there && let Some(id) = &stored {
        events::ended(manager, id, why);
    }
    if !was_there && let Some(id) = stored.as_ref().or(overtaken.as_ref()) {
        end_successor(manager, id, store).await.map_err(|error| manager.failed(error))?;
    }
    if let Some(id) = stored {
        current.state().end(None, remove_cookie);
        leave(owner, &id, store).await;
    }
    Ok(())
}

/// Starts anew: `current` gets an empty session, and what was there makes way for it at once.
pub(crate) async fn regenerate(current: &Current) -> Result<(), SessionError> {
    let store = &mut current.manager.calls();
    let _verb = turn(current, store).await?;
    let was_outage = matches!(current.state().place, Place::Outage);
    let id = current.birth.id();
    let removed = if current.manager.options().successor_grace.is_zero() {
        remove(current, Ended::Regenerated, false, store).await
    } else {
        make_way(current, &id, store).await
    };
    let now = current.now();
    let cookie = current.birth.cookie(now);
    let mut state = current.state();
    state.regenerate(id, cookie, now);
    state.old_id_is_marked = removed.is_ok();
    if was_outage && removed.is_err() {
        state.place = Place::Outage;
    }
    removed
}

pub(crate) async fn reload(current: &Current) -> Result<(), SessionError> {
    let store = &mut current.manager.calls();
    let _verb = turn(current, store).await?;
    let id = {
        let state = current.state();
        match state.place {
            Place::Unset { .. } | Place::Ended { .. } => return Err(SessionError::NoSession),
            Place::Outage => return Err(SessionError::NotFound),
            Place::New { .. } | Place::Stored(_) | Place::Renamed { .. } => state.id.clone(),
        }
    };
    let manager = &current.manager;
    let stored = store.get(&id).await.map_err(|error| manager.failed(error))?;
    let stored = stored.ok_or(SessionError::NotFound)?;
    current.state().reloaded(stored, manager.options(), current.now());
    Ok(())
}
