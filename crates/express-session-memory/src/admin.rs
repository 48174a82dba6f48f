//! What operators need: listing, adding, counting, clearing, sweeping.
//!
//! A listing goes from part to part and, within a part, in the order of the ids, because the order of use changes while it goes
//! on. For each page a part is locked once and walked through.

use std::collections::BinaryHeap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use express_session_core::{
    Cursor, Document, Listed, Page, SessionId, SessionStoreAdmin, StoreError, Stored, UnixMillis,
};

use crate::life::Deadline;
use crate::options::Disposal;
use crate::recency::Use;
use crate::shard::{Entry, Lookup, size};
use crate::shards::{Shards, parse};
use crate::store::{MemoryStore, stored};

/// Sessions with their ids.
type Found = Vec<(Box<[u8]>, Entry)>;

/// A place in a listing: within this part, after this id.
struct Place {
    part: u16,
    after: Box<[u8]>,
}

impl Place {
    fn of(cursor: Option<&Cursor>) -> Result<Self, StoreError> {
        let Some(cursor) = cursor else { return Ok(Self { part: 0, after: Box::default() }) };
        let (part, after) = cursor.as_bytes().split_first_chunk().ok_or(StoreError::InvalidCursor)?;
        Ok(Self { part: u16::from_be_bytes(*part), after: after.into() })
    }

    fn cursor(&self) -> Cursor {
        Cursor::of_bytes([&self.part.to_be_bytes(), &*self.after].concat())
    }
}

impl Shards {
    /// The first `limit` live sessions of a part after an id, in the order of ids.
    fn after(&self, place: &Place, limit: usize, now: UnixMillis) -> Found {
        let shard = self.lock(usize::from(place.part));
        let mut first = BinaryHeap::with_capacity(limit.min(1024) + 1);
        for (id, entry) in shard.iter() {
            if id > &*place.after && !entry.deadline.is_past(now) {
                first.push(id);
                if first.len() > limit {
                    first.pop();
                }
            }
        }
        let ids = first.into_sorted_vec();
        ids.into_iter().filter_map(|id| Some((id.into(), shard.peek(id)?.clone()))).collect()
    }

    /// Live sessions from this place on, and where to go on.
    fn page(&self, mut place: Place, limit: usize, now: UnixMillis) -> (Found, Option<Place>) {
        let mut found = Vec::new();
        while usize::from(place.part) < self.parts.len() {
            found.append(&mut self.after(&place, limit - found.len(), now));
            if found.len() == limit {
                let after = found.last().map(|(id, _)| id.clone()).unwrap_or_default();
                return (found, Some(Place { after, ..place }));
            }
            place = Place { part: place.part + 1, after: Box::default() };
        }
        (found, None)
    }

    /// Writes the document unless there is a live session or a mark; whether it did.
    fn add(&self, id: &SessionId, document: &Document, deadline: Deadline, now: UnixMillis) -> bool {
        let name = id.as_bytes();
        let part = self.part_of(id);
        let mut shard = self.lock(part);
        if deadline.is_past(now) || shard.marks.successor(name, now).is_some() {
            return false;
        }
        let why = match shard.find(name, now, Use::Write, |_| ()) {
            Lookup::Live(()) => return false,
            Lookup::Expired(entry) => {
                self.left(name, &entry);
                Some(Disposal::Expired)
            }
            Lookup::Absent => None,
        };
        let revision = shard.next_revision();
        shard.insert(name, Entry { text: document.shared_text(), deadline, revision });
        self.sessions.fetch_add(1, Relaxed);
        self.bytes.fetch_add(size(name, document.text()), Relaxed);
        drop(shard);
        self.dispose(id, why);
        self.make_room(part, id);
        true
    }
}

impl MemoryStore {
    /// None of a falsy document.
    fn listed(&self, id: SessionId, entry: Entry, now: UnixMillis) -> Option<Listed> {
        let (size, deadline) = (entry.text.len(), entry.deadline);
        let stored = match stored(entry) {
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
        let first = Place { part: 0, after: Box::default() };
        let (found, _) = self.shards.page(first, usize::MAX, self.clock.now());
        found
            .into_iter()
            .filter_map(|(id, entry)| Some((parse(&id)?, entry.text.as_bytes().to_vec())))
            .collect()
    }
}

impl SessionStoreAdmin for MemoryStore {
    async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let now = self.clock.now();
        let (found, next) = self.shards.page(Place::of(after)?, limit.max(1), now);
        let listed = |(id, entry): (Box<[u8]>, Entry)| self.listed(parse(&id)?, entry, now);
        Ok(Page::new(found.into_iter().filter_map(listed).collect(), next.map(|place| place.cursor())))
    }

    async fn look(&self, id: &SessionId) -> Result<Option<Listed>, StoreError> {
        let now = self.clock.now();
        let entry = self.shards.lock(self.shards.part_of(id)).peek(id.as_bytes()).cloned();
        Ok(entry
            .filter(|entry| !entry.deadline.is_past(now))
            .and_then(|entry| self.listed(id.clone(), entry, now)))
    }

    async fn add(&self, id: &SessionId, document: &Document, at_most: Duration) -> Result<bool, StoreError> {
        self.check_size(id, document.text())?;
        let now = self.clock.now();
        let deadline = self.shards.options.ttl.deadline(document, id, now).or_within(at_most, now);
        Ok(!at_most.is_zero() && self.shards.add(id, document, deadline, now))
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
        Ok(self.shards.sweep(now, || false))
    }
}
