//! A store that fails when a request says so, and has a deliberate bug if the server has one.

use std::time::Duration;

use express_session_core::{
    Cookie, Document, Expect, SessionId, SessionStore, SetOutcome, StoreError, Stored, Successor,
    SupersedeOutcome, TouchHint, TouchOutcome,
};

use super::fails::Fails;
use super::sabotage::{Sabotage, spoiled};
use crate::script::Verb;

/// A store with faults.
#[derive(Debug)]
pub(super) struct FaultyStore<S> {
    store: S,
    fails: Fails,
    sabotage: Option<Sabotage>,
}

impl<S> FaultyStore<S> {
    pub(super) const fn new(store: S, fails: Fails, sabotage: Option<Sabotage>) -> Self {
        Self { store, fails, sabotage }
    }

    fn has(&self, bug: Sabotage) -> bool {
        self.sabotage == Some(bug)
    }
}

impl<S: SessionStore> SessionStore for FaultyStore<S> {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.fails.check(Verb::Get)?;
        self.store.get(id).await
    }

    /// Extends nothing while something fails, as a store does that serves reads only.
    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        self.fails.check(Verb::Get)?;
        if self.has(Sabotage::Touch) || self.fails.verb().is_some() {
            return self.store.get(id).await;
        }
        self.store.get_and_touch(id, hint).await
    }

    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        self.fails.check(Verb::Set)?;
        let expect = if self.has(Sabotage::Overwrite) { Expect::Any } else { expect };
        self.store.set(id, &spoiled(document, self.sabotage), expect).await
    }

    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.fails.check(Verb::Set)?;
        self.store.set_for(id, &spoiled(document, self.sabotage), expect, at_most).await
    }

    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        if self.has(Sabotage::Touch) {
            return Ok(TouchOutcome::Touched);
        }
        self.fails.check(Verb::Touch)?;
        self.store.touch(id, document, cookie).await
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        if self.has(Sabotage::Destroy) {
            return Ok(true);
        }
        self.fails.check(Verb::Destroy)?;
        self.store.destroy(id).await
    }

    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        if self.has(Sabotage::Destroy) {
            return Ok(SupersedeOutcome::Superseded);
        }
        self.fails.check(Verb::Destroy)?;
        self.store.supersede(id, expect, by).await
    }

    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        self.store.successor(id).await
    }
}
