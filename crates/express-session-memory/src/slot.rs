//! A session as it is kept: 64 bytes in the slab, and its text beside them.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use express_session_core::SessionId;
use foldhash::fast::RandomState;

use crate::chunks::Chunks;
use crate::life::Deadline;

/// What a session takes besides its document, in bytes: its slot with the id, its place in the index, and what the allocator
/// adds. An id that has not the form of [`SessionId::generate`] is kept beside the document and counted as well. Measured in
/// `docs/MEMORY_STORE.md`, rounded up.
pub const SESSION_OVERHEAD: u64 = 88;

/// The slots of a part, without gaps.
pub(crate) type Slots = Chunks<Slot, 128>;

/// The number of no slot.
pub(crate) const NONE: u32 = u32::MAX;

/// Revisions are from 1 to this, then from 1 again: a request would have to wait for 10^12 writes to take one for another.
pub(crate) const MAX_REVISION: u64 = (1 << 40) - 1;

/// An id to look for.
#[derive(Clone, Copy)]
pub(crate) struct Key<'a> {
    name: Name<'a>,
    pub(crate) hash: u64,
}

#[derive(Clone, Copy)]
enum Name<'a> {
    /// The bytes that a generated id stands for.
    Packed([u8; 24]),
    Text(&'a str),
}

impl<'a> Key<'a> {
    pub(crate) fn new(id: &'a SessionId, hasher: &RandomState) -> Self {
        match id.random_bytes() {
            Some(bytes) => Self { name: Name::Packed(bytes), hash: hasher.hash_one(bytes) },
            None => Self { name: Name::Text(id.as_str()), hash: hasher.hash_one(id.as_bytes()) },
        }
    }

    /// What [`MemoryOptions::max_bytes`](crate::MemoryOptions::max_bytes) counts for a session of this id.
    pub(crate) fn size(&self, text: &str) -> u64 {
        let id = match self.name {
            Name::Packed(_) => 0,
            Name::Text(id) => id.len(),
        };
        SESSION_OVERHEAD + (id + text.len()) as u64
    }
}

/// A session. Its own memory holds the id, if that is not packed, and then the document's JSON, as Redis would hold it.
pub(crate) struct Slot {
    /// The packed id, or the hash of the id and its length.
    id: [u8; 24],
    text: Box<str>,
    /// From the highest bit: the deadline (54 bits), the upper part of the revision (8), and the two flags.
    life: u64,
    /// The lower part.
    revision: u32,
    /// The next session of the same bucket.
    pub(crate) chain: u32,
    /// The neighbours in the order of use.
    pub(crate) older: u32,
    pub(crate) newer: u32,
}

const _: () = assert!(size_of::<Slot>() == 64);

/// The visitor has come back.
const RETURNED: u64 = 1;
/// The id is not packed.
const LONG_ID: u64 = 2;
const FLAGS: u64 = RETURNED | LONG_ID;
const REVISION: u64 = 0xff << 2;
/// Deadlines after this are never; JavaScript's dates end before.
const LAST_DEADLINE: i64 = (1 << 53) - 1;

impl Slot {
    pub(crate) fn new(key: &Key<'_>, text: &str, deadline: Deadline, revision: u64) -> Self {
        let (id, text, flag) = match key.name {
            Name::Packed(id) => (id, text.into(), 0),
            Name::Text(id) => {
                let mut kept = String::with_capacity(id.len() + text.len());
                kept.extend([id, text]);
                (long_id(key.hash, id.len()), kept.into_boxed_str(), LONG_ID)
            }
        };
        let mut slot = Self { id, text, life: flag, revision: 0, chain: NONE, older: NONE, newer: NONE };
        slot.set_deadline(deadline);
        slot.set_revision(revision);
        slot
    }

    pub(crate) fn has_id(&self, key: &Key<'_>) -> bool {
        match key.name {
            Name::Packed(id) => self.id == id && !self.has(LONG_ID),
            Name::Text(id) => {
                self.has(LONG_ID) && self.id == long_id(key.hash, id.len()) && self.text.starts_with(id)
            }
        }
    }

    pub(crate) fn hash(&self, hasher: &RandomState) -> u64 {
        if self.has(LONG_ID) { self.long_id().0 } else { hasher.hash_one(self.id) }
    }

    /// `None` never: it was made of an id.
    pub(crate) fn id(&self) -> Option<SessionId> {
        if self.has(LONG_ID) {
            SessionId::parse(self.text.get(..self.id_len())?).ok()
        } else {
            Some(SessionId::from_random_bytes(&self.id))
        }
    }

    pub(crate) fn text(&self) -> &str {
        self.text.get(self.id_len()..).unwrap_or_default()
    }

    /// Keeps another text: in the same memory, if it is as long.
    pub(crate) fn set_text(&mut self, new: &str) {
        let id_len = self.id_len();
        let mut text = std::mem::take(&mut self.text).into_string();
        text.truncate(id_len);
        text.reserve_exact(new.len());
        text.push_str(new);
        self.text = text.into_boxed_str();
    }

    /// What [`MemoryOptions::max_bytes`](crate::MemoryOptions::max_bytes) counts.
    pub(crate) fn size(&self) -> u64 {
        SESSION_OVERHEAD + self.text.len() as u64
    }

    /// Told without a look at the text.
    pub(crate) fn deadline(&self) -> Deadline {
        match self.life.cast_signed() >> 10 {
            LAST_DEADLINE => Deadline::NEVER,
            millis => Deadline::of_millis(millis),
        }
    }

    pub(crate) fn set_deadline(&mut self, deadline: Deadline) {
        let millis = deadline.millis().clamp(-LAST_DEADLINE, LAST_DEADLINE);
        self.life = (millis << 10).cast_unsigned() | (self.life & (REVISION | FLAGS));
    }

    /// Given by each write, not by a touch, and never given twice to the same id.
    pub(crate) fn revision(&self) -> u64 {
        (self.life & REVISION) << 30 | u64::from(self.revision)
    }

    pub(crate) fn set_revision(&mut self, revision: u64) {
        self.life = (self.life & !REVISION) | (revision >> 30 & REVISION);
        #[allow(clippy::cast_possible_truncation, reason = "the upper part is kept above")]
        let lower = revision as u32;
        self.revision = lower;
    }

    pub(crate) fn has_returned(&self) -> bool {
        self.has(RETURNED)
    }

    pub(crate) fn set_returned(&mut self) {
        self.life |= RETURNED;
    }

    pub(crate) fn copy(&self) -> Found {
        Found { text: self.text().into(), deadline: self.deadline(), revision: self.revision() }
    }

    fn has(&self, flag: u64) -> bool {
        self.life & flag != 0
    }

    fn id_len(&self) -> usize {
        if self.has(LONG_ID) { self.long_id().1 } else { 0 }
    }

    /// The hash and the length of an id that is not packed.
    fn long_id(&self) -> (u64, usize) {
        let number = |from: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&self.id[from..from + 8]);
            u64::from_ne_bytes(bytes)
        };
        (number(0), usize::try_from(number(8)).unwrap_or(0))
    }
}

fn long_id(hash: u64, len: usize) -> [u8; 24] {
    let mut id = [0; 24];
    id[..8].copy_from_slice(&hash.to_ne_bytes());
    id[8..16].copy_from_slice(&(len as u64).to_ne_bytes());
    id
}

/// A copy of a session, to work with once the part is unlocked.
pub(crate) struct Found {
    pub(crate) text: Arc<str>,
    pub(crate) deadline: Deadline,
    pub(crate) revision: u64,
}

#[cfg(test)]
mod tests {
    use express_session_core::UnixMillis;

    use super::*;

    #[test]
    fn a_slot_says_what_it_was_told() {
        let hasher = RandomState::default();
        let ids = [
            SessionId::generate(),
            SessionId::parse("short").unwrap(),
            SessionId::parse("é".repeat(2000)).unwrap(),
        ];
        for id in &ids {
            let key = Key::new(id, &hasher);
            let mut slot = Slot::new(&key, "{}", Deadline::of(UnixMillis(0)), 1);
            for (text, millis, revision) in [
                ("", -1, MAX_REVISION),
                ("é", 8_640_000_000_000_000, 1),
                ("{}", -8_640_000_000_000_000, 1 << 32),
            ] {
                slot.set_text(text);
                slot.set_deadline(Deadline::of_millis(millis));
                slot.set_revision(revision);
                slot.set_returned();
                assert_eq!((slot.text(), slot.revision()), (text, revision));
                assert_eq!(slot.deadline(), Deadline::of_millis(millis));
                assert_eq!((slot.id().as_ref(), slot.hash(&hasher)), (Some(id), key.hash));
                assert_eq!(slot.size(), key.size(text));
                assert!(slot.has_id(&key) && slot.has_returned());
                assert_eq!(ids.iter().filter(|id| slot.has_id(&Key::new(id, &hasher))).count(), 1);
            }
            slot.set_deadline(Deadline::NEVER);
            assert_eq!(slot.deadline(), Deadline::NEVER);
            assert!(!slot.deadline().is_past(UnixMillis(i64::MAX)));
        }
    }
}
