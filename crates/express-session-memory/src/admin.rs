//! What operators need: listing, adding, counting, clearing, sweeping.
//!
//! A listing goes from part to part and, within a part, in the order of the hashes read from their lowest bit on: the buckets of
//! a part are in that order, however many there are, so a page looks at little more than it shows and holds no lock for long.

use std::time::Duration;

use express_session_core::{
    Cursor, Document, Listed, Page, SessionId, SessionStoreAdmin, StoreError, Stored, UnixMillis,
};

use crate::shards::Shards;
use crate::slot::Found;
use crate::store::{MemoryStore, stored};

/// A listing looks at no more buckets while a part is locked.
const BUCKETS_PER_STEP: usize = 256;

/// Sessions with their ids.
type All = Vec<(SessionId, Found)>;

/// A place in a listing: within this part, the sessions whose reversed hash and id are greater than these.
struct Place {
    part: usize,
    hash: u64,
    after: Option<SessionId>,
}

impl Place {
    const fn start(part: usize) -> Self {
        Self { part, hash: 0, after: None }
    }
}

impl Shards {
    /// The place after the session that a cursor names, which need not be there any more.
    fn place(&self, cursor: Option<&Cursor>) -> Result<Place, StoreError> {
        let Some(cursor) = cursor else { return Ok(Place::start(0)) };
        let (part, id) = cursor.as_bytes().split_first_chunk().ok_or(StoreError::InvalidCursor)?;
        let id = std::str::from_utf8(id).ok().and_then(|id| SessionId::parse(id).ok());
        let id = id.ok_or(StoreError::InvalidCursor)?;
        let hash = self.key(&id).hash.reverse_bits();
        Ok(Place { part: usize::from(u16::from_be_bytes(*part)), hash, after: Some(id) })
    }

    /// Live sessions from this place on, as long as there are fewer than `limit`, of no more than some buckets; and where to go
    /// on in this part.
    fn step(&self, place: &Place, limit: usize, now: UnixMillis, found: &mut All) -> Option<Place> {
        let shard = self.lock(place.part);
        let mut place = Place { part: place.part, hash: place.hash, after: place.after.clone() };
        for _ in 0..BUCKETS_PER_STEP {
            let (slots, bits) = shard.sessions.bucket(place.hash.reverse_bits())?;
            let mut here: Vec<_> = slots
                .filter(|slot| !slot.deadline().is_past(now))
                .filter_map(|slot| Some((slot.hash(&self.hasher).reverse_bits(), slot.id()?, slot)))
                .filter(|(hash, id, _)| (*hash, Some(id)) > (place.hash, place.after.as_ref()))
                .collect();
            here.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            for (hash, id, slot) in here {
                found.push((id.clone(), slot.copy()));
                if found.len() == limit {
                    return Some(Place { hash, after: Some(id), ..place });
                }
            }
            // The first hash of the next bucket.
            let first = place.hash & !(u64::MAX.checked_shr(bits).unwrap_or(0));
            let next = 1_u64.checked_shl(64 - bits).and_then(|width| first.checked_add(width))?;
            place = Place { hash: next, after: None, ..place };
        }
        Some(place)
    }

    /// Live sessions from this place on, and whether there may be more.
    fn page(&self, mut place: Place, limit: usize, now: UnixMillis) -> (All, Option<Cursor>) {
        let mut found = Vec::new();
        while place.part < self.parts.len() {
            place = self.step(&place, limit, now, &mut found).unwrap_or(Place::start(place.part + 1));
            if found.len() == limit {
                let cursor = |(id, _): &(SessionId, Found)| {
                    let part = u16::try_from(self.part_of(&self.key(id))).unwrap_or(0);
                    Cursor::of_bytes([&part.to_be_bytes(), id.as_bytes()].concat())
                };
                let next = found.last().map(cursor);
                return (found, next);
            }
        }
        (found, None)
    }
}

impl MemoryStore {
    /// None of a falsy document.
    fn listed(&self, id: SessionId, found: Found, now: UnixMillis) -> Option<Listed> {
        let (size, deadline) = (found.text.len(), found.deadline);
        let stored = match stored(found) {
            Ok(stored) => Ok(stored.map(|stored| {
                let life = self.shards.options.ttl.life(&stored.document, &id, deadline, now);
                Stored { life, ..stored }
            })?),
            Err(StoreError::Corrupt(error)) => Err(error),
            // Decoding has no other error.
            Err(_) => return None,
        };
        Some(Listed::new(id, size, stored))
    }
}

impl MemoryStore {
    /// All documents that have not expired, decodable or not, sessions or not. For tools and tests, as
    /// [`document`](Self::document).
    pub fn documents(&self) -> Vec<(SessionId, Vec<u8>)> {
        let (found, _) = self.shards.page(Place::start(0), usize::MAX, self.clock.now());
        found.into_iter().map(|(id, found)| (id, found.text.as_bytes().to_vec())).collect()
    }
}

impl SessionStoreAdmin for MemoryStore {
    async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let now = self.clock.now();
        let (found, next) = self.shards.page(self.shards.place(after)?, limit.max(1), now);
        let listed = |(id, found)| self.listed(id, found, now);
        Ok(Page::new(found.into_iter().filter_map(listed).collect(), next))
    }

    async fn look(&self, id: &SessionId) -> Result<Option<Listed>, StoreError> {
        let now = self.clock.now();
        let live = self.shards.peek(id).filter(|found| !found.deadline.is_past(now));
        Ok(live.and_then(|found| self.listed(id.clone(), found, now)))
    }

    async fn add(&self, id: &SessionId, document: &Document, at_most: Duration) -> Result<bool, StoreError> {
        self.check_size(id, document.text())?;
        let now = self.clock.now();
        let deadline = self.shards.options.ttl.deadline(document, id, now).or_within(at_most, now);
        Ok(!at_most.is_zero() && self.shards.add(id, document.text(), deadline, now))
    }

    /// Counts expired sessions that no read or sweep has come across yet, as memorystore does.
    async fn length(&self) -> Result<u64, StoreError> {
        Ok(self.shards.len())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.shards.clear();
        self.owners.clear();
        Ok(())
    }

    async fn sweep(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        self.owners.prune(now);
        Ok(self.shards.sweep(now, || true))
    }
}
