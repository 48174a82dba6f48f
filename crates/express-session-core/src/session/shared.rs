//! What all requests of a manager share: the options, and the store behind its timeout.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use async_lock::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};

use crate::clock::{Clock, UnixMillis};
use crate::cookie::header;
use crate::cookie::signature::SIGNED_PREFIX;
use crate::document::Record;
use crate::options::Options;
use crate::request::RequestHead;
use crate::session::state::Base;
use crate::session_id::SessionId;
use crate::store::timer::{Timer, within};
use crate::store::{DynSessionStore, Expect, SetOutcome, StoreError, Stored};

/// How many cookies of our name are looked at; browsers send more than one when paths or domains differ.
pub const MAX_COOKIES: usize = 8;

/// How many queues contending transactions are spread over.
const QUEUES: usize = 64;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) store: Arc<dyn DynSessionStore>,
    clock: Arc<dyn Clock>,
    timer: Arc<dyn Timer>,
    queues: Vec<AsyncMutex<()>>,
    hasher: RandomState,
}

impl Shared {
    pub(crate) fn new(
        options: Options,
        store: Arc<dyn DynSessionStore>,
        clock: Arc<dyn Clock>,
        timer: Arc<dyn Timer>,
    ) -> Self {
        let queues = (0..QUEUES).map(|_| AsyncMutex::new(())).collect();
        Self { options, store, clock, timer, queues, hasher: RandomState::new() }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// The ids whose signatures are right, with the number of the secret that says so.
    ///
    /// DIFFERENCE: express-session looks at the first cookie of its name only, so a stale one for a narrower
    /// path locks the visitor out.
    pub(crate) fn verified_ids(&self, request: &dyn RequestHead) -> Vec<(SessionId, usize)> {
        let mut ids: Vec<(SessionId, usize)> = Vec::new();
        for value in header::values(request.header_values("cookie"), &self.options.name).take(MAX_COOKIES) {
            let Some(verified) =
                value.strip_prefix(SIGNED_PREFIX).and_then(|it| self.options.secrets.unsign(it))
            else {
                continue;
            };
            let Ok(id) = SessionId::parse(verified.value) else { continue };
            if !ids.iter().any(|(known, _)| *known == id) {
                ids.push((id, verified.secret));
            }
        }
        ids
    }

    pub(crate) async fn within<T>(
        &self,
        call: std::pin::Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + '_>>,
    ) -> Result<T, StoreError> {
        within(&*self.timer, self.options.store_timeout, call).await
    }

    pub(crate) async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.within(self.store.get(id)).await
    }

    pub(crate) async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.within(self.store.destroy(id)).await
    }

    pub(crate) async fn set(
        &self,
        id: &SessionId,
        record: &Record,
        base: Option<&Base>,
    ) -> Result<SetOutcome, StoreError> {
        let expect = base.map_or(Expect::Any, |base| Expect::Revision(&base.revision));
        self.within(self.store.set(id, record, expect)).await
    }

    /// Waits for a turn among this process's writers of (about) this session.
    pub(crate) async fn queue(&self, id: &SessionId) -> Option<AsyncMutexGuard<'_, ()>> {
        let turn = usize::try_from(self.hasher.hash_one(id)).unwrap_or(0) % QUEUES;
        match self.queues.get(turn) {
            Some(queue) => Some(queue.lock().await),
            None => None,
        }
    }
}
