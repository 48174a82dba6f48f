//! The store: core's verbs on documents in memory.

use std::convert::Infallible;
use std::fmt;
use std::future::{self, Ready};
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{
    Clock, Cookie, Document, Expect, OwnerIndex, Revision, SessionId, SessionStore, SetOutcome, StoreError,
    Stored, Successor, SupersedeOutcome, TouchAfter, TouchHint, TouchOutcome, UnixMillis,
};

use crate::life::Deadline;
use crate::options::{MemoryOptions, Ttl};
use crate::owners::Owners;
use crate::shards::{Shards, Superseded, Touch, Write};
use crate::slot::Found;
use crate::stats::MemoryStats;
use crate::sweep::Sweeper;

/// Sessions in the memory of this process. A clone is another handle on the same sessions.
///
/// Kept are encoded documents, never live objects: what a handler does not save is not there. No verb waits for
/// anything but a short lock, and all futures are ready when first polled.
#[derive(Clone)]
pub struct MemoryStore {
    pub(crate) shards: Arc<Shards>,
    pub(crate) owners: Arc<Owners>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Dropped with the last handle. The thread itself holds the sessions, not a handle.
    _sweeper: Option<Arc<Sweeper>>,
}

impl MemoryStore {
    /// An empty store. Needs no async runtime.
    pub fn new(options: MemoryOptions) -> Self {
        let clock = Arc::clone(&options.clock);
        let period = options.check_period;
        let shards = Arc::new(Shards::new(options));
        let owners = Arc::new(Owners::default());
        let sweeper = period.map(|period| {
            Arc::new(Sweeper::start(Arc::clone(&shards), Arc::clone(&owners), Arc::clone(&clock), period))
        });
        Self { shards, owners, clock, _sweeper: sweeper }
    }

    /// Always so: there is nothing to wait for. The other stores have the same question, and a reason to ask it.
    ///
    /// # Errors
    ///
    /// None.
    pub fn ready(&self) -> Ready<Result<(), Infallible>> {
        future::ready(Ok(()))
    }

    /// What is kept, and what has happened so far.
    pub fn stats(&self) -> MemoryStats {
        self.shards.stats()
    }

    /// The JSON document that is kept for this session, decoded or not, expired or not. For tools and tests;
    /// walks through a part of the store.
    pub fn document(&self, id: &SessionId) -> Option<Vec<u8>> {
        self.shards.peek(id).map(|found| found.text.as_bytes().to_vec())
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
        let deadline = match Document::decode(bytes) {
            Ok(Some(document)) => ttl.deadline(&document, id, now),
            Ok(None) | Err(_) => ttl.deadline_of_unknown(now),
        };
        let text = String::from_utf8_lossy(bytes);
        self.check_size(id, &text)?;
        self.shards.write(id, &text, deadline, None, now);
        Ok(())
    }

    pub(crate) fn owners(&self) -> &Owners {
        &self.owners
    }

    pub(crate) fn ttl(&self) -> &Ttl {
        &self.shards.options.ttl
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// What is stored, with the life it has left; nothing if it cannot be decoded.
    pub(crate) fn find_stored(&self, id: &SessionId, now: UnixMillis) -> Option<Stored> {
        let (mut stored, deadline) = self.read(id, now).ok().flatten()?;
        stored.life = self.ttl().life(&stored.document, id, deadline, now);
        Some(stored)
    }

    pub(crate) fn check_size(&self, id: &SessionId, text: &str) -> Result<(), StoreError> {
        let too_large = self.shards.options.max_bytes.is_some_and(|max| self.shards.key(id).size(text) > max);
        if too_large { Err(StoreError::TooLarge { size: text.len(), source: None }) } else { Ok(()) }
    }

    fn write(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        deadline: Deadline,
        now: UnixMillis,
    ) -> Result<SetOutcome, StoreError> {
        self.check_size(id, document.text())?;
        Ok(match self.shards.write(id, document.text(), deadline, expected(expect), now) {
            Write::Written(revision) => SetOutcome::Written(Revision::of_number(revision)),
            Write::Gone => SetOutcome::Gone,
            Write::Conflict(found) => match stored(found)? {
                Some(stored) => SetOutcome::Conflict(Box::new(stored)),
                None => SetOutcome::Gone,
            },
        })
    }

    fn read(&self, id: &SessionId, now: UnixMillis) -> Result<Option<(Stored, Deadline)>, StoreError> {
        let Some(found) = self.shards.read(id, now) else { return Ok(None) };
        let deadline = found.deadline;
        Ok(stored(found)?.map(|stored| (stored, deadline)))
    }
}

pub(crate) fn stored(found: Found) -> Result<Option<Stored>, StoreError> {
    let document = Document::parse(found.text)?;
    Ok(document.map(|document| Stored::new(document, Revision::of_number(found.revision))))
}

/// The number that the stored session must have.
fn expected(expect: Expect<'_>) -> Option<u64> {
    match expect {
        Expect::Any => None,
        // A revision of another store is one that no session here has.
        Expect::Revision(revision) => Some(revision.as_number().unwrap_or(0)),
    }
}

impl SessionStore for MemoryStore {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        Ok(self.read(id, self.clock.now())?.map(|(stored, _)| stored))
    }

    /// Does not touch: that would be work for nothing if the request then writes, and saves no round trip.
    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        let now = self.clock.now();
        let Some((mut stored, deadline)) = self.read(id, now)? else { return Ok(None) };
        if hint.touch_after != TouchAfter::Always {
            stored.life = self.shards.options.ttl.life(&stored.document, id, deadline, now);
        }
        Ok(Some(stored))
    }

    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        let now = self.clock.now();
        self.write(id, document, expect, self.shards.options.ttl.deadline(document, id, now), now)
    }

    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        let now = self.clock.now();
        let deadline = self.shards.options.ttl.deadline(document, id, now).or_within(at_most, now);
        self.write(id, document, expect, deadline, now)
    }

    /// Replaces `cookie` in the stored document and restarts the life. The text is written before the part is locked, and read
    /// anew if it turns out to be another one, so that no request waits for that. Source: memorystore 1.6.8, `touch`.
    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        let now = self.clock.now();
        let deadline = self.shards.options.ttl.deadline_after_touch(document, cookie, id, now);
        // The request has mostly read what is still stored. If not, the same is tried with that.
        let (mut stored, mut seen) = (Some(document.clone()), document.shared_text());
        loop {
            let touch = |new: Option<&str>| self.shards.touch(id, deadline, now, &seen, new);
            let touched = match &stored {
                Some(stored) if stored.cookie() != cookie => {
                    stored.write_with_cookie(cookie, |text| touch(Some(text)))
                }
                // What is no session has no cookie.
                _ => touch(None),
            };
            match touched {
                Touch::Touched => return Ok(TouchOutcome::Touched),
                Touch::Gone => return Ok(TouchOutcome::Gone),
                Touch::Differs(text) => (stored, seen) = (Document::parse(Arc::clone(&text))?, text),
            }
        }
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.shards.remove(id, self.clock.now()))
    }

    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        let now = self.clock.now();
        let mark = (!by.grace.is_zero()).then(|| (by.id, now.plus(by.grace)));
        Ok(match self.shards.supersede(id, expected(expect), mark, now) {
            Superseded::Done => SupersedeOutcome::Superseded,
            Superseded::Gone => SupersedeOutcome::Gone,
            Superseded::Conflict(found) => match stored(found)? {
                Some(stored) => SupersedeOutcome::Conflict(Box::new(stored)),
                None => SupersedeOutcome::Gone,
            },
        })
    }

    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        Ok(self.shards.successor(id, self.clock.now()))
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("sessions", &self.shards.len()).finish_non_exhaustive()
    }
}
