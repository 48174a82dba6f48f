//! Which slot an id is in: a hash table that grows and shrinks by one bucket at a time (linear hashing), so that no request waits
//! for all sessions to be moved. Source: Litwin, "Linear hashing: a new tool for file and table addressing", 1980.
//!
//! A bucket is the number of its first slot; each slot has the number of the next one. There are three buckets for four
//! sessions, and up to a third more after some have gone.

use foldhash::fast::RandomState;

use crate::chunks::Chunks;
use crate::slot::{Key, NONE, Slots};

pub(crate) struct Index {
    buckets: Chunks<u32, 512>,
}

impl Index {
    pub(crate) const fn new() -> Self {
        Self { buckets: Chunks::new() }
    }

    pub(crate) fn find(&self, slots: &Slots, key: &Key<'_>) -> Option<u32> {
        self.chain(slots, self.bucket(key.hash)?).find(|at| slots[*at as usize].has_id(key))
    }

    /// Adds the last slot.
    pub(crate) fn add_last(&mut self, slots: &mut Slots, hash: u64, hasher: &RandomState) {
        if self.buckets.len() * 4 < slots.len() * 3 {
            self.split(slots, hasher);
        }
        if let Some(bucket) = self.bucket(hash) {
            #[allow(clippy::cast_possible_truncation, reason = "4 billion slots are 800 GB")]
            let at = slots.len() as u32 - 1;
            slots[at as usize].chain = std::mem::replace(&mut self.buckets[bucket], at);
        }
    }

    /// Takes a slot out.
    pub(crate) fn remove(&mut self, slots: &mut Slots, at: u32, hash: u64) {
        let next = slots[at as usize].chain;
        self.redirect(slots, hash, at, next);
        // More than a new session needs, so that it does not go to and fro.
        while self.buckets.len() > slots.len() + 8 {
            self.merge(slots);
        }
    }

    /// What leads to `from` leads to `to` from now on.
    pub(crate) fn redirect(&mut self, slots: &mut Slots, hash: u64, from: u32, to: u32) {
        let Some(bucket) = self.bucket(hash) else { return };
        if self.buckets[bucket] == from {
            self.buckets[bucket] = to;
            return;
        }
        let before = self.chain(slots, bucket).find(|at| slots[*at as usize].chain == from);
        if let Some(before) = before {
            slots[before as usize].chain = to;
        }
    }

    /// The bucket of a hash, and how many of the lowest bits of the hash all in it have in common.
    pub(crate) fn bucket_and_bits(&self, hash: u64) -> Option<(usize, u32)> {
        let (bucket, len) = (self.bucket(hash)?, self.buckets.len());
        let bits = len.next_power_of_two().trailing_zeros();
        let is_split = bits == 0 || bucket | 1 << (bits - 1) < len;
        Some((bucket, if is_split { bits } else { bits - 1 }))
    }

    /// The slots in a bucket.
    pub(crate) fn chain(&self, slots: &Slots, bucket: usize) -> impl Iterator<Item = u32> {
        let mut at = self.buckets[bucket];
        std::iter::from_fn(move || {
            let here = (at != NONE).then_some(at)?;
            at = slots[here as usize].chain;
            Some(here)
        })
    }

    /// The lowest bits of the hash; one bit less, if that bucket is still to be split off.
    fn bucket(&self, hash: u64) -> Option<usize> {
        let len = self.buckets.len();
        let mask = len.next_power_of_two() - 1;
        #[allow(clippy::cast_possible_truncation, reason = "only the lowest bits count")]
        let bucket = hash as usize & mask;
        (len > 0).then_some(if bucket < len { bucket } else { bucket & mask >> 1 })
    }

    /// Adds a bucket, and moves what belongs into it.
    fn split(&mut self, slots: &mut Slots, hasher: &RandomState) {
        let new = self.buckets.len();
        self.buckets.push(NONE);
        let Some(old) = origin(new) else { return };
        let mut at = std::mem::replace(&mut self.buckets[old], NONE);
        while at != NONE {
            let slot = &slots[at as usize];
            let (next, hash) = (slot.chain, slot.hash(hasher));
            if let Some(bucket) = self.bucket(hash) {
                slots[at as usize].chain = std::mem::replace(&mut self.buckets[bucket], at);
            }
            at = next;
        }
    }

    /// Removes the last bucket; what is in it goes back to where it came from.
    fn merge(&mut self, slots: &mut Slots) {
        let Some(first) = self.buckets.pop() else { return };
        let Some(old) = origin(self.buckets.len()) else { return };
        if first == NONE {
            return;
        }
        let mut last = first;
        while slots[last as usize].chain != NONE {
            last = slots[last as usize].chain;
        }
        slots[last as usize].chain = std::mem::replace(&mut self.buckets[old], first);
    }
}

/// The bucket from which this one is split off: the same without its highest bit.
fn origin(bucket: usize) -> Option<usize> {
    Some(bucket ^ 1 << bucket.checked_ilog2()?)
}
