//! One part of the store: its sessions, marks and counts. Nothing here waits or knows the time.

use express_session_core::UnixMillis;
use foldhash::fast::RandomState;

use crate::life::Deadline;
use crate::marks::Marks;
use crate::slot::{Key, MAX_REVISION, Slot};
use crate::table::{Lookup, Table, Use};

/// A sweep looks at no more slots while a part is locked.
const SLOTS_PER_STEP: u32 = 256;
/// And it removes no more sessions, each of which costs as much as looking at some dozens.
const REMOVALS_PER_STEP: usize = 16;

pub(crate) struct Shard {
    pub(crate) sessions: Table,
    pub(crate) marks: Marks,
    last_revision: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) expirations: u64,
}

impl Shard {
    pub(crate) fn new(hasher: RandomState) -> Self {
        Self {
            sessions: Table::new(hasher),
            marks: Marks::new(),
            last_revision: 0,
            hits: 0,
            misses: 0,
            expirations: 0,
        }
    }

    /// Looks a session up and uses it.
    pub(crate) fn find(&mut self, key: &Key<'_>, now: UnixMillis, kind: Use) -> Lookup {
        let found = self.sessions.find(key, now, kind);
        self.expirations += u64::from(matches!(found, Lookup::Expired(_)));
        found
    }

    /// Adds a session that is not there; its revision.
    pub(crate) fn insert(&mut self, key: &Key<'_>, text: &str, deadline: Deadline) -> u64 {
        let revision = self.next_revision();
        self.sessions.insert(key, Slot::new(key, text, deadline, revision));
        revision
    }

    /// Never 0, which is the revision of no session.
    pub(crate) fn next_revision(&mut self) -> u64 {
        self.last_revision = self.last_revision % MAX_REVISION + 1;
        self.last_revision
    }

    /// Takes one step down from the slot `below`, and removes what has expired.
    ///
    /// Going down, it misses nobody: whatever is removed, by this or between two steps, the slot that takes the place is the
    /// last one, which was looked at before, and it may be looked at again.
    pub(crate) fn sweep_step(&mut self, below: &mut u32, now: UnixMillis, removed: &mut Vec<Slot>) {
        let len = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        *below = len.min(*below);
        let end = below.saturating_sub(SLOTS_PER_STEP);
        while *below > end && removed.len() < REMOVALS_PER_STEP {
            *below -= 1;
            if self.sessions.slot(*below).deadline().is_past(now) {
                removed.extend(self.sessions.remove_at(*below));
            }
        }
        self.expirations += removed.len() as u64;
    }

    /// Removes everything; its memory goes back as well.
    pub(crate) fn take_all(&mut self, hasher: RandomState) -> Table {
        self.marks = Marks::new();
        std::mem::replace(&mut self.sessions, Table::new(hasher))
    }
}
