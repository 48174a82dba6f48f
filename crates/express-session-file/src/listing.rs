//! A listing of the folder in the order of ids, a page at a time.
//!
//! ```text
//! one pass over the names  ->  the first 65 536 ids after the last page  ->  page after page is read from them
//! ```
//!
//! A folder cannot be entered in the middle, and has no order that lasts. So each pass looks at all names and keeps a bounded
//! number of them: a million sessions are listed in 16 passes, and whatever comes and goes, a session that stays is in the
//! pass that covers its id.

use std::collections::{BinaryHeap, VecDeque};
use std::mem;
use std::sync::PoisonError;

use express_session_core::{Cursor, DecodeError, Listed, Page, SessionId, StoreError, Stored};

use crate::error::FileError;
use crate::folder::Folder;
use crate::lock;

/// How many ids one pass keeps: some 5 MB of them.
const AHEAD: usize = 65_536;

/// What a pass has found and no page has given yet.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// The last id that was given.
    after: String,
    ids: VecDeque<SessionId>,
    /// There are no more after these.
    is_all: bool,
}

impl Folder {
    /// Some live sessions after this place.
    pub(crate) fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let after = after.map_or(Ok(""), Cursor::as_text)?;
        let mut ahead = match mem::take(&mut *self.ahead()) {
            Some(ahead) if ahead.after == after && !ahead.ids.is_empty() => ahead,
            // The first page, the end of a pass, or somebody else lists as well.
            _ => self.look_ahead(after, AHEAD)?,
        };
        let count = limit.max(1).min(ahead.ids.len());
        let ids: Vec<_> = ahead.ids.drain(..count).collect();
        let is_last = ahead.is_all && ahead.ids.is_empty();
        let last = if is_last { None } else { ids.last().map(|id| id.as_str().to_owned()) };
        let mut sessions = Vec::with_capacity(count);
        for id in ids {
            sessions.extend(self.listed(id)?);
        }
        if let Some(last) = &last {
            ahead.after.clone_from(last);
            *self.ahead() = Some(ahead);
        }
        Ok(Page::new(sessions, last.map(|last| Cursor::of_bytes(last.into_bytes()))))
    }

    fn ahead(&self) -> std::sync::MutexGuard<'_, Option<Ahead>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first `most` ids after this one.
    fn look_ahead(&self, after: &str, most: usize) -> Result<Ahead, FileError> {
        let mut first = BinaryHeap::new();
        let mut is_all = true;
        self.for_each_session::<FileError>(|id, _| {
            if id.as_str() > after {
                first.push(id);
            }
            if first.len() > most {
                first.pop();
                is_all = false;
            }
            Ok(())
        })?;
        Ok(Ahead { after: after.to_owned(), ids: first.into_sorted_vec().into(), is_all })
    }

    /// The session as it is in its file: neither locked nor moved to the quarantine. None if it is gone or has expired.
    pub(crate) fn listed(&self, id: SessionId) -> Result<Option<Listed>, StoreError> {
        let Ok(path) = self.layout.locate(&id) else { return Ok(None) };
        let Some(bytes) = lock::read(&path.file)? else { return Ok(None) };
        let stored: Result<Option<Stored>, DecodeError> = self
            .documents
            .decode(&bytes)
            .map(|document| document.and_then(|document| self.stored(document, &bytes)));
        Ok(stored.transpose().map(|stored| Listed::new(id, bytes.len(), stored)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a panic is the failure")]

    use std::fs;

    use super::*;
    use crate::options::FileOptions;

    #[test]
    fn a_pass_keeps_the_first_ids_and_knows_whether_there_are_more() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b", "e", "a", "d", "c"] {
            fs::write(dir.path().join(format!("{name}.json")), r#"{"cookie":{}}"#).unwrap();
        }
        let (folder, _) = Folder::open(FileOptions::new().path(dir.path())).unwrap();
        for (after, most, expected, is_all) in [
            ("", 2, "ab", false),
            ("", 5, "abcde", true),
            ("b", 2, "cd", false),
            ("c", 2, "de", true),
            ("e", 2, "", true),
        ] {
            let ahead = folder.look_ahead(after, most).unwrap();
            let ids: String = ahead.ids.iter().map(SessionId::as_str).collect();
            assert_eq!((&*ids, ahead.is_all), (expected, is_all), "{after} {most}");
        }
    }

    /// Two who list at the same time take each other's names away, and read the folder again.
    #[test]
    fn two_listings_at_once_are_both_whole() {
        let dir = tempfile::tempdir().unwrap();
        for name in 10..40 {
            fs::write(dir.path().join(format!("{name}.json")), r#"{"cookie":{}}"#).unwrap();
        }
        let (folder, _) = Folder::open(FileOptions::new().path(dir.path())).unwrap();
        let mut listings = [(None, 0, 7), (None, 0, 4)];
        while listings.iter().any(|(_, found, _)| *found < 30) {
            for (after, found, limit) in &mut listings {
                if *found < 30 {
                    let page = folder.page(after.as_ref(), *limit).unwrap();
                    *found += page.sessions.len();
                    assert_eq!(page.next.is_none(), *found == 30);
                    *after = page.next;
                }
            }
        }
        assert!(listings.iter().all(|(after, found, _)| after.is_none() && *found == 30));
    }
}
