//! Deliberate bugs, to show that the lab catches them. They exist in this crate only.

use std::sync::Arc;

use express_session_core::{
    Clock, Cookie, Data, Document, Expect, ManualClock, SessionId, SessionStore, SetOutcome, StoreError,
    Stored, Successor, SupersedeOutcome, TouchHint, TouchOutcome, UnixMillis,
};

/// A bug to put into the Rust server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(clippy::exhaustive_enums, reason = "the lab knows these")]
pub enum Sabotage {
    /// A touch says it is done and does nothing.
    Touch,
    /// Keys are written in reverse order.
    KeyOrder,
    /// `originalMaxAge` is not written.
    OriginalMaxAge,
    /// Instants are cut to whole seconds.
    Rounding,
    /// Destroying says it is done and does nothing.
    Destroy,
    /// What others have written or destroyed meanwhile is overwritten.
    Overwrite,
    /// `unset: 'destroy'` is forgotten when `rolling` is on.
    Unset,
    /// `save()` of a session that was stored and has a lifetime says it is done and does nothing.
    Save,
    /// The third secret is forgotten.
    ThirdSecret,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Touch,
        Self::KeyOrder,
        Self::OriginalMaxAge,
        Self::Rounding,
        Self::Destroy,
        Self::Overwrite,
        Self::Unset,
        Self::Save,
        Self::ThirdSecret,
    ];
}

/// The driver's clock; with [`Sabotage::Rounding`], cut to whole seconds.
#[derive(Clone, Debug)]
pub(super) struct RoundedClock {
    clock: Arc<ManualClock>,
    cut: bool,
}

impl RoundedClock {
    pub(super) fn new(clock: Arc<ManualClock>, sabotage: Option<Sabotage>) -> Self {
        Self { clock, cut: sabotage == Some(Sabotage::Rounding) }
    }
}

impl Clock for RoundedClock {
    fn now(&self) -> UnixMillis {
        let UnixMillis(now) = self.clock.now();
        UnixMillis(if self.cut { now - now.rem_euclid(1000) } else { now })
    }
}

/// A store with a bug.
#[derive(Debug)]
pub(super) struct Sabotaged<S> {
    store: S,
    sabotage: Sabotage,
}

impl<S> Sabotaged<S> {
    pub(super) const fn new(store: S, sabotage: Sabotage) -> Self {
        Self { store, sabotage }
    }

    fn spoil(&self, document: &Document) -> Document {
        let mut data = Data::of(document.clone());
        match self.sabotage {
            Sabotage::OriginalMaxAge => {
                // Nothing but a lifetime that is no number is refused.
                let _ = data.cookie_mut().assign("originalMaxAge", None, UnixMillis(0));
            }
            Sabotage::KeyOrder => {
                data = Data::new(document.cookie().clone());
                let entries: Vec<_> = document.entries().collect();
                for (key, text) in entries.into_iter().rev() {
                    // Both were in a document before.
                    let _ = data.insert_raw(&key, text);
                }
            }
            // The rest are elsewhere: in the clock, in the options, in the other verbs, in the operations.
            Sabotage::Touch
            | Sabotage::Rounding
            | Sabotage::Destroy
            | Sabotage::Overwrite
            | Sabotage::Unset
            | Sabotage::Save
            | Sabotage::ThirdSecret => {}
        }
        data.encode()
    }
}

impl<S: SessionStore> SessionStore for Sabotaged<S> {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.store.get(id).await
    }

    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        if self.sabotage == Sabotage::Touch {
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
        let expect = if self.sabotage == Sabotage::Overwrite { Expect::Any } else { expect };
        self.store.set(id, &self.spoil(document), expect).await
    }

    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: std::time::Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.store.set_for(id, &self.spoil(document), expect, at_most).await
    }

    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        if self.sabotage == Sabotage::Touch {
            return Ok(TouchOutcome::Touched);
        }
        self.store.touch(id, document, cookie).await
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        if self.sabotage == Sabotage::Destroy {
            return Ok(true);
        }
        self.store.destroy(id).await
    }

    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        if self.sabotage == Sabotage::Destroy {
            return Ok(SupersedeOutcome::Superseded);
        }
        self.store.supersede(id, expect, by).await
    }

    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        self.store.successor(id).await
    }
}
