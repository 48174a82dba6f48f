//! The contract between the session model and a store.
//!
//! Every clause below is a check in the crate `express-session-contract`, which all our stores pass.

pub(crate) mod breaker;
mod erased;
mod error;
mod expiry;
pub(crate) mod guarded;
mod listing;
mod outcome;
mod owner_index;
mod revision;
mod timer;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::cookie::Cookie;
use crate::document::Document;
use crate::session_id::SessionId;

pub use error::{BoxError, StoreError};
pub use expiry::{Life, TouchAfter};
pub use listing::{Cursor, DEFAULT_PAGE, Listed, Listing, Page};
pub use outcome::{Expect, SetOutcome, Stored, Successor, SupersedeOutcome, TouchHint, TouchOutcome};
pub use owner_index::{CONDEMNED, EntryState, IndexCall, OwnerEntry, OwnerIndex, PENDING};
pub use revision::Revision;
pub use timer::{NoTimer, Timer};

/// Keeps sessions.
///
/// # Contract
///
/// - **Ids are data.** Any [`SessionId`] is possible, with `/`, `..`, NUL, 4 kB or non-ASCII text in it. A
///   store that cannot hold one says [`StoreError::UnsupportedId`] in `set` and treats it as absent elsewhere.
/// - **Expiry is checked on every read**, by the store's own authority; whether a sweep has run does not matter.
/// - **Writes are atomic.** Readers see the old or the new document, never a mixture, also if the process dies.
/// - **`Expect::Revision` is compare-and-set**, one atomic step in the backend.
/// - **Gone is gone.** Neither `set` with a revision nor `touch` creates a session.
/// - **A mark is no session.** An id that was superseded is absent to all verbs but `successor`.
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
    /// set `touched` only if the life given is the one [`touch`](Self::touch) would give. For any other backend this is [`get`](Self::get).
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
    /// The life is counted by the backend's rule from the document's cookie (and the store's own `ttl`). With
    /// [`Expect::Any`] the outcome is always `Written`.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`], [`StoreError::UnsupportedId`]; [`StoreError::Corrupt`] if a conflicting
    /// document cannot be read; others if the backend fails.
    fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> impl Future<Output = Result<SetOutcome, StoreError>> + Send;

    /// As [`set`](Self::set), for a session that may never be asked for again: it lives for at most `at_most`, until the
    /// next `touch` or `set` gives it its full life.
    ///
    /// The same document is stored; only what the backend itself goes by is shortened. A store that is configured not to
    /// touch, so that nothing would ever lengthen such a life, gives the full one. Source: ours, for the option
    /// [`first_life`](crate::OptionsBuilder::first_life).
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> impl Future<Output = Result<SetOutcome, StoreError>> + Send;

    /// Extends the life of a stored session without rewriting its data.
    ///
    /// `document` is the session as the request has read it, and `cookie` its cookie with its full lifetime again; at
    /// most the cookie is stored, never the data.
    ///
    /// # Errors
    ///
    /// If the backend fails. That the session is gone is an outcome, not an error.
    fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> impl Future<Output = Result<TouchOutcome, StoreError>> + Send;

    /// Removes a session; whether there was a live one. Of several callers at once, one gets `true`.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn destroy(&self, id: &SessionId) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Removes a session, if what is stored is as expected, because another one takes its place: after a login.
    ///
    /// For the [grace](Successor::grace) the id has a mark that names the [`successor`](Self::successor). It is no
    /// session: every other verb finds nothing under the id, no listing shows it, and a Node server finds no session
    /// either. Removing and marking are one step. With [`Expect::Any`] the id has its mark afterwards, also if there was
    /// no session.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> impl Future<Output = Result<SupersedeOutcome, StoreError>> + Send;

    /// The id of the session that has taken the place of this one, while its mark lasts. Asked only when there is no
    /// session under the id.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn successor(&self, id: &SessionId)
    -> impl Future<Output = Result<Option<SessionId>, StoreError>> + Send;

    /// The list of owners, if the store keeps one: with it a user's sessions can be shown, ended and counted.
    ///
    /// # Default
    ///
    /// None: sessions have no owners.
    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        None
    }
}

/// What operators need beyond the life of single requests. Not every store can offer it.
pub trait SessionStoreAdmin: SessionStore {
    /// Some of the live sessions, undecodable ones too: the first ones, or those after a place that an earlier page named.
    ///
    /// About `limit` of them, at least one; a backend that finds a few more at once gives them. [`Listing`] asks for one page
    /// after the other.
    ///
    /// - Every session that is there from the first page to the last is on one of them, whatever else is written, read or
    ///   removed meanwhile. One that comes or goes meanwhile may be.
    /// - A session may be on more than one page (Redis, while its table grows), but once on each. Whoever counts or must not
    ///   do a thing twice remembers what he has seen.
    /// - A document that cannot be decoded is listed with the reason, and stays where it is. One that is falsy is no session.
    /// - A store holds no more than a page in memory, and a bounded number of ids.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidCursor`] if the place is not one of this store's; others if the backend fails.
    fn page(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// A live session as a page would list it, undecodable or not. `None` if it is absent, expired, or a falsy document.
    ///
    /// Unlike [`get`](SessionStore::get) it tells the life of a session in every store that knows one, and moves nothing into
    /// quarantine.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn look(&self, id: &SessionId) -> impl Future<Output = Result<Option<Listed>, StoreError>> + Send;

    /// Stores a session that was made elsewhere, unless something is stored under its id, or a mark says that it was superseded;
    /// whether it did. One atomic step.
    ///
    /// It lives for at most `at_most`, as by [`set_for`](SessionStore::set_for), also in a store that does not touch. A life
    /// that is over is not stored.
    ///
    /// # Errors
    ///
    /// As [`set`](SessionStore::set).
    fn add(
        &self,
        id: &SessionId,
        document: &Document,
        at_most: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

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
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        S::set(self, id, document, expect).await
    }
    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        S::set_for(self, id, document, expect, at_most).await
    }
    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        S::touch(self, id, document, cookie).await
    }
    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        S::destroy(self, id).await
    }
    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        S::supersede(self, id, expect, by).await
    }
    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        S::successor(self, id).await
    }
    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        S::owner_index(self)
    }
}
