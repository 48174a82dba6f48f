//! What all requests of a server share: options, store, clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::sessions_of::SessionsOf;
use super::turns::Turns;
use super::upkeep::Upkeep;
use crate::clock::{Clock, SystemClock, UnixMillis};
use crate::error::SessionError;
use crate::options::{Options, StoreOutage};
use crate::owner::Owner;
use crate::session_handle::SessionHandle;
use crate::session_id::SessionId;
use crate::store::guarded::{Calls, GuardedStore};
use crate::store::{NoTimer, SessionStore, StoreError, Timer};

/// Begins and ends the sessions of requests: the options, the store and the clock they share.
///
/// A clone is another handle on the same.
#[derive(Clone)]
pub struct SessionManager {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    store: GuardedStore,
    turns: Turns,
    upkeep: Upkeep,
    met_insecure_cookie: AtomicBool,
}

impl SessionManager {
    /// Sessions in this store with these options.
    pub fn new(store: impl SessionStore, options: Options) -> Self {
        Self::with_clock(store, options, SystemClock, NoTimer)
    }

    /// As [`new`](Self::new), with a clock and a timer; without a timer, all waits are as long as the store's own.
    pub fn with_clock(
        store: impl SessionStore,
        options: Options,
        clock: impl Clock,
        timer: impl Timer,
    ) -> Self {
        let store = GuardedStore::new(store, clock, timer, options.store_timeout);
        let inner = Inner {
            options,
            store,
            turns: Turns::default(),
            upkeep: Upkeep::default(),
            met_insecure_cookie: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// The calls of a verb that begins now; what it waits for is given up after the option `store_timeout`.
    pub(crate) fn calls(&self) -> Calls<'_> {
        self.inner.store.calls()
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.inner.turns
    }

    pub(crate) fn upkeep(&self) -> &Upkeep {
        &self.inner.upkeep
    }

    /// The sessions of an owner: for a page of an administrator, or a job that logs somebody out. A request asks for its
    /// own by [`Session::sessions_of_owner`](crate::Session::sessions_of_owner).
    pub fn sessions_of(&self, owner: Owner) -> SessionsOf<'_> {
        SessionsOf { manager: self, owner, current: None }
    }

    /// What names a session where its id must not be seen.
    pub fn handle(&self, id: &SessionId) -> SessionHandle {
        SessionHandle::of(id, &self.inner.options.secrets)
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.inner.store.now()
    }

    /// Whether this is the first time that a cookie could not be sent over plain HTTP.
    pub(crate) fn is_first_insecure_cookie(&self) -> bool {
        !self.inner.met_insecure_cookie.swap(true, Ordering::Relaxed)
    }

    /// What a failure of the store means to a request, by the option `store_outage`.
    pub(crate) fn failed(&self, error: StoreError) -> SessionError {
        if error.is_outage() && self.options().store_outage == StoreOutage::ServiceUnavailable {
            SessionError::Unavailable(error)
        } else {
            SessionError::Store(error)
        }
    }

    /// Whether a request goes on without its session when the store fails like this.
    pub(crate) fn goes_on_without(&self, error: &StoreError) -> bool {
        error.is_outage() && self.options().store_outage == StoreOutage::WithoutSession
    }
}

impl fmt::Debug for SessionManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager")
            .field("options", &self.inner.options)
            .field("store", &self.inner.store)
            .finish_non_exhaustive()
    }
}
