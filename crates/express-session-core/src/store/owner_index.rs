//! The optional part of the contract: which sessions belong to whom.

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::time::Duration;

use super::{StoreError, Stored};
use crate::document::Document;
use crate::owner::Owner;
use crate::session_id::SessionId;

/// What a call to an [`OwnerIndex`] gives back: its methods are called through `dyn`.
pub type IndexCall<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// How long an entry stays that nobody has confirmed: longer than any write takes, and short enough to be of no weight.
pub const PENDING: Duration = Duration::from_secs(30);

/// How long an entry that is to end is remembered whose session nobody has found.
pub const CONDEMNED: Duration = Duration::from_hours(1);

/// Which sessions belong to whom: a list of ids per owner, beside the sessions or made of them.
///
/// Whose a session is, its document says ([`Document::owner`]); the list only finds it. So an entry that is too many
/// does no harm and is removed by the next listing, and one that is missing comes back with the next request that reads
/// the session. Sessions keep the list in this order:
///
/// - before a session gets its owner: [`enlist`](Self::enlist), write the session, [`confirm`](Self::confirm). What was
///   [condemned](Self::condemn) in between is not confirmed, and the session is taken back: whoever ends all sessions of
///   an owner also ends those whose login is under way.
/// - while it is used: [`refresh`](Self::refresh) now and then, so that entries nobody refreshes may be forgotten.
/// - to end it: [`condemn`](Self::condemn), destroy the session, [`delist`](Self::delist). A process that dies in
///   between leaves a condemned entry, and the next listing does the rest.
///
/// # Contract
///
/// - **Each call is one step**, atomic for the entries it names.
/// - **Condemned stays condemned** until the entry is removed: neither `enlist` nor `refresh` brings it back.
/// - **Nothing stays for ever.** An entry that is not confirmed is forgotten after [`PENDING`], one that was confirmed or
///   refreshed not before the session's life is over and not later than a small multiple of it, one that was condemned
///   after [`CONDEMNED`]; and nobody has to ask for that.
///
/// A store that finds sessions by what their records say has nothing to keep, and implements [`find`](Self::find) only.
pub trait OwnerIndex: fmt::Debug + Send + Sync {
    /// Every entry of this owner, with what is stored under its id, whosever that is.
    ///
    /// What is stored and cannot be decoded counts as nothing. An expired session is nothing.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn find<'a>(&'a self, owner: &'a Owner) -> IndexCall<'a, Vec<OwnerEntry>>;

    /// Notes a session that is about to be written. An entry that is there stays as it is.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn enlist<'a>(&'a self, _owner: &'a Owner, _id: &'a SessionId) -> IndexCall<'a, ()> {
        Box::pin(ready(Ok(())))
    }

    /// Keeps the entry for as long as the session that has been written; whether it is there and not condemned.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn confirm<'a>(
        &'a self,
        _owner: &'a Owner,
        _id: &'a SessionId,
        _document: &'a Document,
    ) -> IndexCall<'a, bool> {
        Box::pin(ready(Ok(true)))
    }

    /// As [`confirm`](Self::confirm), for a session that was found in the store: an entry that is missing is made.
    /// False if it is condemned.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn refresh<'a>(
        &'a self,
        _owner: &'a Owner,
        _id: &'a SessionId,
        _document: &'a Document,
    ) -> IndexCall<'a, bool> {
        Box::pin(ready(Ok(true)))
    }

    /// How long after [`confirm`](Self::confirm) or [`refresh`](Self::refresh) a session needs the next one; `None` if it
    /// never does.
    fn refresh_after(&self, _id: &SessionId, _document: &Document) -> Option<Duration> {
        None
    }

    /// Notes that these sessions are about to end.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn condemn<'a>(&'a self, _owner: &'a Owner, _ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        Box::pin(ready(Ok(())))
    }

    /// Removes entries.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    fn delist<'a>(&'a self, _owner: &'a Owner, _ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        Box::pin(ready(Ok(())))
    }
}

/// An entry in the list of an owner's sessions.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "a store sets every field")]
pub struct OwnerEntry {
    /// The session it names.
    pub id: SessionId,
    /// How it stands.
    pub entry: EntryState,
    /// What is stored under that id.
    pub stored: Option<Stored>,
}

/// How an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum EntryState {
    /// The session may not be written yet.
    Pending,
    /// The session was there when the entry was confirmed.
    Confirmed,
    /// The session is to end.
    Condemned,
}
