//! One part of the store: its sessions, marks and counts. Nothing here waits or knows the time.

use std::sync::Arc;

use express_session_core::UnixMillis;

use crate::life::Deadline;
use crate::marks::Marks;
use crate::recency::{Recency, Use};

/// What a session takes besides its id and document, in bytes: its place in the table and in the order of use,
/// and what the allocator adds. Measured in `docs/MEMORY_STORE.md`, rounded up.
pub const SESSION_OVERHEAD: u64 = 176;

/// A session as it is kept.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The document's JSON, as Redis would hold it.
    pub(crate) text: Arc<str>,
    pub(crate) deadline: Deadline,
    /// Given by each write, not by a touch, and never given twice to the same id.
    pub(crate) revision: u64,
}

impl Entry {
    /// What [`MemoryOptions::max_bytes`](crate::MemoryOptions::max_bytes) counts.
    pub(crate) fn size(&self, id: &[u8]) -> u64 {
        size(id, &self.text)
    }
}

pub(crate) fn size(id: &[u8], text: &str) -> u64 {
    SESSION_OVERHEAD + (id.len() as u64) + (text.len() as u64)
}

/// What was found for an id.
pub(crate) enum Lookup<R> {
    /// What came of using it.
    Live(R),
    /// It had expired and has been removed.
    Expired(Entry),
    Absent,
}

pub(crate) struct Shard {
    sessions: Recency,
    pub(crate) marks: Marks,
    last_revision: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) expirations: u64,
}

impl Shard {
    pub(crate) fn new() -> Self {
        Self {
            sessions: Recency::new(),
            marks: Marks::new(),
            last_revision: 0,
            hits: 0,
            misses: 0,
            expirations: 0,
        }
    }

    /// Looks an id up and uses its session.
    pub(crate) fn find<R>(
        &mut self,
        id: &[u8],
        now: UnixMillis,
        kind: Use,
        use_it: impl FnOnce(&mut Entry) -> R,
    ) -> Lookup<R> {
        let found = self.sessions.find(id, now, kind, use_it);
        if matches!(found, Lookup::Expired(_)) {
            self.expirations += 1;
        }
        found
    }

    /// The session, live or not, without counting as a use.
    pub(crate) fn peek(&self, id: &[u8]) -> Option<&Entry> {
        self.sessions.peek(id)
    }

    pub(crate) fn next_revision(&mut self) -> u64 {
        self.last_revision += 1;
        self.last_revision
    }

    pub(crate) fn insert(&mut self, id: &[u8], entry: Entry) {
        self.sessions.insert(id, entry);
    }

    /// Removes the session; whether its visitor had come back.
    pub(crate) fn remove(&mut self, id: &[u8]) -> Option<(Entry, bool)> {
        self.sessions.remove(id)
    }

    /// Counts the session among those whose visitors came back.
    pub(crate) fn has_returned(&mut self, id: &[u8]) {
        self.sessions.has_returned(id);
    }

    /// Removes the session that is to go first, but not `keep`.
    pub(crate) fn evict(&mut self, keep: &[u8]) -> Option<(Box<[u8]>, Entry)> {
        self.sessions.evict(keep)
    }

    /// Removes all expired sessions, telling `removed` of each.
    pub(crate) fn sweep(&mut self, now: UnixMillis, mut removed: impl FnMut(&[u8], &Entry)) {
        let expirations = &mut self.expirations;
        self.sessions.sweep(now, |id, entry| {
            *expirations += 1;
            removed(id, entry);
        });
    }

    /// Removes everything; its memory goes back as well.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = (Box<[u8]>, Entry)> + use<> {
        self.marks = Marks::new();
        std::mem::replace(&mut self.sessions, Recency::new()).into_sessions()
    }

    /// All sessions, those of visitors who came back first, of either kind the most recently used first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Entry)> {
        self.sessions.iter()
    }
}
