//! What goes into a store's verbs, and what comes out.

use std::time::Duration;

use crate::cookie::Cookie;
use crate::document::Document;
use crate::session_id::SessionId;
use crate::store::Revision;
use crate::store::{Life, TouchAfter};

/// A session as it was found in a store.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The session.
    pub document: Document,
    /// What to name in [`Expect::Revision`] to write over exactly this document.
    pub revision: Revision,
    /// How much of its life the session has left, if reading it told the store so.
    pub life: Option<Life>,
    /// Whether this read has extended the session's life as [`SessionStore::touch`](crate::SessionStore::touch) would have.
    pub touched: bool,
}

impl Stored {
    /// A session that was only read.
    pub const fn new(document: Document, revision: Revision) -> Self {
        Self { document, revision, life: None, touched: false }
    }

    /// A session that was only read, by a store whose revisions are the bytes that it keeps.
    ///
    /// The revision shares the document's memory, unless the bytes are another text: encrypted, or not valid UTF-8.
    pub fn of_bytes(document: Document, bytes: &[u8]) -> Self {
        let revision = if document.text().as_bytes() == bytes {
            Revision::of_bytes(document.shared_text())
        } else {
            Revision::of_bytes(bytes)
        };
        Self::new(document, revision)
    }
}

/// What a write expects to find.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Expect<'a> {
    /// Anything or nothing: express's blind `set`, for ids nobody else knows yet.
    Any,
    /// Exactly the document this revision was read or written with.
    Revision(&'a Revision),
}

/// What became of a write.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum SetOutcome {
    /// The document is stored; its new revision.
    Written(Revision),
    /// Nothing was written: another writer came first. What is stored now.
    Conflict(Box<Stored>),
    /// Nothing was written: the session was destroyed or has expired meanwhile.
    Gone,
}

/// What takes the place of a session that is superseded.
#[derive(Clone, Copy, Debug)]
pub struct Successor<'a> {
    /// The id of the session that goes on.
    pub id: &'a SessionId,
    /// How long the old id remembers it; zero if it leaves no mark at all.
    pub grace: Duration,
}

/// What became of a session that was to be superseded.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum SupersedeOutcome {
    /// Nothing is stored under the id any more, and it has its mark.
    Superseded,
    /// Nothing was changed: another writer came first. What is stored now.
    Conflict(Box<Stored>),
    /// Nothing was changed: the session was destroyed or has expired meanwhile.
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
