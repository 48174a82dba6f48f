//! A store that notes when its calls begin and end. For the clauses only.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use express_session_core::{
    Cookie, Document, Expect, IndexCall, Owner, OwnerEntry, OwnerIndex, SessionId, SessionStore, SetOutcome,
    StoreError, Stored, Successor, SupersedeOutcome, TouchHint, TouchOutcome,
};

/// What happened, in order.
#[derive(Debug, Default)]
pub(crate) struct Events {
    next: AtomicU64,
    /// When each session was written: the write was over by then.
    written: Mutex<Vec<(SessionId, u64)>>,
    /// When an owner's list was looked at: the look began then.
    looks: Mutex<Vec<u64>>,
}

impl Events {
    fn now(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    /// The sessions that were written before the last look at the list began.
    pub(crate) fn written_before_the_last_look(&self) -> Vec<SessionId> {
        let last_look = self.looks.lock().unwrap().last().copied().expect("somebody has looked at the list");
        let written = self.written.lock().unwrap();
        written.iter().filter(|(_, at)| *at < last_look).map(|(id, _)| id.clone()).collect()
    }
}

#[derive(Debug)]
pub(crate) struct Watched<S> {
    pub(crate) store: S,
    pub(crate) events: Arc<Events>,
}

impl<S: SessionStore> SessionStore for Watched<S> {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.store.get(id).await
    }

    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        self.store.get_and_touch(id, hint).await
    }

    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        let outcome = self.store.set(id, document, expect).await;
        let at = self.events.now();
        self.events.written.lock().unwrap().push((id.clone(), at));
        outcome
    }

    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.store.set_for(id, document, expect, at_most).await
    }

    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        self.store.touch(id, document, cookie).await
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.store.destroy(id).await
    }

    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        self.store.supersede(id, expect, by).await
    }

    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        self.store.successor(id).await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        self.store.owner_index().is_some().then_some(self)
    }
}

impl<S: SessionStore> Watched<S> {
    fn index(&self) -> &dyn OwnerIndex {
        self.store.owner_index().expect("the store has a list of owners")
    }
}

impl<S: SessionStore> OwnerIndex for Watched<S> {
    fn find<'a>(&'a self, owner: &'a Owner) -> IndexCall<'a, Vec<OwnerEntry>> {
        Box::pin(async {
            let at = self.events.now();
            self.events.looks.lock().unwrap().push(at);
            self.index().find(owner).await
        })
    }

    fn enlist<'a>(&'a self, owner: &'a Owner, id: &'a SessionId) -> IndexCall<'a, ()> {
        self.index().enlist(owner, id)
    }

    fn confirm<'a>(
        &'a self,
        owner: &'a Owner,
        id: &'a SessionId,
        document: &'a Document,
    ) -> IndexCall<'a, bool> {
        self.index().confirm(owner, id, document)
    }

    fn refresh<'a>(
        &'a self,
        owner: &'a Owner,
        id: &'a SessionId,
        document: &'a Document,
    ) -> IndexCall<'a, bool> {
        self.index().refresh(owner, id, document)
    }

    fn refresh_after(&self, id: &SessionId, document: &Document) -> Option<Duration> {
        self.index().refresh_after(id, document)
    }

    fn condemn<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        self.index().condemn(owner, ids)
    }

    fn delist<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        self.index().delist(owner, ids)
    }
}
