//! A session in the list of its owner's.

use std::fmt;
use std::time::SystemTime;

use crate::session_handle::SessionHandle;
use crate::session_id::SessionId;

/// One of the sessions of an owner: what a page "my devices" shows.
///
/// `Debug` does not show the id, which is a credential.
#[derive(Clone)]
#[non_exhaustive]
pub struct OwnedSession {
    /// What names the session in a form or a link; see [`SessionHandle`].
    pub handle: SessionHandle,
    /// When it began; `None` if nobody has written that down.
    pub created: Option<SystemTime>,
    /// When its life was last extended, if the store tells: with `touch_after` that is a while before it was last used.
    pub last_seen: Option<SystemTime>,
    /// When it expires unless it is used before, if the store tells.
    pub expires: Option<SystemTime>,
    /// What [`Session::set_label`](crate::Session::set_label) has said.
    pub label: Option<String>,
    /// Whether it is the session of the request that asked.
    pub is_current: bool,
    pub(crate) id: SessionId,
}

impl OwnedSession {
    /// The id, which is a credential: for operators' tools, not for pages.
    pub fn id(&self) -> &SessionId {
        &self.id
    }
}

impl fmt::Debug for OwnedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSession")
            .field("handle", &self.handle)
            .field("created", &self.created)
            .field("last_seen", &self.last_seen)
            .field("expires", &self.expires)
            .field("is_current", &self.is_current)
            .finish_non_exhaustive()
    }
}
