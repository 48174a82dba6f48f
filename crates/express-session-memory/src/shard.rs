//! One part of the store: sessions in the order of their use. Nothing here waits or knows the time.

use std::sync::Arc;

use express_session_core::UnixMillis;
use foldhash::fast::RandomState;
use lru::LruCache;

use crate::life::Deadline;
use crate::marks::Marks;

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
    sessions: LruCache<Box<[u8]>, Entry, RandomState>,
    pub(crate) marks: Marks,
    last_revision: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) expirations: u64,
}

impl Shard {
    pub(crate) fn new() -> Self {
        Self {
            sessions: new_table(),
            marks: Marks::new(),
            last_revision: 0,
            hits: 0,
            misses: 0,
            expirations: 0,
        }
    }

    /// Looks an id up and uses its session, which becomes the most recently used one.
    pub(crate) fn find<R>(
        &mut self,
        id: &[u8],
        now: UnixMillis,
        use_it: impl FnOnce(&mut Entry) -> R,
    ) -> Lookup<R> {
        match self.sessions.get_mut(id) {
            None => Lookup::Absent,
            Some(entry) if !entry.deadline.is_past(now) => Lookup::Live(use_it(entry)),
            Some(_) => {
                self.expirations += 1;
                self.sessions.pop(id).map_or(Lookup::Absent, Lookup::Expired)
            }
        }
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
        self.sessions.put(id.into(), entry);
    }

    pub(crate) fn remove(&mut self, id: &[u8]) -> Option<Entry> {
        self.sessions.pop(id)
    }

    /// Removes the least recently used session, unless it is `keep`.
    pub(crate) fn evict(&mut self, keep: &[u8]) -> Option<(Box<[u8]>, Entry)> {
        let (oldest, _) = self.sessions.peek_lru()?;
        if &**oldest == keep { None } else { self.sessions.pop_lru() }
    }

    /// Removes all expired sessions, telling `removed` of each.
    pub(crate) fn sweep(&mut self, now: UnixMillis, mut removed: impl FnMut(&[u8], &Entry)) {
        self.sessions.retain(|id, entry| {
            let expired = entry.deadline.is_past(now);
            if expired {
                self.expirations += 1;
                removed(id, entry);
            }
            !expired
        });
    }

    /// Removes everything; its memory goes back as well.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = (Box<[u8]>, Entry)> + use<> {
        self.marks = Marks::new();
        let mut sessions = std::mem::replace(&mut self.sessions, new_table());
        std::iter::from_fn(move || sessions.pop_lru())
    }

    /// All sessions, the most recently used first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Entry)> {
        self.sessions.iter().map(|(id, entry)| (&**id, entry))
    }
}

fn new_table() -> LruCache<Box<[u8]>, Entry, RandomState> {
    // Unbounded: the bounds are the whole store's.
    LruCache::unbounded_with_hasher(RandomState::default())
}
