//! Going through all sessions of a store, each once.

use express_session_core::{Cursor, Listed, StoreError};

use crate::seen::Seen;
use crate::store::AnyStore;

/// All sessions, page by page.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    store: &'a AnyStore,
    limit: usize,
    seen: Seen,
    after: Option<Cursor>,
    is_over: bool,
}

impl<'a> Pages<'a> {
    pub(crate) fn of(store: &'a AnyStore, limit: usize) -> Self {
        Self { store, limit, seen: Seen::of(store), after: None, is_over: false }
    }

    /// The next page that has sessions on it; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Listed>>, StoreError> {
        while !self.is_over {
            let mut page = self.store.page(self.after.as_ref(), self.limit).await?;
            self.is_over = page.next.is_none();
            self.after = page.next;
            self.seen.only_new(&mut page.sessions);
            if !page.sessions.is_empty() {
                return Ok(Some(page.sessions));
            }
        }
        Ok(None)
    }
}
