//! All sessions: which part an id belongs to, and what is done to a session while its part is locked.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use express_session_core::{SessionId, UnixMillis};
use foldhash::fast::RandomState;
use parking_lot::{Mutex, MutexGuard};

use crate::bounds::Counts;
use crate::life::Deadline;
use crate::options::{Disposal, MemoryOptions};
use crate::shard::Shard;
use crate::slot::{Found, Key, Slot};
use crate::stats::MemoryStats;
use crate::table::{Lookup, Use};

/// Up to this many sessions the store is undivided, so that the order of use is exact.
const UNDIVIDED_MAX: u64 = 16_384;
/// The same for its size in bytes.
const UNDIVIDED_MAX_BYTES: u64 = 8 << 20;
/// Into how many parts larger stores are divided, so that few requests meet at the same lock.
const PARTS: usize = 64;

/// What became of a write.
pub(crate) enum Write {
    Written(u64),
    Conflict(Found),
    Gone,
}

/// What became of a touch.
pub(crate) enum Touch {
    Touched,
    /// Nothing was changed: the session's text is this one.
    Differs(Arc<str>),
    Gone,
}

/// What became of a session that was to be superseded.
pub(crate) enum Superseded {
    Done,
    Conflict(Found),
    Gone,
}

pub(crate) struct Shards {
    pub(crate) parts: Box<[Mutex<Shard>]>,
    pub(crate) hasher: RandomState,
    pub(crate) options: MemoryOptions,
    pub(crate) counts: Counts,
}

impl Shards {
    pub(crate) fn new(options: MemoryOptions) -> Self {
        let undivided = options.max.is_some_and(|max| max <= UNDIVIDED_MAX)
            || options.max_bytes.is_some_and(|max| max <= UNDIVIDED_MAX_BYTES);
        let parts = if undivided { 1 } else { PARTS };
        let hasher = RandomState::default();
        Self {
            parts: (0..parts).map(|_| Mutex::new(Shard::new(hasher.clone()))).collect(),
            hasher,
            options,
            counts: Counts::default(),
        }
    }

    pub(crate) fn key<'a>(&self, id: &'a SessionId) -> Key<'a> {
        Key::new(id, &self.hasher)
    }

    /// The upper half of the hash says which part, the lower bits which bucket of it.
    pub(crate) fn part_of(&self, key: &Key<'_>) -> usize {
        #[allow(clippy::cast_possible_truncation, reason = "less than the number of parts")]
        let part = (((key.hash >> 32) * self.parts.len() as u64) >> 32) as usize;
        part
    }

    pub(crate) fn lock(&self, part: usize) -> MutexGuard<'_, Shard> {
        self.parts[part].lock()
    }

    pub(crate) fn lock_part_of(&self, key: &Key<'_>) -> MutexGuard<'_, Shard> {
        self.lock(self.part_of(key))
    }

    /// The place of a live session, now the most recently used of its kind; else why there is none: one that has expired is
    /// removed and counted out.
    fn find(
        &self,
        shard: &mut Shard,
        key: &Key<'_>,
        now: UnixMillis,
        kind: Use,
    ) -> Result<u32, Option<Disposal>> {
        match shard.find(key, now, kind) {
            Lookup::Live(at) => Ok(at),
            Lookup::Expired(slot) => {
                self.counts.left(&slot);
                Err(Some(Disposal::Expired))
            }
            Lookup::Absent => Err(None),
        }
    }

    /// The session, now the most recently used.
    pub(crate) fn read(&self, id: &SessionId, now: UnixMillis) -> Option<Found> {
        let key = self.key(id);
        let mut shard = self.lock_part_of(&key);
        let why = match self.find(&mut shard, &key, now, Use::Return) {
            Ok(at) => {
                shard.hits += 1;
                return Some(shard.sessions.slot(at).copy());
            }
            Err(why) => why,
        };
        shard.misses += 1;
        drop(shard);
        self.dispose(id, why);
        None
    }

    /// The session, expired or not, for those who look at the store from outside.
    pub(crate) fn peek(&self, id: &SessionId) -> Option<Found> {
        let key = self.key(id);
        let shard = self.lock_part_of(&key);
        Some(shard.sessions.peek(&key)?.copy())
    }

    /// Writes the document over the session with the given revision, or over anything.
    pub(crate) fn write(
        &self,
        id: &SessionId,
        text: &str,
        deadline: Deadline,
        expected: Option<u64>,
        now: UnixMillis,
    ) -> Write {
        let key = self.key(id);
        let part = self.part_of(&key);
        let mut shard = self.lock(part);
        let (revision, why) = match self.find(&mut shard, &key, now, Use::Write) {
            Ok(at) => {
                let present = shard.sessions.slot(at);
                if expected.is_some_and(|expected| expected != present.revision()) {
                    return Write::Conflict(present.copy());
                }
                let revision = shard.next_revision();
                self.counts.resized(shard.sessions.change(at, Some(text), deadline, Some(revision)));
                (Some(revision), None)
            }
            Err(why) => {
                let revision = expected.is_none().then(|| {
                    self.counts.entered(key.size(text));
                    shard.insert(&key, text, deadline)
                });
                (revision, why)
            }
        };
        drop(shard);
        self.dispose(id, why);
        let Some(revision) = revision else { return Write::Gone };
        self.make_room(part, &key);
        Write::Written(revision)
    }

    /// Writes the document unless there is a live session or a mark; whether it did.
    pub(crate) fn add(&self, id: &SessionId, text: &str, deadline: Deadline, now: UnixMillis) -> bool {
        let key = self.key(id);
        let part = self.part_of(&key);
        let mut shard = self.lock(part);
        if deadline.is_past(now) || shard.marks.successor(id.as_bytes(), now).is_some() {
            return false;
        }
        let Err(why) = self.find(&mut shard, &key, now, Use::Write) else { return false };
        self.counts.entered(key.size(text));
        shard.insert(&key, text, deadline);
        drop(shard);
        self.dispose(id, why);
        self.make_room(part, &key);
        true
    }

    /// Gives a live session with the text `seen` a new deadline, and the text `new`, if there is one. It keeps its revision: a
    /// touch is no conflict for anybody.
    pub(crate) fn touch(
        &self,
        id: &SessionId,
        deadline: Deadline,
        now: UnixMillis,
        seen: &str,
        new: Option<&str>,
    ) -> Touch {
        let key = self.key(id);
        let part = self.part_of(&key);
        let mut shard = self.lock(part);
        let why = match self.find(&mut shard, &key, now, Use::Write) {
            Ok(at) => {
                let slot = shard.sessions.slot(at);
                if slot.text() != seen {
                    return Touch::Differs(slot.text().into());
                }
                self.counts.resized(shard.sessions.change(at, new, deadline, None));
                drop(shard);
                self.make_room(part, &key);
                return Touch::Touched;
            }
            Err(why) => why,
        };
        drop(shard);
        self.dispose(id, why);
        Touch::Gone
    }

    /// Removes the session; whether there was a live one.
    pub(crate) fn remove(&self, id: &SessionId, now: UnixMillis) -> bool {
        let key = self.key(id);
        let mut shard = self.lock_part_of(&key);
        let Some(slot) = shard.sessions.remove(&key) else { return false };
        self.counts.left(&slot);
        drop(shard);
        let live = !slot.deadline().is_past(now);
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
        let key = self.key(id);
        let mut shard = self.lock_part_of(&key);
        let (had_returned, why, is_done) = match self.find(&mut shard, &key, now, Use::Write) {
            Ok(at) => {
                let present = shard.sessions.slot(at);
                if expected.is_some_and(|expected| expected != present.revision()) {
                    return Superseded::Conflict(present.copy());
                }
                self.counts.left(present);
                let had_returned = present.has_returned();
                drop(shard.sessions.remove_at(at));
                (had_returned, Some(Disposal::Destroyed), true)
            }
            // Whoever expects a revision learns that it is gone; whoever expects nothing leaves its mark all the same.
            Err(why) => (false, why, expected.is_none()),
        };
        if is_done && let Some((successor, until)) = mark {
            shard.marks.leave(id.as_bytes(), successor, until, now);
        }
        drop(shard);
        if had_returned && let Some((successor, _)) = mark {
            let key = self.key(successor);
            self.lock_part_of(&key).sessions.mark_returned(&key);
        }
        self.dispose(id, why);
        if is_done { Superseded::Done } else { Superseded::Gone }
    }

    /// Which session has taken the place of this one.
    pub(crate) fn successor(&self, id: &SessionId, now: UnixMillis) -> Option<SessionId> {
        self.lock_part_of(&self.key(id)).marks.successor(id.as_bytes(), now)
    }

    /// Removes everything.
    pub(crate) fn clear(&self) {
        for part in 0..self.parts.len() {
            let mut shard = self.lock(part);
            let all = shard.take_all(self.hasher.clone());
            self.counts.all_left(all.len() as u64, all.bytes());
            drop(shard);
            if self.options.dispose.is_some() {
                for id in all.in_order().filter_map(Slot::id) {
                    self.dispose(&id, Disposal::Cleared);
                }
            }
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.counts.sessions.load(Relaxed)
    }

    pub(crate) fn stats(&self) -> MemoryStats {
        let mut stats = MemoryStats {
            sessions: self.counts.sessions.load(Relaxed),
            bytes: self.counts.bytes.load(Relaxed),
            evictions: self.counts.evictions.load(Relaxed),
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

    /// Tells the hook of a session that has left, if one has.
    pub(crate) fn dispose(&self, id: &SessionId, why: impl Into<Option<Disposal>>) {
        if let (Some(dispose), Some(why)) = (&self.options.dispose, why.into()) {
            dispose(id, why);
        }
    }
}
