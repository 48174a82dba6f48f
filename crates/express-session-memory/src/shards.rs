//! All sessions: which part an id belongs to, the bounds, and what is counted.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use express_session_core::{DecodeError, SessionId, UnixMillis};
use foldhash::fast::RandomState;
use parking_lot::{Mutex, MutexGuard};

use crate::life::Deadline;
use crate::options::{Disposal, MemoryOptions};
use crate::recency::Use;
use crate::shard::{Entry, Lookup, Shard, size};
use crate::stats::MemoryStats;

/// Up to this many sessions the store is undivided, so that the order of use is exact.
const UNDIVIDED_MAX: u64 = 16_384;
/// The same for its size in bytes.
const UNDIVIDED_MAX_BYTES: u64 = 8 << 20;
/// Into how many parts larger stores are divided: few requests meet at the same lock, and a sweep that walks
/// through a million sessions holds one lock for less than a millisecond.
const PARTS: usize = 256;

/// What became of a write.
pub(crate) enum Write {
    Written(u64),
    Conflict(Entry),
    Gone,
}

/// What became of a session that was to be superseded.
pub(crate) enum Superseded {
    Done,
    Conflict(Entry),
    Gone,
}

pub(crate) struct Shards {
    pub(crate) parts: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    pub(crate) options: MemoryOptions,
    pub(crate) sessions: AtomicU64,
    pub(crate) bytes: AtomicU64,
    evictions: AtomicU64,
    making_room: Mutex<()>,
    eviction_was_logged: AtomicBool,
}

impl Shards {
    pub(crate) fn new(options: MemoryOptions) -> Self {
        let undivided = options.max.is_some_and(|max| max <= UNDIVIDED_MAX)
            || options.max_bytes.is_some_and(|max| max <= UNDIVIDED_MAX_BYTES);
        let parts = if undivided { 1 } else { PARTS };
        Self {
            parts: (0..parts).map(|_| Mutex::new(Shard::new())).collect(),
            hasher: RandomState::default(),
            options,
            sessions: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
            making_room: Mutex::new(()),
            eviction_was_logged: AtomicBool::new(false),
        }
    }

    pub(crate) fn part_of(&self, id: &SessionId) -> usize {
        if self.parts.len() == 1 {
            return 0;
        }
        usize::try_from(self.hasher.hash_one(id) % self.parts.len() as u64).unwrap_or(0)
    }

    pub(crate) fn lock(&self, part: usize) -> MutexGuard<'_, Shard> {
        self.parts[part].lock()
    }

    /// The session, now the most recently used.
    pub(crate) fn read(&self, id: &SessionId, now: UnixMillis) -> Option<Entry> {
        let mut shard = self.lock(self.part_of(id));
        let why = match shard.find(id.as_bytes(), now, Use::Return, |entry| entry.clone()) {
            Lookup::Live(found) => {
                shard.hits += 1;
                return Some(found);
            }
            Lookup::Expired(entry) => {
                self.left(id.as_bytes(), &entry);
                Some(Disposal::Expired)
            }
            Lookup::Absent => None,
        };
        shard.misses += 1;
        drop(shard);
        self.dispose(id, why);
        None
    }

    /// The document, expired or not, for those who look at the store from outside.
    pub(crate) fn peek(&self, id: &SessionId) -> Option<Arc<str>> {
        self.lock(self.part_of(id)).peek(id.as_bytes()).map(|entry| Arc::clone(&entry.text))
    }

    /// Writes the document over the session with the given revision, or over anything.
    pub(crate) fn write(
        &self,
        id: &SessionId,
        text: Arc<str>,
        deadline: Deadline,
        expected: Option<u64>,
        now: UnixMillis,
    ) -> Write {
        let name = id.as_bytes();
        let new_size = size(name, &text);
        let part = self.part_of(id);
        let mut shard = self.lock(part);
        let revision = shard.next_revision();
        let mut new = Entry { text, deadline, revision };
        let written = shard.find(name, now, Use::Write, |entry| {
            if expected.is_some_and(|expected| expected != entry.revision) {
                return Err(entry.clone());
            }
            std::mem::swap(entry, &mut new);
            Ok(())
        });
        let why = match written {
            Lookup::Live(Ok(())) => {
                self.resized(new.size(name), new_size);
                drop(shard);
                self.make_room(part, id);
                return Write::Written(revision);
            }
            Lookup::Live(Err(other)) => return Write::Conflict(other),
            Lookup::Expired(entry) => {
                self.left(name, &entry);
                Some(Disposal::Expired)
            }
            Lookup::Absent => None,
        };
        if expected.is_none() {
            shard.insert(name, new);
            self.sessions.fetch_add(1, Relaxed);
            self.bytes.fetch_add(new_size, Relaxed);
        }
        drop(shard);
        self.dispose(id, why);
        if expected.is_some() {
            return Write::Gone;
        }
        self.make_room(part, id);
        Write::Written(revision)
    }

    /// Gives a live session a new deadline, and the text that `change` makes of its own, if any; whether
    /// there was one. It keeps its revision: a touch is no conflict for anybody.
    pub(crate) fn touch(
        &self,
        id: &SessionId,
        deadline: Deadline,
        now: UnixMillis,
        change: impl FnOnce(&Entry) -> Result<Option<Arc<str>>, DecodeError>,
    ) -> Result<bool, DecodeError> {
        let name = id.as_bytes();
        let part = self.part_of(id);
        let mut shard = self.lock(part);
        let touched = shard.find(name, now, Use::Write, |entry| {
            let changed = change(entry)?;
            entry.deadline = deadline;
            let before = entry.size(name);
            if let Some(text) = changed {
                entry.text = text;
            }
            Ok((before, entry.size(name)))
        });
        let why = match touched {
            Lookup::Live(resized) => {
                let (before, after) = resized?;
                self.resized(before, after);
                drop(shard);
                self.make_room(part, id);
                return Ok(true);
            }
            Lookup::Expired(entry) => {
                self.left(name, &entry);
                Some(Disposal::Expired)
            }
            Lookup::Absent => None,
        };
        drop(shard);
        self.dispose(id, why);
        Ok(false)
    }

    /// Removes the session; whether there was a live one.
    pub(crate) fn remove(&self, id: &SessionId, now: UnixMillis) -> bool {
        let mut shard = self.lock(self.part_of(id));
        let Some((entry, _)) = shard.remove(id.as_bytes()) else { return false };
        self.left(id.as_bytes(), &entry);
        drop(shard);
        let live = !entry.deadline.is_past(now);
        self.dispose(id, if live { Disposal::Destroyed } else { Disposal::Expired });
        live
    }

    /// Removes the session with the given revision, or whatever is there, and leaves the mark of its successor until then.
    pub(crate) fn supersede(
        &self,
        id: &SessionId,
        expected: Option<u64>,
        mark: Option<(&SessionId, UnixMillis)>,
        now: UnixMillis,
    ) -> Superseded {
        let name = id.as_bytes();
        let mut shard = self.lock(self.part_of(id));
        let found = shard.find(name, now, Use::Write, |entry| match expected {
            Some(expected) if expected != entry.revision => Some(entry.clone()),
            _ => None,
        });
        let mut had_returned = false;
        let (removed, is_done) = match found {
            Lookup::Live(Some(other)) => return Superseded::Conflict(other),
            Lookup::Live(None) => {
                let removed = shard.remove(name);
                had_returned = removed.as_ref().is_some_and(|(_, had_returned)| *had_returned);
                (removed.map(|(entry, _)| (entry, Disposal::Destroyed)), true)
            }
            // Whoever expects a revision learns that it is gone; whoever expects nothing leaves its mark all the same.
            Lookup::Expired(entry) => (Some((entry, Disposal::Expired)), expected.is_none()),
            Lookup::Absent => (None, expected.is_none()),
        };
        if is_done && let Some((successor, until)) = mark {
            shard.marks.leave(name, successor, until, now);
        }
        let why = removed.map(|(entry, why)| {
            self.left(name, &entry);
            why
        });
        drop(shard);
        if had_returned && let Some((successor, _)) = mark {
            self.lock(self.part_of(successor)).has_returned(successor.as_bytes());
        }
        self.dispose(id, why);
        if is_done { Superseded::Done } else { Superseded::Gone }
    }

    /// Which session has taken the place of this one.
    pub(crate) fn successor(&self, id: &SessionId, now: UnixMillis) -> Option<SessionId> {
        self.lock(self.part_of(id)).marks.successor(id.as_bytes(), now)
    }

    /// Removes expired sessions, part by part, until there are no more or `stop` says so; how many.
    pub(crate) fn sweep(&self, now: UnixMillis, stop: impl Fn() -> bool) -> u64 {
        let mut swept = 0;
        for part in 0..self.parts.len() {
            if stop() {
                break;
            }
            let mut to_dispose = Vec::new();
            self.lock(part).sweep(now, |id, entry| {
                swept += 1;
                self.left(id, entry);
                if self.options.dispose.is_some() {
                    to_dispose.extend(parse(id));
                }
            });
            for id in to_dispose {
                self.dispose(&id, Disposal::Expired);
            }
        }
        swept
    }

    /// Removes everything.
    pub(crate) fn clear(&self) {
        for part in 0..self.parts.len() {
            let mut to_dispose = Vec::new();
            let mut shard = self.lock(part);
            for (id, entry) in shard.take_all() {
                self.left(&id, &entry);
                if self.options.dispose.is_some() {
                    to_dispose.extend(parse(&id));
                }
            }
            drop(shard);
            for id in to_dispose {
                self.dispose(&id, Disposal::Cleared);
            }
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.sessions.load(Relaxed)
    }

    pub(crate) fn stats(&self) -> MemoryStats {
        let mut stats = MemoryStats {
            sessions: self.sessions.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            evictions: self.evictions.load(Relaxed),
            ..MemoryStats::default()
        };
        for part in 0..self.parts.len() {
            let shard = self.lock(part);
            stats.hits += shard.hits;
            stats.misses += shard.misses;
            stats.expirations += shard.expirations;
        }
        stats
    }

    /// Drops sessions, newcomers first, until the bounds hold: of the part that has just grown, and if
    /// that has only the session just written, of others. Never more than one part is locked.
    ///
    /// While several threads write, the store may be over its bounds by what they are about to drop.
    pub(crate) fn make_room(&self, grown: usize, keep: &SessionId) {
        if !self.is_over() {
            return;
        }
        let mut to_dispose = Vec::new();
        {
            // One at a time, or two would both drop one for the same excess.
            let _turn = self.making_room.lock();
            let mut part = grown;
            let mut without_result = 0;
            while self.is_over() && without_result < self.parts.len() {
                let evicted = self.lock(part).evict(keep.as_bytes());
                if let Some((id, entry)) = evicted {
                    without_result = 0;
                    self.left(&id, &entry);
                    self.evicted();
                    if self.options.dispose.is_some() {
                        to_dispose.extend(parse(&id));
                    }
                } else {
                    without_result += 1;
                    part = (part + 1) % self.parts.len();
                }
            }
        }
        for id in to_dispose {
            self.dispose(&id, Disposal::Evicted);
        }
    }

    fn is_over(&self) -> bool {
        self.options.max.is_some_and(|max| self.sessions.load(Relaxed) > max)
            || self.options.max_bytes.is_some_and(|max| self.bytes.load(Relaxed) > max)
    }

    fn evicted(&self) {
        self.evictions.fetch_add(1, Relaxed);
        if !self.eviction_was_logged.swap(true, Relaxed) {
            tracing::warn!(
                "the memory store is full: sessions are being dropped, those of visitors who never came back first"
            );
        }
    }

    /// Counts in one step: a moment in which both sizes count could make another thread drop a session.
    fn resized(&self, before: u64, after: u64) {
        if after > before {
            self.bytes.fetch_add(after - before, Relaxed);
        } else {
            self.bytes.fetch_sub(before - after, Relaxed);
        }
    }

    /// Counts a session out that has left; as all counting, while its part is locked, or another thread could count it out
    /// before it is counted in, and the store would seem to be full.
    pub(crate) fn left(&self, id: &[u8], entry: &Entry) {
        self.sessions.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(entry.size(id), Relaxed);
    }

    /// Tells the hook of a session that has left, if one has.
    pub(crate) fn dispose(&self, id: &SessionId, why: impl Into<Option<Disposal>>) {
        if let (Some(dispose), Some(why)) = (&self.options.dispose, why.into()) {
            dispose(id, why);
        }
    }
}

/// An id again, of the bytes under which its session is kept.
pub(crate) fn parse(id: &[u8]) -> Option<SessionId> {
    SessionId::parse(std::str::from_utf8(id).ok()?).ok()
}
