//! The store as sessions call it: left alone while it is out of order, and waited for until a verb's deadline.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::breaker::Breaker;
use super::erased::{Call, ErasedStore};
use super::{
    Expect, IndexCall, OwnerIndex, SessionStore, SetOutcome, StoreError, Stored, Successor, SupersedeOutcome,
    Timer, TouchHint, TouchOutcome,
};
use crate::clock::{Clock, UnixMillis};
use crate::cookie::Cookie;
use crate::document::Document;
use crate::events;
use crate::events::numbers::{self, Stopwatch};
use crate::session_id::SessionId;

/// Any store, behind a circuit breaker.
#[derive(Debug)]
pub(crate) struct GuardedStore {
    store: Box<dyn ErasedStore>,
    breaker: Breaker,
    clock: Box<dyn Clock>,
    timer: Box<dyn Timer>,
    /// How long a verb may take.
    limit: Duration,
}

/// The calls that one verb makes, and what else it waits for: all of it together ends in time.
pub(crate) struct Calls<'a> {
    guarded: &'a GuardedStore,
    /// Set when something is not ready at once.
    alarm: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl GuardedStore {
    pub(crate) fn new(
        store: impl SessionStore,
        clock: impl Clock,
        timer: impl Timer,
        limit: Duration,
    ) -> Self {
        Self {
            store: Box::new(store),
            breaker: Breaker::new(),
            clock: Box::new(clock),
            timer: Box::new(timer),
            limit,
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// For a verb that begins now.
    pub(crate) const fn calls(&self) -> Calls<'_> {
        Calls { guarded: self, alarm: None }
    }
}

impl<'a> Calls<'a> {
    /// The store's list of owners, for [`ask`](Self::ask).
    pub(crate) fn index(&self) -> Option<&'a dyn OwnerIndex> {
        self.guarded.store.owner_index()
    }

    /// Waits for a call to the list of owners.
    pub(crate) fn ask<'s, T>(
        &'s mut self,
        call: IndexCall<'s, T>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        self.call("owners", call)
    }

    /// Removes sessions, several at once; how many were there.
    pub(crate) async fn destroy_each(&mut self, ids: &[SessionId]) -> Result<u64, StoreError> {
        /// Enough to fill the way to a server, and few enough to leave it to others.
        const AT_ONCE: usize = 16;
        let store = &self.guarded.store;
        let destroyed = stream::iter(ids)
            .map(|id| store.destroy(id))
            .buffer_unordered(AT_ONCE)
            .try_fold(0, async |ended, was_there| Ok(ended + u64::from(was_there)));
        self.call("destroy", Box::pin(destroyed)).await
    }

    pub(crate) fn get<'s>(
        &'s mut self,
        id: &'s SessionId,
    ) -> impl Future<Output = Result<Option<Stored>, StoreError>> {
        self.call("get", self.guarded.store.get(id))
    }

    pub(crate) fn get_and_touch<'s>(
        &'s mut self,
        id: &'s SessionId,
        hint: TouchHint<'s>,
    ) -> impl Future<Output = Result<Option<Stored>, StoreError>> {
        self.call("get_and_touch", self.guarded.store.get_and_touch(id, hint))
    }

    /// Writes a session; one that shall live for a while only is given no more than that.
    pub(crate) fn set<'s>(
        &'s mut self,
        id: &'s SessionId,
        document: &'s Document,
        expect: Expect<'s>,
        at_most: Option<Duration>,
    ) -> impl Future<Output = Result<SetOutcome, StoreError>> {
        let store = &self.guarded.store;
        self.call(
            "set",
            match at_most {
                None => store.set(id, document, expect),
                Some(at_most) => store.set_for(id, document, expect, at_most),
            },
        )
    }

    pub(crate) fn touch<'s>(
        &'s mut self,
        id: &'s SessionId,
        document: &'s Document,
        cookie: &'s Cookie,
    ) -> impl Future<Output = Result<TouchOutcome, StoreError>> {
        self.call("touch", self.guarded.store.touch(id, document, cookie))
    }

    pub(crate) fn destroy<'s>(
        &'s mut self,
        id: &'s SessionId,
    ) -> impl Future<Output = Result<bool, StoreError>> {
        self.call("destroy", self.guarded.store.destroy(id))
    }

    pub(crate) fn supersede<'s>(
        &'s mut self,
        id: &'s SessionId,
        expect: Expect<'s>,
        by: Successor<'s>,
    ) -> impl Future<Output = Result<SupersedeOutcome, StoreError>> {
        self.call("supersede", self.guarded.store.supersede(id, expect, by))
    }

    pub(crate) fn successor<'s>(
        &'s mut self,
        id: &'s SessionId,
    ) -> impl Future<Output = Result<Option<SessionId>, StoreError>> {
        self.call("successor", self.guarded.store.successor(id))
    }

    /// Waits for something that is not the store: a turn behind other writers.
    pub(crate) async fn wait<T>(&mut self, turn: impl Future<Output = T>) -> Result<T, StoreError> {
        let mut turn = pin!(turn);
        poll_fn(|context| match turn.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => self.poll_alarm(context).map(Err),
        })
        .await
    }

    async fn call<T>(&mut self, verb: &'static str, mut call: Call<'_, T>) -> Result<T, StoreError> {
        let guarded = self.guarded;
        guarded.breaker.admit(|| guarded.now())?;
        let watch = Stopwatch::start();
        let span = tracing::debug_span!(target: "express_session", "session_store", verb);
        // Mostly nobody listens, and a span takes more room in the future than the call.
        let span = (!span.is_disabled()).then(|| Box::new(span));
        let answer = poll_fn(|context| {
            let _entered = span.as_ref().map(|span| span.enter());
            match call.as_mut().poll(context) {
                Poll::Ready(answer) => Poll::Ready(answer),
                Poll::Pending => self.poll_alarm(context).map(Err),
            }
        })
        .await;
        numbers::store_call(verb, watch, answer.as_ref().err().map(events::kind));
        match &answer {
            Err(error) if error.concerns_reads() => guarded.breaker.failed(|| guarded.now()),
            _ => guarded.breaker.answered(),
        }
        answer
    }

    /// Ready with [`StoreError::Timeout`] once the verb has taken too long.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<StoreError> {
        let Self { guarded: GuardedStore { timer, limit, .. }, alarm } = self;
        let alarm = alarm.get_or_insert_with(|| timer.sleep(*limit));
        alarm.as_mut().poll(context).map(|()| StoreError::Timeout(*limit))
    }
}

impl fmt::Debug for Calls<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("is_waiting", &self.alarm.is_some()).finish_non_exhaustive()
    }
}
