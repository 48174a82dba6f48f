//! The bounds of the whole store, what is counted for them, and who makes room.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use express_session_core::SessionId;
use parking_lot::Mutex;

use crate::options::Disposal;
use crate::shards::Shards;
use crate::slot::{Key, Slot};

/// What is there now, and what was dropped.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) sessions: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) evictions: AtomicU64,
    making_room: Mutex<()>,
    eviction_was_logged: AtomicBool,
}

impl Counts {
    /// As all counting, while the part is locked, or another thread could count a session out before it is counted in, and the
    /// store would seem to be full.
    pub(crate) fn entered(&self, size: u64) {
        self.sessions.fetch_add(1, Relaxed);
        self.bytes.fetch_add(size, Relaxed);
    }

    pub(crate) fn left(&self, slot: &Slot) {
        self.all_left(1, slot.size());
    }

    pub(crate) fn all_left(&self, sessions: u64, bytes: u64) {
        self.sessions.fetch_sub(sessions, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
    }

    /// Counts in one step: a moment in which both sizes count could make another thread drop a session.
    pub(crate) fn resized(&self, (before, after): (u64, u64)) {
        if after > before {
            self.bytes.fetch_add(after - before, Relaxed);
        } else {
            self.bytes.fetch_sub(before - after, Relaxed);
        }
    }

    fn evicted(&self) {
        self.evictions.fetch_add(1, Relaxed);
        if !self.eviction_was_logged.swap(true, Relaxed) {
            tracing::warn!(
                "the memory store is full: sessions are being dropped, those of visitors who never came back first"
            );
        }
    }
}

impl Shards {
    /// Drops sessions, newcomers first, until the bounds hold: of the part that has just grown, and if
    /// that has only the session just written, of others. Never more than one part is locked.
    ///
    /// While several threads write, the store may be over its bounds by what they are about to drop.
    pub(crate) fn make_room(&self, grown: usize, keep: &Key<'_>) {
        if !self.is_over() {
            return;
        }
        let mut to_dispose: Vec<SessionId> = Vec::new();
        {
            // One at a time, or two would both drop one for the same excess.
            let _turn = self.counts.making_room.lock();
            let mut part = grown;
            let mut without_result = 0;
            while self.is_over() && without_result < self.parts.len() {
                let evicted = self.lock(part).sessions.evict(keep);
                if let Some(slot) = evicted {
                    without_result = 0;
                    self.counts.left(&slot);
                    self.counts.evicted();
                    if self.options.dispose.is_some() {
                        to_dispose.extend(slot.id());
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
        self.options.max.is_some_and(|max| self.counts.sessions.load(Relaxed) > max)
            || self.options.max_bytes.is_some_and(|max| self.counts.bytes.load(Relaxed) > max)
    }
}
