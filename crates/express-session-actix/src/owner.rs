//! What a handler can say and ask of its session's owner.

use std::fmt;

use express_session_core::{OwnedSession, Owner, SessionHandle};

use crate::error::Error;
use crate::extractor::Session;

impl Session {
    /// Says whose the session is, from when it is saved: to be called at a login, after
    /// [`regenerate`](Self::regenerate). A number, a name; whatever can be displayed.
    ///
    /// # Errors
    ///
    /// If it is empty or longer than [`Owner::MAX_LEN`] bytes, if the store keeps no list of owners, or if the option
    /// `owner_key` says whose the session is.
    pub fn set_owner(&self, owner: impl fmt::Display) -> Result<(), Error> {
        Ok(self.core().set_owner(owner)?)
    }

    /// Makes the session nobody's.
    pub fn remove_owner(&self) {
        self.core().remove_owner();
    }

    /// Whose the session is.
    pub fn owner(&self) -> Option<Owner> {
        self.core().owner()
    }

    /// What the owner is shown for this session in a list of them: the browser, the device, the place.
    pub fn set_label(&self, label: impl AsRef<str>) {
        self.core().set_label(label);
    }

    /// What names the session where its id must not be seen: in a form, a link, a log.
    pub fn handle(&self) -> SessionHandle {
        self.core().handle()
    }

    /// The live sessions of this session's owner, this one among them once it is saved; the oldest first.
    ///
    /// # Errors
    ///
    /// If it has no owner (401), or the store fails.
    pub async fn sessions_of_owner(&self) -> Result<Vec<OwnedSession>, Error> {
        Ok(self.core().sessions_of_owner().await?)
    }

    /// Ends a session of the same owner, named by its [handle](OwnedSession::handle); whether there was such a one. To log
    /// this one out, call [`purge`](Self::purge).
    ///
    /// # Errors
    ///
    /// As [`sessions_of_owner`](Self::sessions_of_owner).
    pub async fn end_session(&self, handle: &SessionHandle) -> Result<bool, Error> {
        Ok(self.core().end_session(handle).await?)
    }

    /// Ends all sessions of the same owner but this one, also those whose login is under way; how many were there. To be
    /// called after a change of password.
    ///
    /// # Errors
    ///
    /// As [`sessions_of_owner`](Self::sessions_of_owner).
    pub async fn end_other_sessions(&self) -> Result<u64, Error> {
        Ok(self.core().end_other_sessions().await?)
    }
}
