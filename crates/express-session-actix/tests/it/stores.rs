//! Stores that fail, wait or count on demand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use express_session_actix::core::{
    Document, Expect, SessionStore, SessionStoreAdmin as _, SetOutcome, StoreError, Stored, Successor,
    SupersedeOutcome, TouchHint, TouchOutcome,
};
use express_session_actix::{Cookie, SessionId};
use express_session_memory::MemoryStore;

use crate::client::memory;

#[derive(Debug, Default)]
pub(crate) struct Switches {
    /// `get` says the store is unavailable.
    pub(crate) down: AtomicBool,
    /// `set`, `touch`, `destroy` and `supersede` do.
    pub(crate) read_only: AtomicBool,
    /// `destroy` and `supersede` alone do.
    pub(crate) destroy_fails: AtomicBool,
    /// `get` never answers.
    pub(crate) hangs: AtomicBool,
    /// How many calls were made.
    pub(crate) calls: AtomicUsize,
}

/// A memory store with switches.
#[derive(Clone, Debug)]
pub(crate) struct SwitchStore {
    inner: MemoryStore,
    pub(crate) switches: Arc<Switches>,
}

impl SwitchStore {
    pub(crate) fn new() -> Self {
        Self { inner: memory(), switches: Arc::default() }
    }

    /// The stored document.
    pub(crate) fn document(&self, id: &SessionId) -> Option<String> {
        self.inner.document(id).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// All stored documents.
    pub(crate) async fn all(&self) -> Vec<String> {
        let page = self.inner.page(None, usize::MAX).await.unwrap();
        page.sessions.into_iter().map(|listed| listed.stored.unwrap().document.text().to_owned()).collect()
    }

    async fn read(&self) -> Result<(), StoreError> {
        self.switches.calls.fetch_add(1, Ordering::SeqCst);
        if self.switches.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.switches.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("connection refused".into()));
        }
        Ok(())
    }

    fn write(&self) -> Result<(), StoreError> {
        self.switches.calls.fetch_add(1, Ordering::SeqCst);
        if self.switches.read_only.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("read only".into()));
        }
        Ok(())
    }

    fn remove(&self) -> Result<(), StoreError> {
        self.write()?;
        if self.switches.destroy_fails.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("connection reset".into()));
        }
        Ok(())
    }
}

impl SessionStore for SwitchStore {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.read().await?;
        self.inner.get(id).await
    }
    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        self.read().await?;
        self.inner.get_and_touch(id, hint).await
    }
    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        self.write()?;
        self.inner.set(id, document, expect).await
    }
    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.write()?;
        self.inner.set_for(id, document, expect, at_most).await
    }
    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        self.write()?;
        self.inner.touch(id, document, cookie).await
    }
    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.remove()?;
        self.inner.destroy(id).await
    }
    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        self.remove()?;
        self.inner.supersede(id, expect, by).await
    }
    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        self.read().await?;
        self.inner.successor(id).await
    }
}
