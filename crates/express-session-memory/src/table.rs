//! The sessions of one part: slots without gaps, the index that finds them, and the order of their use.

use express_session_core::UnixMillis;
use foldhash::fast::RandomState;

use crate::index::Index;
use crate::life::Deadline;
use crate::recency::Recency;
use crate::slot::{Key, NONE, Slot, Slots};

pub(crate) struct Table {
    slots: Slots,
    index: Index,
    recency: Recency,
    /// The one that made the hashes of all keys.
    hasher: RandomState,
}

/// What a look at a session counts as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// The visitor has come back.
    Return,
    /// The request goes on that has made or read it.
    Write,
}

/// What was found for an id.
pub(crate) enum Lookup {
    /// The number of its slot, until the part is unlocked or a session is added or removed.
    Live(u32),
    /// It had expired and has been removed.
    Expired(Slot),
    Absent,
}

impl Table {
    pub(crate) const fn new(hasher: RandomState) -> Self {
        Self { slots: Slots::new(), index: Index::new(), recency: Recency::new(), hasher }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Looks a session up and uses it: it becomes the most recently used of its kind.
    pub(crate) fn find(&mut self, key: &Key<'_>, now: UnixMillis, kind: Use) -> Lookup {
        let Some(at) = self.index.find(&self.slots, key) else { return Lookup::Absent };
        if self.slots[at as usize].deadline().is_past(now) {
            return self.remove_at(at).map_or(Lookup::Absent, Lookup::Expired);
        }
        if kind == Use::Return {
            self.has_returned(at);
        }
        self.recency.renew(&mut self.slots, at);
        Lookup::Live(at)
    }

    /// The session, live or not, without counting as a use.
    pub(crate) fn peek(&self, key: &Key<'_>) -> Option<&Slot> {
        self.index.find(&self.slots, key).map(|at| &self.slots[at as usize])
    }

    pub(crate) fn slot(&self, at: u32) -> &Slot {
        &self.slots[at as usize]
    }

    /// Gives a session another text, another deadline, another revision; the sizes before and after.
    pub(crate) fn change(
        &mut self,
        at: u32,
        text: Option<&str>,
        deadline: Deadline,
        revision: Option<u64>,
    ) -> (u64, u64) {
        let slot = &mut self.slots[at as usize];
        let before = slot.size();
        slot.set_deadline(deadline);
        if let Some(revision) = revision {
            slot.set_revision(revision);
        }
        if let Some(text) = text {
            slot.set_text(text);
            self.recency.resized(slot, before);
        }
        (before, slot.size())
    }

    /// Adds a session that is not there, as a newcomer's.
    pub(crate) fn insert(&mut self, key: &Key<'_>, slot: Slot) {
        #[allow(clippy::cast_possible_truncation, reason = "4 billion slots are 800 GB")]
        let at = self.slots.len() as u32;
        self.slots.push(slot);
        self.index.add_last(&mut self.slots, key.hash, &self.hasher);
        self.recency.add(&mut self.slots, at);
    }

    pub(crate) fn remove(&mut self, key: &Key<'_>) -> Option<Slot> {
        self.remove_at(self.index.find(&self.slots, key)?)
    }

    /// Counts a session, if it is there, among those whose visitors came back.
    pub(crate) fn mark_returned(&mut self, key: &Key<'_>) {
        if let Some(at) = self.index.find(&self.slots, key) {
            self.has_returned(at);
        }
    }

    /// Removes the session that is to go first, but not `keep`.
    pub(crate) fn evict(&mut self, keep: &Key<'_>) -> Option<Slot> {
        let may_go = |at: &u32| *at != NONE && !self.slots[*at as usize].has_id(keep);
        let at = self.recency.first_to_go().into_iter().find(may_go)?;
        self.remove_at(at)
    }

    /// All sessions in the order in which they would go if newcomers went first.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = &Slot> {
        self.recency.in_order(&self.slots).map(|at| self.slot(at))
    }

    /// How large all are together.
    pub(crate) fn bytes(&self) -> u64 {
        self.recency.bytes()
    }

    /// The sessions of the bucket to which a hash belongs, and how many of its lowest bits they have in common.
    pub(crate) fn bucket(&self, hash: u64) -> Option<(impl Iterator<Item = &Slot>, u32)> {
        let (bucket, bits) = self.index.bucket_and_bits(hash)?;
        Some((self.index.chain(&self.slots, bucket).map(|at| self.slot(at)), bits))
    }

    /// The last slot takes the place.
    pub(crate) fn remove_at(&mut self, at: u32) -> Option<Slot> {
        let hash = self.slots[at as usize].hash(&self.hasher);
        self.index.remove(&mut self.slots, at, hash);
        self.recency.remove(&mut self.slots, at);
        let removed = self.slots.swap_remove(at as usize)?;
        if (at as usize) < self.slots.len() {
            #[allow(clippy::cast_possible_truncation, reason = "4 billion slots are 800 GB")]
            let from = self.slots.len() as u32;
            let hash = self.slots[at as usize].hash(&self.hasher);
            self.index.redirect(&mut self.slots, hash, from, at);
            self.recency.moved(&mut self.slots, at);
        }
        if self.slots.len() == 0 {
            self.index = Index::new();
        }
        Some(removed)
    }

    fn has_returned(&mut self, at: u32) {
        if !self.slots[at as usize].has_returned() {
            self.recency.remove(&mut self.slots, at);
            self.slots[at as usize].set_returned();
            self.recency.add(&mut self.slots, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use express_session_core::SessionId;

    use super::*;

    const NOW: UnixMillis = UnixMillis(0);

    struct Kept(Table, RandomState);

    impl Kept {
        fn new() -> Self {
            let hasher = RandomState::default();
            Self(Table::new(hasher.clone()), hasher)
        }

        fn with<R>(&mut self, id: &str, use_it: impl FnOnce(&mut Table, &Key<'_>) -> R) -> R {
            let id = SessionId::parse(id).unwrap();
            use_it(&mut self.0, &Key::new(&id, &self.1))
        }

        fn insert(&mut self, id: &str) {
            self.with(id, |table, key| table.insert(key, Slot::new(key, "0123456789", Deadline::NEVER, 1)));
        }

        fn find(&mut self, id: &str, kind: Use) -> bool {
            self.with(id, |table, key| matches!(table.find(key, NOW, kind), Lookup::Live(_)))
        }

        fn evicted(&mut self, keep: &str) -> Option<String> {
            let slot = self.with(keep, Table::evict)?;
            slot.id().map(|id| id.as_str().to_owned())
        }
    }

    #[test]
    fn newcomers_go_first_and_keep_a_tenth() {
        let mut kept = Kept::new();
        for number in 0..10 {
            kept.insert(&format!("regular-{number}"));
            assert!(kept.find(&format!("regular-{number}"), Use::Return));
        }
        kept.insert("newcomer0");
        assert_eq!(kept.evicted("nobody").as_deref(), Some("regular-0"), "one of eleven");
        kept.insert("newcomer1");
        assert_eq!(kept.evicted("nobody").as_deref(), Some("newcomer0"));
        assert_eq!(kept.evicted("newcomer1").as_deref(), Some("regular-1"), "not the one to keep");
    }

    /// The request that makes a session writes it more than once.
    #[test]
    fn writing_is_not_coming_back() {
        let mut kept = Kept::new();
        let has_returned = |kept: &mut Kept| kept.with("a", Table::remove).map(|slot| slot.has_returned());
        kept.insert("a");
        assert!(kept.find("a", Use::Write));
        assert_eq!(has_returned(&mut kept), Some(false));
        kept.insert("a");
        assert!(kept.find("a", Use::Return) && !kept.find("b", Use::Return));
        assert_eq!(has_returned(&mut kept), Some(true));
    }
}
