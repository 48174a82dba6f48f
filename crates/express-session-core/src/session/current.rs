//! The session of one request: its state, and the way to the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::lock::Mutex as AsyncMutex;

use super::manager::SessionManager;
use super::state::State;
use crate::clock::UnixMillis;
use crate::cookie::{Cookie, CookieOptions};
use crate::options::GenerateId;
use crate::session_id::SessionId;

/// What all handles on one request's session share.
pub(crate) struct Current {
    pub(crate) manager: SessionManager,
    pub(crate) birth: Birth,
    /// Held for moments only, never across an await.
    state: Mutex<State>,
    /// Held by the verb that is talking to the store: their answers cannot overtake each other.
    pub(crate) verb: AsyncMutex<()>,
}

/// What a session gets that begins in this request: its id and its cookie.
#[derive(Clone)]
pub(crate) struct Birth {
    pub(crate) cookie: Arc<CookieOptions>,
    /// Whether the connection is HTTPS.
    pub(crate) secure: bool,
    pub(crate) generate_id: Option<Arc<GenerateId>>,
}

impl Birth {
    pub(crate) fn cookie(&self, now: UnixMillis) -> Cookie {
        self.cookie.create(now)
    }

    pub(crate) fn id(&self) -> SessionId {
        self.generate_id.as_ref().map_or_else(SessionId::generate, |generate| generate())
    }
}

impl Current {
    pub(crate) fn new(manager: SessionManager, birth: Birth, state: State) -> Self {
        Self { manager, birth, state: Mutex::new(state), verb: AsyncMutex::new(()) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held cannot leave the state half changed in a way that matters.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.manager.now()
    }
}

impl Drop for Current {
    /// The last handle goes: nothing can save the session any more.
    fn drop(&mut self) {
        if self.state.get_mut().is_ok_and(|state| state.loses_changes()) {
            tracing::warn!(
                "a session was changed after its response had started, and the change is lost: what a streamed body \
                 changes must be followed by save()"
            );
        }
    }
}
