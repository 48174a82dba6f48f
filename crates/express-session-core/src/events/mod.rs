//! What happens to sessions, for logs and numbers: one word for each step, said in one place.
//!
//! An event names a session by its [handle](crate::SessionHandle), which opens nothing and cannot be guessed from. Where
//! nobody listens an event costs a look at a flag, and the handle is not worked out. The log's target is `express_session`.

#[cfg_attr(not(feature = "metrics"), path = "no_numbers.rs")]
pub(crate) mod numbers;

use crate::session::SessionManager;
use crate::session_id::SessionId;
use crate::store::StoreError;

/// What a request found under the cookie it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// Its session.
    Found,
    /// Nothing: it has expired, or was ended, here or elsewhere.
    Missing,
    /// It came without a cookie of ours, or with one whose signature is wrong.
    NoCookie,
    /// A record that cannot be decoded.
    Corrupt,
}

impl Loaded {
    const fn word(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Missing => "missing",
            Self::NoCookie => "no_cookie",
            Self::Corrupt => "corrupt",
        }
    }
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The handler called `destroy` or `purge`, or took the session away where the options say that this ends it.
    Destroyed,
    /// `regenerate`: another one has taken its place.
    Regenerated,
    /// It has lived as long as the option `absolute_timeout` allows.
    AbsoluteTimeout,
    /// It began in a request that a login has overtaken.
    Overtaken,
    /// Its cookie could not be sent.
    NoCookie,
    /// Its owner, or an administrator, has ended it from elsewhere.
    ByOwner,
    /// Its owner has logged in once more than the option `owner_limit` allows.
    OwnerLimit,
}

impl Ended {
    const fn word(self) -> &'static str {
        match self {
            Self::Destroyed => "destroyed",
            Self::Regenerated => "regenerated",
            Self::AbsoluteTimeout => "absolute_timeout",
            Self::Overtaken => "overtaken_by_login",
            Self::NoCookie => "no_cookie",
            Self::ByOwner => "by_owner",
            Self::OwnerLimit => "owner_limit",
        }
    }
}

/// The kind of a store's failure, in one word.
pub(crate) const fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable(_) => "unavailable",
        StoreError::ReadOnly(_) => "read_only",
        StoreError::Timeout(_) => "timeout",
        StoreError::Corrupt(_) => "corrupt",
        StoreError::TooLarge { .. } => "too_large",
        StoreError::UnsupportedId(_) => "unsupported_id",
        StoreError::InvalidCursor => "invalid_cursor",
        StoreError::Backend(_) => "backend",
    }
}

/// A request has looked for its session.
pub(crate) fn loaded(manager: &SessionManager, id: Option<&SessionId>, found: Loaded) {
    numbers::loaded(found.word());
    if let (Some(id), Loaded::Missing) = (id, found) {
        tracing::debug!(
            target: "express_session",
            session = %manager.handle(id),
            "session not found: it has expired or was ended"
        );
    }
}

/// A session was written for the first time.
pub(crate) fn created(manager: &SessionManager, id: &SessionId) {
    numbers::happened("created");
    tracing::info!(target: "express_session", session = %manager.handle(id), "session created");
}

/// A session goes on under another id.
pub(crate) fn renewed(manager: &SessionManager, from: &SessionId, to: &SessionId) {
    numbers::happened("renewed");
    tracing::info!(
        target: "express_session",
        session = %manager.handle(to),
        before = %manager.handle(from),
        "session renewed"
    );
}

/// A session was removed.
pub(crate) fn ended(manager: &SessionManager, id: &SessionId, why: Ended) {
    numbers::ended(why.word());
    tracing::info!(target: "express_session", session = %manager.handle(id), reason = why.word(), "session ended");
}

/// A request wanted to write a session that has ended meanwhile.
pub(crate) fn gone(manager: &SessionManager, id: &SessionId) {
    numbers::happened("gone");
    tracing::info!(
        target: "express_session",
        session = %manager.handle(id),
        "session not saved: it has ended while the request was at work"
    );
}

/// Somebody else has written the session meanwhile; the changes are put on top of theirs.
pub(crate) fn conflict(manager: &SessionManager, id: &SessionId) {
    numbers::happened("conflict");
    tracing::debug!(target: "express_session", session = %manager.handle(id), "session conflict: merged, and written again");
}

/// A login was refused, because its owner has as many sessions as there may be.
pub(crate) fn refused(manager: &SessionManager, id: &SessionId) {
    numbers::happened("refused");
    tracing::info!(
        target: "express_session",
        session = %manager.handle(id),
        "login refused: its owner has as many sessions as owner_limit allows"
    );
}
