//! What a handler can say and ask of its session's owner.

use std::fmt;

use super::Session;
use super::sessions_of::SessionsOf;
use crate::document::{LABEL_KEY, OWNER_KEY};
use crate::error::SessionError;
use crate::owner::{OwnedSession, Owner, OwnerError};
use crate::session_handle::SessionHandle;

/// The longest label that is kept, in characters.
const MAX_LABEL: usize = 200;

impl Session {
    /// Says whose the session is, from when it is saved: to be called at a login, after
    /// [`regenerate`](Self::regenerate). Anything that can be displayed is an owner: a number, a name.
    ///
    /// From then on the owner's sessions can be listed and ended, by [`sessions_of_owner`](Self::sessions_of_owner) and
    /// [`SessionManager::sessions_of`](crate::SessionManager::sessions_of). [`clear`](Self::clear) makes it nobody's again.
    ///
    /// ```
    /// # async fn handler(session: &express_session_core::Session, user_id: u64) -> Result<(), express_session_core::SessionError> {
    /// session.regenerate().await?;
    /// session.set_owner(user_id)?;
    /// session.set_label("Firefox on Linux");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OwnerError::Empty`], [`OwnerError::TooLong`]; [`OwnerError::Unsupported`] by this store, [`OwnerError::ByKey`] if
    /// the option `owner_key` is set.
    pub fn set_owner(&self, owner: impl fmt::Display) -> Result<(), OwnerError> {
        let owner = Owner::new(owner)?;
        let manager = &self.current.manager;
        if manager.options().owner_key.is_some() {
            return Err(OwnerError::ByKey);
        }
        if manager.calls().index().is_none() {
            return Err(OwnerError::Unsupported);
        }
        let now = self.current.now();
        self.current.state().data.set_owner(&owner, now);
        Ok(())
    }

    /// Makes the session nobody's.
    pub fn remove_owner(&self) {
        self.current.state().data.remove_stamp(OWNER_KEY);
    }

    /// Whose the session is.
    pub fn owner(&self) -> Option<Owner> {
        self.current.state().data.owner()
    }

    /// What the owner is shown for this session in a list of them: the browser, the device, the place. Its first 200
    /// characters are kept in the record, as `__label`.
    pub fn set_label(&self, label: impl AsRef<str>) {
        let label: String = label.as_ref().chars().take(MAX_LABEL).collect();
        self.current.state().data.stamp(LABEL_KEY, label);
    }

    /// What names the session where its id must not be seen: in a form, a link, a log.
    pub fn handle(&self) -> SessionHandle {
        self.current.manager.handle(&self.id())
    }

    /// The live sessions of this session's owner, this one among them once it is saved; the oldest first.
    ///
    /// # Errors
    ///
    /// [`SessionError::Owner`] if it has no owner or the store keeps no list of them, [`SessionError::Store`] if that
    /// failed.
    pub async fn sessions_of_owner(&self) -> Result<Vec<OwnedSession>, SessionError> {
        self.siblings()?.list().await
    }

    /// Ends a session of the same owner, this one or another; whether there was such a one. It is named by its
    /// [handle](OwnedSession::handle).
    ///
    /// This request's own goes on in vain if it ends itself so: to log out, call [`destroy`](Self::destroy).
    ///
    /// # Errors
    ///
    /// As [`sessions_of_owner`](Self::sessions_of_owner).
    pub async fn end_session(&self, handle: &SessionHandle) -> Result<bool, SessionError> {
        self.siblings()?.end(handle).await
    }

    /// Ends all sessions of the same owner but this one, also those whose login is under way; how many were there.
    ///
    /// # Errors
    ///
    /// As [`sessions_of_owner`](Self::sessions_of_owner).
    pub async fn end_other_sessions(&self) -> Result<u64, SessionError> {
        self.siblings()?.end_others().await
    }

    fn siblings(&self) -> Result<SessionsOf<'_>, SessionError> {
        let owner = self.owner().ok_or(OwnerError::None)?;
        let state = self.current.state();
        let current = state.stored_id().or(Some(&state.id)).cloned();
        Ok(SessionsOf { manager: &self.current.manager, owner, current })
    }
}
