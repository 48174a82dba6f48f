//! How operators go through all sessions: a page at a time, so that no list of all of them is ever in memory.

use std::fmt;

use crate::document::DecodeError;
use crate::session_id::SessionId;
use crate::store::{SessionStoreAdmin, StoreError, Stored};

/// How many sessions a page has unless told otherwise.
pub const DEFAULT_PAGE: usize = 500;

/// A session as a listing finds it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Listed {
    /// The session's id.
    pub id: SessionId,
    /// How many bytes the store keeps as its document.
    pub size: usize,
    /// What [`get`](crate::SessionStore::get) would find, its life included if the store knows it; or why it cannot be decoded.
    /// Nothing is moved or removed on account of that.
    pub stored: Result<Stored, DecodeError>,
}

impl Listed {
    /// A session, or what stands in its place.
    pub const fn new(id: SessionId, size: usize, stored: Result<Stored, DecodeError>) -> Self {
        Self { id, size, stored }
    }
}

/// A part of all sessions.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Page {
    /// The sessions; possibly none, although there are more pages.
    pub sessions: Vec<Listed>,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<Cursor>,
}

impl Page {
    /// A page, and where the next one begins.
    pub const fn new(sessions: Vec<Listed>, next: Option<Cursor>) -> Self {
        Self { sessions, next }
    }
}

/// A place in a listing, in the form of the store that made it.
///
/// It may have a session id in it, which is a credential: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Box<[u8]>);

impl Cursor {
    /// A place that a store has put into bytes.
    pub fn of_bytes(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes given to [`of_bytes`](Self::of_bytes).
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidCursor`] if they are none.
    pub fn as_text(&self) -> Result<&str, StoreError> {
        std::str::from_utf8(&self.0).map_err(|_| StoreError::InvalidCursor)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor(..)")
    }
}

/// All sessions of a store, page by page.
#[derive(Debug)]
pub struct Listing<'a, S> {
    store: &'a S,
    limit: usize,
    after: Option<Cursor>,
    is_over: bool,
}

impl<'a, S: SessionStoreAdmin> Listing<'a, S> {
    /// A listing from the beginning, with about `limit` sessions a page.
    pub const fn new(store: &'a S, limit: usize) -> Self {
        Self { store, limit, after: None, is_over: false }
    }

    /// The next page that has sessions on it; `None` after the last. After an error the same page is asked for again.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    pub async fn next(&mut self) -> Result<Option<Vec<Listed>>, StoreError> {
        while !self.is_over {
            let page = self.store.page(self.after.as_ref(), self.limit).await?;
            self.is_over = page.next.is_none();
            self.after = page.next;
            if !page.sessions.is_empty() {
                return Ok(Some(page.sessions));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_shows_no_id() {
        assert_eq!(format!("{:?}", Cursor::of_bytes(*b"secret")), "Cursor(..)");
        assert!(matches!(Cursor::of_bytes([0xff]).as_text(), Err(StoreError::InvalidCursor)));
    }
}
