//! The store behind the options' timeout, its type erased: handlers and middleware do not see it.
//!
//! A boxed future costs some 300 instructions a call; a type parameter would cost every reader.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::{Expect, SessionStore, SetOutcome, StoreError, Stored, Timer, TouchHint, TouchOutcome};
use crate::cookie::Cookie;
use crate::document::Document;
use crate::session_id::SessionId;

type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The object-safe twin of [`SessionStore`].
trait Erased: fmt::Debug + Send + Sync {
    fn get<'a>(&'a self, id: &'a SessionId) -> Call<'a, Option<Stored>>;
    fn get_and_touch<'a>(&'a self, id: &'a SessionId, hint: TouchHint<'a>) -> Call<'a, Option<Stored>>;
    fn set<'a>(
        &'a self,
        id: &'a SessionId,
        document: &'a Document,
        expect: Expect<'a>,
    ) -> Call<'a, SetOutcome>;
    fn touch<'a>(
        &'a self,
        id: &'a SessionId,
        document: &'a Document,
        cookie: &'a Cookie,
    ) -> Call<'a, TouchOutcome>;
    fn destroy<'a>(&'a self, id: &'a SessionId) -> Call<'a, bool>;
}

impl<S: SessionStore> Erased for S {
    fn get<'a>(&'a self, id: &'a SessionId) -> Call<'a, Option<Stored>> {
        Box::pin(SessionStore::get(self, id))
    }
    fn get_and_touch<'a>(&'a self, id: &'a SessionId, hint: TouchHint<'a>) -> Call<'a, Option<Stored>> {
        Box::pin(SessionStore::get_and_touch(self, id, hint))
    }
    fn set<'a>(
        &'a self,
        id: &'a SessionId,
        document: &'a Document,
        expect: Expect<'a>,
    ) -> Call<'a, SetOutcome> {
        Box::pin(SessionStore::set(self, id, document, expect))
    }
    fn touch<'a>(
        &'a self,
        id: &'a SessionId,
        document: &'a Document,
        cookie: &'a Cookie,
    ) -> Call<'a, TouchOutcome> {
        Box::pin(SessionStore::touch(self, id, document, cookie))
    }
    fn destroy<'a>(&'a self, id: &'a SessionId) -> Call<'a, bool> {
        Box::pin(SessionStore::destroy(self, id))
    }
}

/// Any store, each call to which ends in time.
#[derive(Debug)]
pub(crate) struct TimedStore {
    store: Box<dyn Erased>,
    timer: Box<dyn Timer>,
    limit: Duration,
}

impl TimedStore {
    pub(crate) fn new(store: impl SessionStore, timer: impl Timer, limit: Duration) -> Self {
        Self { store: Box::new(store), timer: Box::new(timer), limit }
    }

    pub(crate) async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.within(self.store.get(id)).await
    }

    pub(crate) async fn get_and_touch(
        &self,
        id: &SessionId,
        hint: TouchHint<'_>,
    ) -> Result<Option<Stored>, StoreError> {
        self.within(self.store.get_and_touch(id, hint)).await
    }

    pub(crate) async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        self.within(self.store.set(id, document, expect)).await
    }

    pub(crate) async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        self.within(self.store.touch(id, document, cookie)).await
    }

    pub(crate) async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.within(self.store.destroy(id)).await
    }

    /// The call, or [`StoreError::Timeout`]. The timer is set only if the call is not ready at once.
    async fn within<T>(&self, mut call: Call<'_, T>) -> Result<T, StoreError> {
        let mut alarm = None;
        poll_fn(|context| {
            if let Poll::Ready(result) = call.as_mut().poll(context) {
                return Poll::Ready(result);
            }
            let alarm = alarm.get_or_insert_with(|| self.timer.sleep(self.limit));
            alarm.as_mut().poll(context).map(|()| Err(StoreError::Timeout(self.limit)))
        })
        .await
    }
}
