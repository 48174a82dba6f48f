//! A session that gets an owner: its way onto the owner's list, around the write.

use std::error::Error;
use std::num::NonZeroU32;

use super::current::Current;
use super::manager::SessionManager;
use super::sessions_of::{self, Which};
use super::state::{Outgoing, Place};
use crate::document::Document;
use crate::error::SessionError;
use crate::events::{self, Ended};
use crate::options::OwnerLimit;
use crate::owner::{Owner, OwnerError};
use crate::session_id::SessionId;
use crate::store::guarded::Calls;
use crate::store::{OwnerIndex, StoreError};

/// A session that is about to be written, and is not on its owner's list yet.
pub(super) struct Enrolment<'a> {
    index: &'a dyn OwnerIndex,
    owner: Owner,
    id: SessionId,
    document: Document,
    /// The owner has one session more by this; not if it only gets another id.
    is_login: bool,
    /// Nobody knows this session yet.
    is_new: bool,
}

impl<'a> Enrolment<'a> {
    /// None if there is nothing to do: the session has no owner, or is on the list.
    pub(super) fn of(
        current: &Current,
        outgoing: &Outgoing,
        store: &Calls<'a>,
    ) -> Result<Option<Box<Self>>, SessionError> {
        if !outgoing.document.has_owner() {
            return Ok(None);
        }
        let (is_login, is_new) = {
            let state = current.state();
            let stored = &state.data.document;
            let has_same_owner = outgoing.document.has_owner_of(stored);
            let has_same_life = !outgoing.document.cookie().was_changed_since(stored.cookie());
            if state.is_listed && has_same_owner && has_same_life {
                return Ok(None);
            }
            (!has_same_owner, matches!(state.place, Place::New { .. } | Place::Renamed { .. }))
        };
        let Some(owner) = outgoing.document.owner() else { return Ok(None) };
        let Some(index) = store.index() else {
            return if is_login { Err(SessionError::Owner(OwnerError::Unsupported)) } else { Ok(None) };
        };
        let (id, document) = (outgoing.id.clone(), outgoing.document.clone());
        Ok(Some(Box::new(Self { index, owner, id, document, is_login, is_new })))
    }

    /// Before the session is written.
    pub(super) async fn begin(&self, current: &Current, store: &mut Calls<'_>) -> Result<(), SessionError> {
        let failed = |error: StoreError| current.manager.failed(error);
        store.ask(self.index.enlist(&self.owner, &self.id)).await.map_err(failed)?;
        let Some(most) = self.refusing_limit(current) else { return Ok(()) };
        // Two who come for the last place at the same moment see each other: at worst both are refused.
        if !self.is_full(most, store).await.map_err(failed)? {
            return Ok(());
        }
        let ids = std::slice::from_ref(&self.id);
        store.ask(self.index.delist(&self.owner, ids)).await.map_err(failed)?;
        events::refused(&current.manager, &self.id);
        Err(SessionError::TooManySessions(most))
    }

    /// How many sessions the owner may have, if one more is refused.
    fn refusing_limit(&self, current: &Current) -> Option<NonZeroU32> {
        match current.manager.options().owner_limit.filter(|_| self.is_login)? {
            OwnerLimit::Refuse(most) => Some(most),
            OwnerLimit::EndOldest(_) => None,
        }
    }

    /// Whether the owner has as many sessions as may be without this one.
    async fn is_full(&self, most: NonZeroU32, store: &mut Calls<'_>) -> Result<bool, StoreError> {
        let list = sessions_of::survey(self.index, &self.owner, store).await?;
        Ok(list.others_than(&self.id) >= most.get() as usize)
    }

    /// After the session was written: it is on the list, or it is taken back.
    pub(super) async fn complete(
        &self,
        current: &Current,
        store: &mut Calls<'_>,
    ) -> Result<(), SessionError> {
        let manager = &current.manager;
        let document = &self.document;
        match store.ask(self.index.confirm(&self.owner, &self.id, document)).await {
            Ok(true) => {}
            Ok(false) => {
                store.destroy(&self.id).await.map_err(|error| manager.failed(error))?;
                events::ended(manager, &self.id, Ended::ByOwner);
                current.state().end(None, false);
                return Err(SessionError::Gone);
            }
            Err(error) => {
                // Whoever ends the owner's sessions may not find it: nobody is told of it.
                if self.is_new && store.destroy(&self.id).await.is_ok() {
                    current.state().end(None, false);
                }
                return Err(manager.failed(error));
            }
        }
        current.state().is_listed = true;
        match (self.index.refresh_after(&self.id, document), self.refusing_limit(current)) {
            (Some(after), _) => manager.upkeep().done(&self.owner, &self.id, manager.now(), after),
            // The records are the list, so others have not seen this one come.
            (None, Some(most))
                if self.is_full(most, store).await.map_err(|error| manager.failed(error))? =>
            {
                store.destroy(&self.id).await.map_err(|error| manager.failed(error))?;
                current.state().end(None, false);
                events::refused(manager, &self.id);
                return Err(SessionError::TooManySessions(most));
            }
            (None, _) => {}
        }
        let limit = manager.options().owner_limit;
        if let Some(OwnerLimit::EndOldest(most)) = limit.filter(|_| self.is_login) {
            let which = Which::OldestBeyond { most, but: &self.id };
            sessions_of::end(manager, self.index, &self.owner, which, store)
                .await
                .map_err(|error| manager.failed(error))?;
        }
        Ok(())
    }
}

/// Keeps a session that was read on its owner's list; false if it is about to end.
pub(super) async fn keep_listed(
    manager: &SessionManager,
    id: &SessionId,
    document: &Document,
    store: &mut Calls<'_>,
) -> bool {
    let (Some(index), Some(owner)) = (store.index(), document.owner()) else { return true };
    let Some(after) = index.refresh_after(id, document) else { return true };
    if !manager.upkeep().is_due(&owner, id, manager.now()) {
        return true;
    }
    match store.ask(index.refresh(&owner, id, document)).await {
        Ok(true) => manager.upkeep().done(&owner, id, manager.now(), after),
        Ok(false) => return false,
        Err(error) => {
            let cause = &error as &dyn Error;
            tracing::warn!(error = cause, "a session could not be kept on the list of its owner's");
        }
    }
    true
}

/// Removes a session that has ended from the list. If that fails, the next listing does it.
pub(super) async fn leave(owner: Option<Owner>, id: &SessionId, store: &mut Calls<'_>) {
    let (Some(owner), Some(index)) = (owner, store.index()) else { return };
    if let Err(error) = store.ask(index.delist(&owner, std::slice::from_ref(id))).await {
        let cause = &error as &dyn Error;
        tracing::debug!(error = cause, "an ended session stays on the list of its owner's for a while");
    }
}
