//! A store that keeps the contract to the letter and nothing else, in the three manners in which real ones keep it.
//!
//! It can do one thing that real ones do and no test can order: take over without having seen the last writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use express_session_core::{
    CONDEMNED, Clock, Cookie, Document, EntryState, Life, Owner, OwnerEntry, PENDING, Revision, SessionId,
    SetOutcome, StoreError, Stored, SupersedeOutcome, TouchAfter, TouchOutcome, UnixMillis,
};

use crate::backend::Backend;
use crate::command::{Answer, Command, Reply};
use crate::plan::Manner;

#[derive(Clone, Debug)]
struct Row {
    text: Arc<str>,
    number: u64,
    until: UnixMillis,
}

type Entry = (EntryState, UnixMillis);

#[derive(Debug, Default)]
struct Kept {
    rows: BTreeMap<SessionId, Row>,
    marks: BTreeMap<SessionId, (SessionId, UnixMillis)>,
    lists: HashMap<Owner, BTreeMap<SessionId, Entry>>,
    /// What was there before each change.
    undo: Vec<(UnixMillis, Undo)>,
    writes: u64,
}

#[derive(Debug)]
enum Undo {
    Row(SessionId, Option<Row>),
    Mark(SessionId, Option<(SessionId, UnixMillis)>),
    Entry(Owner, SessionId, Option<Entry>),
}

/// The store behind the network.
#[derive(Debug)]
pub(crate) struct SimStore {
    manner: Manner,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

/// As memorystore's, for cookies without an end.
const DEFAULT_LIFE: Duration = Duration::from_hours(24);

fn deadline(cookie: &Cookie, now: UnixMillis) -> UnixMillis {
    cookie.expires().unwrap_or_else(|| now.plus(DEFAULT_LIFE))
}

/// What a touch now would give a session.
fn deadline_of_touch(document: &Document, now: UnixMillis) -> UnixMillis {
    let mut cookie = document.cookie().clone();
    cookie.touch(now);
    deadline(&cookie, now)
}

impl Kept {
    fn put(&mut self, id: &SessionId, row: Option<Row>, now: UnixMillis) {
        let before = match row {
            Some(row) => self.rows.insert(id.clone(), row),
            None => self.rows.remove(id),
        };
        self.undo.push((now, Undo::Row(id.clone(), before)));
    }

    fn mark(&mut self, id: &SessionId, mark: Option<(SessionId, UnixMillis)>, now: UnixMillis) {
        let before = match mark {
            Some(mark) => self.marks.insert(id.clone(), mark),
            None => self.marks.remove(id),
        };
        self.undo.push((now, Undo::Mark(id.clone(), before)));
    }

    fn enter(&mut self, owner: &Owner, id: &SessionId, entry: Option<Entry>, now: UnixMillis) {
        let list = self.lists.entry(owner.clone()).or_default();
        let before = match entry {
            Some(entry) => list.insert(id.clone(), entry),
            None => list.remove(id),
        };
        self.undo.push((now, Undo::Entry(owner.clone(), id.clone(), before)));
    }

    fn row(&self, id: &SessionId, now: UnixMillis) -> Option<&Row> {
        self.rows.get(id).filter(|row| row.until > now)
    }

    fn entry(&self, owner: &Owner, id: &SessionId, now: UnixMillis) -> Option<EntryState> {
        self.lists.get(owner)?.get(id).filter(|(_, until)| *until > now).map(|(entry, _)| *entry)
    }
}

impl SimStore {
    pub(crate) fn new(manner: Manner, clock: impl Clock) -> Self {
        Self { manner, clock: Arc::new(clock), kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stored(&self, row: &Row) -> Result<Option<Stored>, StoreError> {
        let Some(document) = Document::parse(Arc::clone(&row.text))? else { return Ok(None) };
        Ok(Some(match self.manner {
            Manner::Memory => Stored::new(document, Revision::of_number(row.number)),
            Manner::Redis | Manner::File => Stored::of_bytes(document, row.text.as_bytes()),
        }))
    }

    /// Whether what is stored is what a write expects.
    fn is_as_expected(&self, row: &Row, expected: &Revision) -> bool {
        match self.manner {
            Manner::Memory => expected.as_number() == Some(row.number),
            Manner::Redis | Manner::File => expected.as_bytes() == row.text.as_bytes(),
        }
    }

    fn conflict(&self, row: &Row) -> Result<Option<Box<Stored>>, StoreError> {
        Ok(self.stored(row)?.map(Box::new))
    }

    fn get(&self, id: &SessionId, touch: Option<TouchAfter>, now: UnixMillis) -> Answer {
        let mut kept = self.kept();
        let Some(row) = kept.row(id, now).cloned() else { return Ok(Reply::Read(None)) };
        let Some(mut stored) = self.stored(&row)? else { return Ok(Reply::Read(None)) };
        if let Some(touch_after) = touch {
            let until = deadline_of_touch(&stored.document, now);
            let life = Life { ttl: now.until(until), left: now.until(row.until) };
            stored.life = Some(life);
            if self.manner == Manner::Redis && touch_after.is_due(Some(life)) {
                kept.put(id, Some(Row { until, ..row }), now);
                stored.touched = true;
            }
        }
        Ok(Reply::Read(Some(stored)))
    }

    fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expected: Option<&Revision>,
        at_most: Option<Duration>,
        now: UnixMillis,
    ) -> Answer {
        let mut kept = self.kept();
        if let Some(expected) = expected {
            let Some(row) = kept.row(id, now) else { return Ok(Reply::Set(SetOutcome::Gone)) };
            if !self.is_as_expected(row, expected) {
                let newer = self.conflict(row)?;
                return Ok(Reply::Set(newer.map_or(SetOutcome::Gone, SetOutcome::Conflict)));
            }
        }
        let full = deadline(document.cookie(), now);
        let until = at_most.map_or(full, |at_most| full.min(now.plus(at_most)));
        kept.writes += 1;
        let row = Row { text: document.shared_text(), number: kept.writes, until };
        let revision = match self.manner {
            Manner::Memory => Revision::of_number(row.number),
            Manner::Redis | Manner::File => Revision::of_bytes(row.text.as_bytes()),
        };
        kept.put(id, Some(row), now);
        Ok(Reply::Set(SetOutcome::Written(revision)))
    }

    fn touch(&self, id: &SessionId, cookie: &Cookie, now: UnixMillis) -> Answer {
        let mut kept = self.kept();
        let Some(row) = kept.row(id, now).cloned() else { return Ok(Reply::Touch(TouchOutcome::Gone)) };
        let Some(stored) = self.stored(&row)? else { return Ok(Reply::Touch(TouchOutcome::Gone)) };
        let text = match self.manner {
            Manner::Redis => row.text,
            Manner::Memory | Manner::File => stored.document.with_cookie(cookie).shared_text(),
        };
        kept.put(id, Some(Row { text, number: row.number, until: deadline(cookie, now) }), now);
        Ok(Reply::Touch(TouchOutcome::Touched))
    }

    /// Whether there was a live one.
    fn destroy(&self, id: &SessionId, now: UnixMillis) -> bool {
        let mut kept = self.kept();
        let was_there = kept.row(id, now).is_some();
        if was_there {
            kept.put(id, None, now);
        }
        was_there
    }

    fn supersede(
        &self,
        id: &SessionId,
        expected: Option<&Revision>,
        by: &SessionId,
        grace: Duration,
        now: UnixMillis,
    ) -> Answer {
        let mut kept = self.kept();
        if let Some(expected) = expected {
            let Some(row) = kept.row(id, now) else { return Ok(Reply::Superseded(SupersedeOutcome::Gone)) };
            if !self.is_as_expected(row, expected) {
                let newer = self.conflict(row)?;
                return Ok(Reply::Superseded(
                    newer.map_or(SupersedeOutcome::Gone, SupersedeOutcome::Conflict),
                ));
            }
        }
        kept.put(id, None, now);
        if !grace.is_zero() {
            kept.mark(id, Some((by.clone(), now.plus(grace))), now);
        }
        Ok(Reply::Superseded(SupersedeOutcome::Superseded))
    }

    fn successor(&self, id: &SessionId, now: UnixMillis) -> Option<SessionId> {
        self.kept().marks.get(id).filter(|(_, until)| *until > now).map(|(successor, _)| successor.clone())
    }

    fn find(&self, owner: &Owner, now: UnixMillis) -> Result<Vec<OwnerEntry>, StoreError> {
        let kept = self.kept();
        let list = kept.lists.get(owner).into_iter().flatten().filter(|(_, (_, until))| *until > now);
        list.map(|(id, (entry, _))| {
            let stored = match kept.row(id, now) {
                Some(row) => self.stored(row)?.map(|mut stored| {
                    let until = deadline_of_touch(&stored.document, now);
                    stored.life = Some(Life { ttl: now.until(until), left: now.until(row.until) });
                    stored
                }),
                None => None,
            };
            Ok(OwnerEntry { id: id.clone(), entry: *entry, stored })
        })
        .collect()
    }

    fn enlist(&self, owner: &Owner, id: &SessionId, now: UnixMillis) {
        let mut kept = self.kept();
        if kept.entry(owner, id, now).is_none() {
            kept.enter(owner, id, Some((EntryState::Pending, now.plus(PENDING))), now);
        }
    }

    fn confirm(&self, owner: &Owner, id: &SessionId, document: &Document, now: UnixMillis) -> bool {
        let mut kept = self.kept();
        match kept.entry(owner, id, now) {
            None | Some(EntryState::Condemned) => false,
            Some(EntryState::Pending | EntryState::Confirmed) => {
                let life = now.until(deadline_of_touch(document, now));
                kept.enter(owner, id, Some((EntryState::Confirmed, now.plus(life.saturating_mul(2)))), now);
                true
            }
        }
    }
}

impl Backend for SimStore {
    fn execute(&self, command: &Command) -> Answer {
        let now = self.clock.now();
        match command {
            Command::Get { id } => self.get(id, None, now),
            Command::GetAndTouch { id, touch_after, .. } => self.get(id, Some(*touch_after), now),
            Command::Set { id, document, expected, at_most } => {
                self.set(id, document, expected.as_ref(), *at_most, now)
            }
            Command::Touch { id, cookie, .. } => self.touch(id, cookie, now),
            Command::Destroy { id } => Ok(Reply::Destroyed(self.destroy(id, now))),
            Command::Supersede { id, expected, by, grace } => {
                self.supersede(id, expected.as_ref(), by, *grace, now)
            }
            Command::Successor { id } => Ok(Reply::Successor(self.successor(id, now))),
            Command::Find { owner } => self.find(owner, now).map(Reply::Found),
            Command::Enlist { owner, id } => {
                self.enlist(owner, id, now);
                Ok(Reply::Done)
            }
            Command::Confirm { owner, id, document } => {
                Ok(Reply::Confirmed(self.confirm(owner, id, document, now)))
            }
            Command::Refresh { owner, id, document } => {
                self.enlist(owner, id, now);
                Ok(Reply::Confirmed(self.confirm(owner, id, document, now)))
            }
            Command::Condemn { owner, ids } => {
                let mut kept = self.kept();
                for id in ids {
                    kept.enter(owner, id, Some((EntryState::Condemned, now.plus(CONDEMNED))), now);
                }
                Ok(Reply::Done)
            }
            Command::Delist { owner, ids } => {
                let mut kept = self.kept();
                for id in ids {
                    kept.enter(owner, id, None, now);
                }
                Ok(Reply::Done)
            }
        }
    }

    fn peek(&self, id: &SessionId) -> Option<Document> {
        let now = self.clock.now();
        let kept = self.kept();
        Document::parse(Arc::clone(&kept.row(id, now)?.text)).ok().flatten()
    }

    fn live(&self) -> Vec<(SessionId, Document)> {
        let now = self.clock.now();
        let kept = self.kept();
        let live = kept.rows.iter().filter(|(_, row)| row.until > now);
        live.filter_map(|(id, row)| Some((id.clone(), Document::parse(Arc::clone(&row.text)).ok()??)))
            .collect()
    }

    fn evict(&self, place: u64) -> Option<SessionId> {
        let now = self.clock.now();
        let mut kept = self.kept();
        let ids: Vec<SessionId> = kept.rows.keys().cloned().collect();
        let count = u64::try_from(ids.len()).ok().filter(|count| *count > 0)?;
        let id = ids.into_iter().nth(usize::try_from(place % count).unwrap_or(0))?;
        kept.put(&id, None, now);
        Some(id)
    }

    fn fail_over(&self, forgets: u64) -> bool {
        let since = self.clock.now().minus(Duration::from_millis(forgets));
        let mut kept = self.kept();
        while kept.undo.last().is_some_and(|(at, _)| *at > since) {
            match kept.undo.pop() {
                Some((_, Undo::Row(id, Some(row)))) => {
                    kept.rows.insert(id, row);
                }
                Some((_, Undo::Row(id, None))) => {
                    kept.rows.remove(&id);
                }
                Some((_, Undo::Mark(id, Some(mark)))) => {
                    kept.marks.insert(id, mark);
                }
                Some((_, Undo::Mark(id, None))) => {
                    kept.marks.remove(&id);
                }
                Some((_, Undo::Entry(owner, id, Some(entry)))) => {
                    kept.lists.entry(owner).or_default().insert(id, entry);
                }
                Some((_, Undo::Entry(owner, id, None))) => {
                    kept.lists.entry(owner).or_default().remove(&id);
                }
                None => break,
            }
        }
        true
    }
}
