//! The contract between the session model and a store.
//!
//! Every clause below is a check in the crate `express-session-contract`, which all our stores pass.

pub(crate) mod expiry;
pub(crate) mod timer;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::cookie::Cookie;
use crate::document::{DecodeError, Record};
use crate::session_id::SessionId;
use crate::store::expiry::{Life, TouchAfter};

/// Identifies the exact bytes a store holds for a session.
///
/// Opaque to everyone but the store that made it. It is derived from what is stored, not kept beside it, so a
/// write by a Node server changes it too. `Debug` does not show it, because it may be the bytes themselves.
#[derive(Clone, PartialEq, Eq)]
pub struct Revision(RevisionKind);

#[derive(Clone, PartialEq, Eq)]
enum RevisionKind {
    Bytes(Arc<[u8]>),
    Number(u64),
}

impl Revision {
    /// A revision that is the stored bytes (or a digest of them).
    pub fn of_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(RevisionKind::Bytes(bytes.into()))
    }

    /// A revision that is a number the store gives to each write.
    pub const fn of_number(number: u64) -> Self {
        Self(RevisionKind::Number(number))
    }

    /// The bytes given to [`of_bytes`](Self::of_bytes); empty for a number.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            RevisionKind::Bytes(bytes) => bytes,
            RevisionKind::Number(_) => &[],
        }
    }

    /// The number given to [`of_number`](Self::of_number).
    pub const fn as_number(&self) -> Option<u64> {
        match self.0 {
            RevisionKind::Bytes(_) => None,
            RevisionKind::Number(number) => Some(number),
        }
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revision(..)")
    }
}

/// A record as it was found in a store.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The session.
    pub record: Record,
    /// What to name in [`Expect::Revision`] to write over exactly this record.
    pub revision: Revision,
    /// How much of its life the record has left, if reading it told the store so.
    pub life: Option<Life>,
    /// Whether this read has extended the record's life as [`SessionStore::touch`] would have.
    pub touched: bool,
}

impl Stored {
    /// A record that was only read.
    pub const fn new(record: Record, revision: Revision) -> Self {
        Self { record, revision, life: None, touched: false }
    }
}

/// What a write expects to find.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Expect<'a> {
    /// Anything or nothing: express's blind `set`, for ids nobody else knows yet.
    Any,
    /// Exactly the record this revision was read or written with.
    Revision(&'a Revision),
}

/// What became of a write.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum SetOutcome {
    /// The record is stored; its new revision.
    Written(Revision),
    /// Nothing was written: another writer came first. What is stored now.
    Conflict(Box<Stored>),
    /// Nothing was written: the session was destroyed or has expired meanwhile.
    Gone,
}

/// What became of a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum TouchOutcome {
    /// The session lives on (or the store is configured not to touch).
    Touched,
    /// The session is not there; nothing was created.
    Gone,
}

/// What a touch at the end of the request will probably ask for, told to the store when the session is read.
#[derive(Clone, Copy, Debug)]
pub struct TouchHint<'a> {
    /// A cookie as the options would create it now.
    pub cookie: &'a Cookie,
    /// Which touches may be skipped.
    pub touch_after: TouchAfter,
}

/// Why a store could not do what it was asked.
///
/// An absent or expired session is not an error. No variant's text holds an id, a key or session data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The backend cannot be reached or refuses to serve: down, starting, out of connections, read-only …
    /// Trying again later can help; the outage policy applies.
    #[error("the session store is unavailable")]
    Unavailable(#[source] BoxError),
    /// The backend did not answer in time. The operation may or may not have been carried out.
    #[error("the session store did not answer within {0:?}")]
    Timeout(Duration),
    /// What is stored for this id is not a session. It has been left where it is, or put into quarantine.
    #[error("the stored session cannot be decoded")]
    Corrupt(#[source] DecodeError),
    /// The record is larger than the backend accepts.
    #[error("the session is too large for the store: {size} bytes")]
    TooLarge {
        /// The size of the encoded record in bytes.
        size: usize,
        /// The backend's own error, if it has one.
        #[source]
        source: Option<BoxError>,
    },
    /// This id cannot be stored here: too long, or not a possible name.
    #[error("the session id cannot be used with this store: {0}")]
    UnsupportedId(&'static str),
    /// Anything else the backend reports: a missing table, missing rights, a bug.
    #[error("the session store failed")]
    Backend(#[source] BoxError),
}

/// Any error of a driver.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

impl StoreError {
    /// Whether the store as a whole is out of order, which is what the outage policy is about.
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout(_))
    }
}

impl From<DecodeError> for StoreError {
    fn from(error: DecodeError) -> Self {
        Self::Corrupt(error)
    }
}

/// Keeps sessions.
///
/// # Contract
///
/// - **Ids are data.** Any [`SessionId`] is possible, with `/`, `..`, NUL, 4 kB or non-ASCII text in it. A
///   store that cannot hold one says [`StoreError::UnsupportedId`] in `set` and treats it as absent elsewhere.
/// - **Expiry is checked on every read**, by the store's own authority; whether a sweep has run does not matter.
/// - **Writes are atomic.** Readers see the old or the new record, never a mixture, also if the process dies.
/// - **`Expect::Revision` is compare-and-set**, one atomic step in the backend.
/// - **Gone is gone.** Neither `set` with a revision nor `touch` creates a session.
/// - **Bytes are Node's.** What is stored is what the Node package would have stored for the same session.
/// - **Cancel safety.** If a future is dropped, its operation happened entirely or not at all.
///
/// A clone of a store, where it offers one, is another handle on the same sessions.
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Reads a session without extending its life. `None` if it is absent, expired, or a falsy document.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if what is stored is not a session; others if the backend fails.
    fn get(&self, id: &SessionId) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send;

    /// Reads a session at the start of a request that will most likely only touch it.
    ///
    /// A backend that can read and extend in one step may do so, and says it in [`Stored::touched`]; it may
    /// set `touched` only if the life given is the one [`touch`](Self::touch) would give to the touched
    /// record. For any other backend this is [`get`](Self::get).
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    fn get_and_touch(
        &self,
        id: &SessionId,
        hint: TouchHint<'_>,
    ) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send;

    /// Writes a session and gives it its full life, if what is stored is as expected.
    ///
    /// The life is counted by the backend's rule from the record's cookie (and the store's own `ttl`). With
    /// [`Expect::Any`] the outcome is always `Written`.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`], [`StoreError::UnsupportedId`]; [`StoreError::Corrupt`] if a conflicting
    /// record cannot be read; others if the backend fails.
    fn set(
        &self,
        id: &SessionId,
        record: &Record,
        expect: Expect<'_>,
    ) -> impl Future<Output = Result<SetOutcome, StoreError>> + Send;

    /// Extends the life of a stored session without rewriting its data.
    ///
    /// `record` is the session as the request holds it; at most its cookie is stored, never its data.
    ///
    /// # Errors
    ///
    /// If the backend fails. That the session is gone is an outcome, not an error.
    fn touch(
        &self,
        id: &SessionId,
        record: &Record,
    ) -> impl Future<Output = Result<TouchOutcome, StoreError>> + Send;

    /// Removes a session; whether there was a live one. Of several callers at once, one gets `true`.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn destroy(&self, id: &SessionId) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// What operators need beyond the life of single requests. Not every store can offer it.
pub trait SessionStoreAdmin: SessionStore {
    /// All live sessions. Undecodable records are left out.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn all(&self) -> impl Future<Output = Result<Vec<(SessionId, Record)>, StoreError>> + Send;

    /// The ids of all live sessions.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn ids(&self) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send;

    /// The number of sessions; a store may count expired ones that no sweep has removed yet.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn length(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Removes all sessions.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn clear(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes expired records now; how many. Only reclaims space: an expired record is never read anyway.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn sweep(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The object-safe twin of [`SessionStore`], implemented for every store.
///
/// It keeps the store's type out of handlers and middleware.
pub trait DynSessionStore: fmt::Debug + Send + Sync + 'static {
    /// See [`SessionStore::get`].
    fn get<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Option<Stored>>;
    /// See [`SessionStore::get_and_touch`].
    fn get_and_touch<'a>(&'a self, id: &'a SessionId, hint: TouchHint<'a>) -> BoxFuture<'a, Option<Stored>>;
    /// See [`SessionStore::set`].
    fn set<'a>(
        &'a self,
        id: &'a SessionId,
        record: &'a Record,
        expect: Expect<'a>,
    ) -> BoxFuture<'a, SetOutcome>;
    /// See [`SessionStore::touch`].
    fn touch<'a>(&'a self, id: &'a SessionId, record: &'a Record) -> BoxFuture<'a, TouchOutcome>;
    /// See [`SessionStore::destroy`].
    fn destroy<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, bool>;
}

impl<S: SessionStore> DynSessionStore for S {
    fn get<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Option<Stored>> {
        Box::pin(SessionStore::get(self, id))
    }
    fn get_and_touch<'a>(&'a self, id: &'a SessionId, hint: TouchHint<'a>) -> BoxFuture<'a, Option<Stored>> {
        Box::pin(SessionStore::get_and_touch(self, id, hint))
    }
    fn set<'a>(
        &'a self,
        id: &'a SessionId,
        record: &'a Record,
        expect: Expect<'a>,
    ) -> BoxFuture<'a, SetOutcome> {
        Box::pin(SessionStore::set(self, id, record, expect))
    }
    fn touch<'a>(&'a self, id: &'a SessionId, record: &'a Record) -> BoxFuture<'a, TouchOutcome> {
        Box::pin(SessionStore::touch(self, id, record))
    }
    fn destroy<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, bool> {
        Box::pin(SessionStore::destroy(self, id))
    }
}

impl<S: SessionStore> SessionStore for Arc<S> {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        S::get(self, id).await
    }
    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        S::get_and_touch(self, id, hint).await
    }
    async fn set(
        &self,
        id: &SessionId,
        record: &Record,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        S::set(self, id, record, expect).await
    }
    async fn touch(&self, id: &SessionId, record: &Record) -> Result<TouchOutcome, StoreError> {
        S::touch(self, id, record).await
    }
    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        S::destroy(self, id).await
    }
}
