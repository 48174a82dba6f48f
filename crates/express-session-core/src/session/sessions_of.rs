//! The sessions of an owner: listed, counted and ended, while others log in and out.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::time::SystemTime;

use super::manager::SessionManager;
use super::state::created_at;
use crate::clock::UnixMillis;
use crate::document::LABEL_KEY;
use crate::error::SessionError;
use crate::events::{self, Ended};
use crate::owner::{OwnedSession, Owner, OwnerError};
use crate::session_handle::SessionHandle;
use crate::session_id::SessionId;
use crate::store::guarded::Calls;
use crate::store::{EntryState, OwnerEntry, OwnerIndex, StoreError, Stored};

/// How often the list is looked at until nobody is on it who is to end. Each round ends all whose login came before it.
const MAX_ROUNDS: u32 = 1000;

/// The sessions of one owner, whichever server they log in on.
///
/// What is said here holds for Node's sessions too, once a Rust server has seen them.
#[derive(Debug)]
pub struct SessionsOf<'a> {
    pub(super) manager: &'a SessionManager,
    pub(super) owner: Owner,
    /// The session of the request that asks.
    pub(super) current: Option<SessionId>,
}

impl SessionsOf<'_> {
    /// The live sessions, the oldest first.
    ///
    /// # Errors
    ///
    /// [`SessionError::Owner`] if the store keeps no list of owners, [`SessionError::Store`] if it failed.
    pub async fn list(&self) -> Result<Vec<OwnedSession>, SessionError> {
        let store = &mut self.manager.calls();
        let list =
            survey(index(store)?, &self.owner, store).await.map_err(|error| self.manager.failed(error))?;
        Ok(list.live.iter().map(|(id, stored)| self.shown(id, stored)).collect())
    }

    /// Ends one session; whether there was such a one.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub async fn end(&self, handle: &SessionHandle) -> Result<bool, SessionError> {
        Ok(self.end_which(Which::One { handle, manager: self.manager }).await? > 0)
    }

    /// Ends all sessions of the owner but the one of the request that asks; how many.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub async fn end_others(&self) -> Result<u64, SessionError> {
        self.end_which(Which::All { but: self.current.as_ref() }).await
    }

    /// Ends all sessions of the owner; how many.
    ///
    /// No session lives on whose login was answered before this was called. One whose login is under way meanwhile either is
    /// taken back, so that its response has no cookie and [`save`](crate::Session::save) says [`SessionError::Gone`], or began
    /// after the last look at the list.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list), and [`SessionError::Contended`] if there is no end of new logins.
    pub async fn end_all(&self) -> Result<u64, SessionError> {
        self.end_which(Which::All { but: None }).await
    }

    async fn end_which(&self, which: Which<'_>) -> Result<u64, SessionError> {
        let store = &mut self.manager.calls();
        let index = index(store)?;
        let ended = end(self.manager, index, &self.owner, which, store)
            .await
            .map_err(|error| self.manager.failed(error))?;
        ended.ok_or(SessionError::Contended(MAX_ROUNDS))
    }

    fn shown(&self, id: &SessionId, stored: &Stored) -> OwnedSession {
        let now = self.manager.now();
        let since = created_at(&stored.document);
        OwnedSession {
            handle: self.manager.handle(id),
            created: since.map(SystemTime::from),
            last_seen: stored.life.map(|life| SystemTime::from(now.minus(life.elapsed()))),
            expires: stored.life.map(|life| SystemTime::from(now.plus(life.left))),
            label: stored.document.get(LABEL_KEY).ok().flatten(),
            is_current: self.current.as_ref() == Some(id),
            id: id.clone(),
        }
    }
}

fn index<'a>(store: &Calls<'a>) -> Result<&'a dyn OwnerIndex, SessionError> {
    store.index().ok_or(SessionError::Owner(OwnerError::Unsupported))
}

/// An owner's list, once what it should not say has been put right.
pub(super) struct List {
    /// The sessions that are there, the oldest first.
    live: Vec<(SessionId, Stored)>,
    /// Sessions that may be written any moment.
    pending: Vec<SessionId>,
}

impl List {
    /// How many sessions there are or may be any moment, besides this one.
    pub(super) fn others_than(&self, id: &SessionId) -> usize {
        self.live.iter().map(|(id, _)| id).chain(&self.pending).filter(|it| *it != id).count()
    }
}

/// Reads an owner's list and puts it right: what is not there any more is removed, what somebody was about to end is ended.
pub(super) async fn survey(
    index: &dyn OwnerIndex,
    owner: &Owner,
    store: &mut Calls<'_>,
) -> Result<List, StoreError> {
    let (mut live, mut pending, mut stale, mut to_end) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for OwnerEntry { id, entry, stored } in store.ask(index.find(owner)).await? {
        let stored = stored.filter(|stored| stored.document.owner().as_ref() == Some(owner));
        match (entry, stored) {
            (EntryState::Condemned, Some(_)) => to_end.push(id),
            // It may belong to a login that is under way.
            (EntryState::Condemned, None) => {}
            (EntryState::Pending | EntryState::Confirmed, Some(stored)) => live.push((id, stored)),
            (EntryState::Pending, None) => pending.push(id),
            (EntryState::Confirmed, None) => stale.push(id),
        }
    }
    if !to_end.is_empty() {
        store.destroy_each(&to_end).await?;
        stale.append(&mut to_end);
    }
    if !stale.is_empty() {
        store.ask(index.delist(owner, &stale)).await?;
    }
    live.sort_by_cached_key(|(id, stored)| {
        (created_at(&stored.document).unwrap_or(UnixMillis(0)), id.clone())
    });
    Ok(List { live, pending })
}

/// Which sessions of an owner are to end.
#[derive(Clone, Copy)]
pub(super) enum Which<'a> {
    One {
        handle: &'a SessionHandle,
        manager: &'a SessionManager,
    },
    All {
        but: Option<&'a SessionId>,
    },
    /// The oldest, so that this many are left; never the one that has just come.
    OldestBeyond {
        most: NonZeroU32,
        but: &'a SessionId,
    },
}

impl Which<'_> {
    const fn reason(self) -> Ended {
        match self {
            Self::One { .. } | Self::All { .. } => Ended::ByOwner,
            Self::OldestBeyond { .. } => Ended::OwnerLimit,
        }
    }

    fn of(self, list: &List) -> (Vec<SessionId>, Vec<SessionId>) {
        let live = list.live.iter().map(|(id, _)| id);
        match self {
            Self::One { handle, manager } => {
                (live.filter(|id| manager.handle(id) == *handle).cloned().collect(), Vec::new())
            }
            Self::All { but } => {
                let others = |id: &&SessionId| but != Some(*id);
                (
                    live.filter(others).cloned().collect(),
                    list.pending.iter().filter(others).cloned().collect(),
                )
            }
            Self::OldestBeyond { most, but } => {
                let too_many = list.live.len().saturating_sub(most.get() as usize);
                (live.filter(|id| *id != but).take(too_many).cloned().collect(), Vec::new())
            }
        }
    }
}

/// Ends sessions of an owner until none is left that is to end; how many, or nothing if there is no end of them.
pub(super) async fn end(
    manager: &SessionManager,
    index: &dyn OwnerIndex,
    owner: &Owner,
    which: Which<'_>,
    store: &mut Calls<'_>,
) -> Result<Option<u64>, StoreError> {
    let mut ended = 0;
    // Of those whose session is not there: they stay condemned, so that it does not come.
    let mut awaited = HashSet::new();
    for _ in 0..MAX_ROUNDS {
        let list = survey(index, owner, store).await?;
        let (live, mut pending) = which.of(&list);
        pending.retain(|id| !awaited.contains(id));
        if live.is_empty() && pending.is_empty() {
            return Ok(Some(ended));
        }
        let both: Vec<SessionId> = live.iter().chain(&pending).cloned().collect();
        store.ask(index.condemn(owner, &both)).await?;
        ended += store.destroy_each(&both).await?;
        for id in &live {
            events::ended(manager, id, which.reason());
        }
        if !live.is_empty() {
            store.ask(index.delist(owner, &live)).await?;
        }
        awaited.extend(pending);
    }
    Ok(None)
}
