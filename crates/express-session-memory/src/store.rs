//! The store: core's verbs on documents in memory.

use std::fmt;
use std::sync::Arc;

use express_session_core::{
    Clock, Expect, Record, Revision, SessionId, SessionStore, SessionStoreAdmin, SetOutcome, StoreError,
    Stored, SystemClock, TouchAfter, TouchHint, TouchOutcome,
};

use crate::document;
use crate::options::MemoryOptions;
use crate::shard::{Entry, size};
use crate::shards::{Shards, Write};
use crate::stats::MemoryStats;
use crate::sweeper::Sweeper;

/// Sessions in the memory of this process. A clone is another handle on the same sessions.
///
/// Kept are encoded documents, never live objects: what a handler does not save is not there. No verb waits for
/// anything but a short lock, and all futures are ready when first polled.
#[derive(Clone)]
pub struct MemoryStore {
    shards: Arc<Shards>,
    clock: Arc<dyn Clock>,
    /// Dropped with the last handle. The thread itself holds the sessions, not a handle.
    _sweeper: Option<Arc<Sweeper>>,
}

impl MemoryStore {
    /// An empty store. Needs no async runtime.
    pub fn new(options: MemoryOptions) -> Self {
        Self::with_clock(options, SystemClock)
    }

    /// As [`new`](Self::new), going by another clock than the system's.
    pub fn with_clock(options: MemoryOptions, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let period = options.check_period;
        let shards = Arc::new(Shards::new(options));
        let sweeper =
            period.map(|period| Arc::new(Sweeper::start(Arc::clone(&shards), Arc::clone(&clock), period)));
        Self { shards, clock, _sweeper: sweeper }
    }

    /// What is kept, and what has happened so far.
    pub fn stats(&self) -> MemoryStats {
        self.shards.stats()
    }

    /// The JSON document that is kept for this session, decoded or not, expired or not. For tools and tests;
    /// walks through a part of the store.
    pub fn document(&self, id: &SessionId) -> Option<Vec<u8>> {
        self.shards.peek(id).map(|document| document.to_vec())
    }

    /// Keeps a JSON document as it is, session or not, as a foreign program would put it into another store.
    /// For tools and tests.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`] if it would fill the store alone.
    pub fn put_document(&self, id: &SessionId, bytes: &[u8]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let ttl = &self.shards.options.ttl;
        let deadline = match Record::decode(bytes) {
            Ok(Some(record)) => ttl.deadline(&record, id, now),
            Ok(None) | Err(_) => ttl.deadline_of_unknown(now),
        };
        self.check_size(id, bytes)?;
        self.shards.write(id, bytes.into(), false, deadline, None, now);
        Ok(())
    }

    fn check_size(&self, id: &SessionId, document: &[u8]) -> Result<(), StoreError> {
        let too_large = self.shards.options.max_bytes.is_some_and(|max| size(id.as_str(), document) > max);
        if too_large { Err(StoreError::TooLarge { size: document.len(), source: None }) } else { Ok(()) }
    }

    fn read(&self, id: &SessionId) -> Result<Option<(Stored, Entry)>, StoreError> {
        let Some(entry) = self.shards.read(id, self.clock.now()) else { return Ok(None) };
        Ok(stored(&entry)?.map(|stored| (stored, entry)))
    }
}

fn stored(entry: &Entry) -> Result<Option<Stored>, StoreError> {
    let record = Record::decode(&entry.document)?;
    Ok(record.map(|record| Stored::new(record, Revision::of_number(entry.revision))))
}

impl SessionStore for MemoryStore {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        Ok(self.read(id)?.map(|(stored, _)| stored))
    }

    /// Does not touch: that would be work for nothing if the request then writes, and saves no round trip.
    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        let Some((mut stored, entry)) = self.read(id)? else { return Ok(None) };
        if hint.touch_after != TouchAfter::Always {
            stored.life = self.shards.options.ttl.life(&stored.record, id, entry.deadline, self.clock.now());
        }
        Ok(Some(stored))
    }

    async fn set(
        &self,
        id: &SessionId,
        record: &Record,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        let expected = match expect {
            Expect::Any => None,
            // A revision of another store is one that no session here has.
            Expect::Revision(revision) => Some(revision.as_number().unwrap_or(0)),
        };
        let document = document::encode(record);
        self.check_size(id, &document)?;
        let now = self.clock.now();
        let deadline = self.shards.options.ttl.deadline(record, id, now);
        Ok(match self.shards.write(id, document, true, deadline, expected, now) {
            Write::Written(revision) => SetOutcome::Written(Revision::of_number(revision)),
            Write::Gone => SetOutcome::Gone,
            Write::Conflict(entry) => match stored(&entry)? {
                Some(stored) => SetOutcome::Conflict(Box::new(stored)),
                None => SetOutcome::Gone,
            },
        })
    }

    /// Replaces `cookie` in the stored document and restarts the life. Source: memorystore 1.6.8, `touch`.
    async fn touch(&self, id: &SessionId, record: &Record) -> Result<TouchOutcome, StoreError> {
        let now = self.clock.now();
        let deadline = self.shards.options.ttl.deadline(record, id, now);
        let touched = self.shards.touch(id, deadline, now, |entry| {
            if entry.is_ours {
                document::with_cookie_of(&entry.document, record)
            } else {
                document::foreign_with_cookie_of(&entry.document, record)
            }
        })?;
        Ok(if touched { TouchOutcome::Touched } else { TouchOutcome::Gone })
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.shards.remove(id, self.clock.now()))
    }
}

impl SessionStoreAdmin for MemoryStore {
    async fn all(&self) -> Result<Vec<(SessionId, Record)>, StoreError> {
        let all = self.shards.all(self.clock.now());
        let decoded = |(id, document): (_, document::Document)| {
            Record::decode(&document).ok().flatten().map(|record| (id, record))
        };
        Ok(all.into_iter().filter_map(decoded).collect())
    }

    async fn ids(&self) -> Result<Vec<SessionId>, StoreError> {
        Ok(self.shards.all(self.clock.now()).into_iter().map(|(id, _)| id).collect())
    }

    /// Counts expired sessions that no read or sweep has come across yet, as memorystore does.
    async fn length(&self) -> Result<u64, StoreError> {
        Ok(self.shards.len())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.shards.clear();
        Ok(())
    }

    async fn sweep(&self) -> Result<u64, StoreError> {
        Ok(self.shards.sweep(self.clock.now(), || false))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("sessions", &self.shards.len()).finish_non_exhaustive()
    }
}
