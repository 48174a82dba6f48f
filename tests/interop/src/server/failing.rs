//! A store that fails when a request says so; `watched` in `node/lab/notes.js` is the same.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use express_session_core::{
    Cookie, Document, Expect, SessionId, SessionStore, SetOutcome, StoreError, Stored, Successor,
    SupersedeOutcome, TouchHint, TouchOutcome,
};

use crate::script::Verb;

/// What fails at present.
#[derive(Clone, Debug, Default)]
pub(super) struct Fails(Arc<Mutex<Option<Verb>>>);

impl Fails {
    pub(super) fn set(&self, verb: Option<Verb>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = verb;
    }

    fn any(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn check(&self, verb: Verb) -> Result<(), StoreError> {
        if *self.0.lock().unwrap_or_else(PoisonError::into_inner) == Some(verb) {
            Err(StoreError::Backend("as asked for".into()))
        } else {
            Ok(())
        }
    }
}

/// A store that fails at one verb.
#[derive(Debug)]
pub(super) struct Failing<S> {
    store: S,
    fails: Fails,
}

impl<S> Failing<S> {
    pub(super) const fn new(store: S, fails: Fails) -> Self {
        Self { store, fails }
    }
}

impl<S: SessionStore> SessionStore for Failing<S> {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.fails.check(Verb::Get)?;
        self.store.get(id).await
    }

    /// Extends nothing while something fails, as a store does that serves reads only.
    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        self.fails.check(Verb::Get)?;
        if self.fails.any() { self.store.get(id).await } else { self.store.get_and_touch(id, hint).await }
    }

    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        self.fails.check(Verb::Set)?;
        self.store.set(id, document, expect).await
    }

    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        life: Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.fails.check(Verb::Set)?;
        self.store.set_for(id, document, expect, life).await
    }

    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        self.fails.check(Verb::Touch)?;
        self.store.touch(id, document, cookie).await
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.fails.check(Verb::Destroy)?;
        self.store.destroy(id).await
    }

    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        self.fails.check(Verb::Destroy)?;
        self.store.supersede(id, expect, by).await
    }

    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        self.store.successor(id).await
    }
}
