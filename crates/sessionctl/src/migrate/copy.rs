//! One session: what is to be done with it, and doing it.

use std::time::Duration;

use express_session_core::{
    Clock as _, Data, Document, Expect, Listed, SessionId, SetOutcome, StoreError, Stored, SystemClock,
    UnixMillis,
};
use tokio::time::sleep;

use super::fingerprint;
use super::journal::{Record, Stage};
use crate::store::AnyStore;

/// By how many milliseconds two stores may differ in the end of a life: some round to seconds.
const SLACK: u64 = 2000;
/// By how many milliseconds a life has to be shorter in the target to be told. Some stores count it from the last write, some from the
/// cookie, which a request has extended when it began.
const WORTH_TELLING: u64 = 60_000;
/// How often a session is tried again that servers of the target change at the same time.
const MAX_CONFLICTS: u32 = 10;
/// How often a store that does not answer is asked again, with a pause that grows.
const MAX_OUTAGES: u32 = 5;
const OUTAGE_PAUSE: Duration = Duration::from_millis(500);

/// What came of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was copied before, and has not changed since.
    Unchanged,
    /// It is in the target, which did not have it.
    Copied,
    /// It is in the target, which had an older one, or one with a shorter life.
    Updated,
    /// The target had it, with the same data.
    Same,
    /// The target has a newer one, which stays.
    Kept,
    /// It has ended in the target, and does not come back.
    Ended,
    /// Its life was over before it could be copied.
    Expired,
    /// The target cannot hold it.
    Refused(Refusal),
}

/// Why the target cannot hold a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its id is too long, or no possible name there.
    Id,
    TooLarge,
    /// By its rules the session has expired, by the source's it has not.
    Expired,
    /// Something is there that cannot be decoded.
    Corrupt,
    /// It was not there any more, or another one, when it was read back.
    ReadBack,
}

/// What came of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copied {
    pub(crate) fate: Fate,
    /// It lives shorter in the target than it would have in the source, by more than a minute.
    pub(crate) is_shorter: bool,
    /// The source has it no more.
    pub(crate) is_removed: bool,
}

/// A session of the source.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: SessionId,
    stored: Stored,
    /// The digest of its data.
    data: u64,
    /// When its life ends.
    ends: End,
}

/// The millisecond since 1970 in which a life ends; the largest number if it has no known end.
type End = u64;

/// Copies from one store to another.
#[derive(Debug)]
pub(crate) struct Copier {
    source: AnyStore,
    target: AnyStore,
    own_keys: Vec<&'static str>,
    removes: bool,
}

impl Copier {
    pub(crate) fn new(source: AnyStore, target: AnyStore, removes: bool) -> Self {
        let own_keys = [&source, &target].into_iter().filter_map(AnyStore::own_key).collect();
        Self { source, target, own_keys, removes }
    }

    pub(crate) const fn source(&self) -> &AnyStore {
        &self.source
    }

    /// A session as it was when its page was asked for, at `now`.
    pub(crate) fn found(&self, id: SessionId, stored: Stored, now: UnixMillis) -> Found {
        let (data, ends) = (self.data(&stored), end(&stored, now));
        Found { id, stored, data, ends }
    }

    /// Whether there is anything to do: it was not copied, or has changed or been used since.
    pub(crate) fn is_due(&self, found: &Found, copied: Option<Record>) -> bool {
        let is_as_copied = |copied: Record| {
            copied.stage == Stage::Done
                && copied.data == found.data
                && found.ends <= copied.ends.saturating_add(SLACK)
        };
        self.removes || !copied.is_some_and(is_as_copied)
    }

    /// Copies a session if the target has none that is newer, and tries again while a store does not answer.
    pub(crate) async fn copy(&self, found: &Found, copied: Option<Record>) -> Result<Copied, StoreError> {
        let mut outages = 0;
        loop {
            match self.copy_once(found, copied).await {
                Err(error) if error.is_outage() && outages < MAX_OUTAGES => {
                    outages += 1;
                    sleep(OUTAGE_PAUSE * outages).await;
                }
                result => return result,
            }
        }
    }

    async fn copy_once(&self, found: &Found, copied: Option<Record>) -> Result<Copied, StoreError> {
        let fate = match self.settle(found, copied).await {
            Err(StoreError::UnsupportedId(_)) => Fate::Refused(Refusal::Id),
            Err(StoreError::TooLarge { .. }) => Fate::Refused(Refusal::TooLarge),
            Err(StoreError::Corrupt(_)) => Fate::Refused(Refusal::Corrupt),
            fate => fate?,
        };
        let mut copied = Copied { fate, is_shorter: false, is_removed: false };
        if matches!(fate, Fate::Copied | Fate::Updated) {
            match self.there(&found.id).await? {
                Some(back) if self.data(&back) == found.data => {
                    let end = end(&back, SystemClock.now());
                    copied.is_shorter = end.saturating_add(WORTH_TELLING) < found.ends;
                }
                _ => copied.fate = Fate::Refused(Refusal::ReadBack),
            }
        }
        if self.removes && !matches!(copied.fate, Fate::Refused(_)) {
            copied.is_removed = self.source.remove(&found.id, &found.stored).await?;
        }
        Ok(copied)
    }

    /// Decides what is to be done, and does it.
    async fn settle(&self, found: &Found, copied: Option<Record>) -> Result<Fate, StoreError> {
        let (id, document) = (&found.id, self.document(&found.stored));
        for _ in 0..MAX_CONFLICTS {
            let Some(there) = self.there(id).await? else {
                if copied.is_some_and(|copied| copied.stage == Stage::Done && !is_over(copied.ends)) {
                    return Ok(Fate::Ended);
                }
                if self.target.add(id, &document, left(found.ends)).await? {
                    return Ok(Fate::Copied);
                }
                if self.there(id).await?.is_some() {
                    continue;
                }
                return Ok(if self.target.successor(id).await?.is_some() {
                    Fate::Ended
                } else if is_over(found.ends) {
                    Fate::Expired
                } else {
                    Fate::Refused(Refusal::Expired)
                });
            };
            let (theirs, their_end) = (self.data(&there), end(&there, SystemClock.now()));
            let ends = if theirs == found.data {
                if !is_before(their_end, found.ends) {
                    return Ok(Fate::Same);
                }
                found.ends
            } else if copied.is_some_and(|copied| copied.data == theirs) {
                found.ends.max(their_end)
            } else {
                return Ok(Fate::Kept);
            };
            let expect = Expect::Revision(&there.revision);
            match self.target.set_for(id, &document, expect, left(ends)).await? {
                SetOutcome::Written(_) => return Ok(Fate::Updated),
                // Somebody has changed or ended it at the same moment: look again.
                SetOutcome::Conflict(_) | SetOutcome::Gone => {}
            }
        }
        // Whoever changes it so often uses it in the target.
        Ok(Fate::Kept)
    }

    /// What the target has.
    async fn there(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        match self.target.look(id).await? {
            None => Ok(None),
            Some(Listed { stored, .. }) => Ok(Some(stored?)),
        }
    }

    fn data(&self, stored: &Stored) -> u64 {
        fingerprint::of_data(&stored.document, &self.own_keys)
    }

    /// The document without the key that the source's format has added.
    fn document(&self, stored: &Stored) -> Document {
        match self.source.own_key().filter(|key| stored.document.get_raw(key).is_some()) {
            None => stored.document.clone(),
            Some(key) => {
                let mut data = Data::of(stored.document.clone());
                data.remove(key);
                data.encode()
            }
        }
    }
}

impl Found {
    /// What is remembered of it.
    pub(crate) const fn record(&self, stage: Stage) -> Record {
        Record { stage, data: self.data, ends: self.ends }
    }
}

fn end(stored: &Stored, now: UnixMillis) -> End {
    let end = stored.life.map(|life| now.plus(life.left).0);
    end.map_or(End::MAX, |end| End::try_from(end).unwrap_or(0))
}

/// Whether one life ends earlier than another, by more than rounding.
const fn is_before(end: End, other: End) -> bool {
    end.saturating_add(SLACK) < other
}

fn is_over(end: End) -> bool {
    left(end).is_zero()
}

/// The time until then.
fn left(end: End) -> Duration {
    i64::try_from(end).map_or(Duration::MAX, |end| SystemClock.now().until(UnixMillis(end)))
}
