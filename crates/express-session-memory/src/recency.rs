//! Which session goes first: a visitor who never came back before one who did.
//!
//! ```text
//! written first   -> newcomers   in the order of their use
//! read later on   -> returned    in the order of their use
//!
//! too many: the least recently used newcomer, while newcomers have more than a tenth of the sessions or of the bytes;
//!           else the least recently used of all who came back
//! ```
//!
//! By the order of use alone, 9 000 visitors of one request each end 1 000 sessions of people who work with the
//! application. Source: segmented LRU (Karedla, Love, Wherry 1994); `docs/MEMORY_STORE.md` compares others.
//!
//! The orders are lists through the slots: each slot has the numbers of its neighbours.

use crate::slot::{NONE, Slot, Slots};

/// What newcomers may have before they are the ones to go: one in so many.
const NEWCOMERS_SHARE: u64 = 10;

/// The order of use of the sessions of one part.
pub(crate) struct Recency {
    newcomers: Order,
    returned: Order,
}

/// One list, and the size of what is in it.
struct Order {
    oldest: u32,
    newest: u32,
    sessions: u64,
    bytes: u64,
}

impl Recency {
    pub(crate) const fn new() -> Self {
        Self { newcomers: Order::new(), returned: Order::new() }
    }

    /// Makes a slot the most recently used of its kind.
    pub(crate) fn add(&mut self, slots: &mut Slots, at: u32) {
        self.order(&slots[at as usize]).add(slots, at);
    }

    pub(crate) fn remove(&mut self, slots: &mut Slots, at: u32) {
        self.order(&slots[at as usize]).remove(slots, at);
    }

    /// Makes a slot that is there the most recently used of its kind.
    pub(crate) fn renew(&mut self, slots: &mut Slots, at: u32) {
        let slot = &slots[at as usize];
        if slot.newer != NONE {
            self.order(slot).renew(slots, at);
        }
    }

    /// The slot has another place now.
    pub(crate) fn moved(&mut self, slots: &mut Slots, at: u32) {
        let slot = &slots[at as usize];
        let (older, newer) = (slot.older, slot.newer);
        self.order(slot).connect(slots, older, at);
        self.order(&slots[at as usize]).connect(slots, at, newer);
    }

    /// The slot has another size now.
    pub(crate) fn resized(&mut self, slot: &Slot, before: u64) {
        let order = self.order(slot);
        order.bytes = order.bytes - before + slot.size();
    }

    /// The slots that may go, the first one first.
    pub(crate) fn first_to_go(&self) -> [u32; 2] {
        let (newcomers, returned) = (self.newcomers.oldest, self.returned.oldest);
        if self.newcomers_have_too_much() { [newcomers, returned] } else { [returned, newcomers] }
    }

    /// All slots, newcomers first, of either kind the least recently used first.
    pub(crate) fn in_order<'a>(&self, slots: &'a Slots) -> impl Iterator<Item = u32> + use<'a> {
        self.newcomers.oldest_first(slots).chain(self.returned.oldest_first(slots))
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.newcomers.bytes + self.returned.bytes
    }

    fn newcomers_have_too_much(&self) -> bool {
        let sessions = (self.newcomers.sessions, self.newcomers.sessions + self.returned.sessions);
        let bytes = (self.newcomers.bytes, self.newcomers.bytes + self.returned.bytes);
        [sessions, bytes].iter().any(|(theirs, all)| theirs.saturating_mul(NEWCOMERS_SHARE) > *all)
    }

    fn order(&mut self, slot: &Slot) -> &mut Order {
        if slot.has_returned() { &mut self.returned } else { &mut self.newcomers }
    }
}

impl Order {
    const fn new() -> Self {
        Self { oldest: NONE, newest: NONE, sessions: 0, bytes: 0 }
    }

    fn add(&mut self, slots: &mut Slots, at: u32) {
        self.sessions += 1;
        self.bytes += slots[at as usize].size();
        self.connect(slots, self.newest, at);
        self.connect(slots, at, NONE);
    }

    fn remove(&mut self, slots: &mut Slots, at: u32) {
        let slot = &slots[at as usize];
        self.sessions -= 1;
        self.bytes -= slot.size();
        self.connect(slots, slot.older, slot.newer);
    }

    /// As removing and adding, at half the cost: every read does it.
    fn renew(&mut self, slots: &mut Slots, at: u32) {
        let newest = std::mem::replace(&mut self.newest, at);
        let slot = &mut slots[at as usize];
        let older = std::mem::replace(&mut slot.older, newest);
        let newer = std::mem::replace(&mut slot.newer, NONE);
        match older {
            NONE => self.oldest = newer,
            _ => slots[older as usize].newer = newer,
        }
        slots[newer as usize].older = older;
        slots[newest as usize].newer = at;
    }

    fn oldest_first<'a>(&self, slots: &'a Slots) -> impl Iterator<Item = u32> + use<'a> {
        let mut at = self.oldest;
        std::iter::from_fn(move || {
            let here = (at != NONE).then_some(at)?;
            at = slots[here as usize].newer;
            Some(here)
        })
    }

    /// Makes two slots neighbours; without one of them, the other is at an end of the list.
    fn connect(&mut self, slots: &mut Slots, older: u32, newer: u32) {
        match older {
            NONE => self.oldest = newer,
            _ => slots[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            _ => slots[newer as usize].older = older,
        }
    }
}
