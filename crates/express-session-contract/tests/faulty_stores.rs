//! The suite itself: a plain store passes, and every fault that real stores have had is caught by its clause.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

#[path = "faulty/owner_list.rs"]
mod owner_list;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use express_session_contract::{Harness, Scale, clauses};
use express_session_core::{
    Clock, Cookie, Cursor, Document, Expect, Life, Listed, ManualClock, OwnerIndex, Page, Revision,
    SessionId, SessionStore, SessionStoreAdmin, SetOutcome, StoreError, Stored, Successor, SupersedeOutcome,
    TouchHint, TouchOutcome, UnixMillis,
};

/// A fault of a store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Last writer wins: `set` ignores what it is told to expect.
    BlindSet,
    /// The check and the write are two steps.
    CheckThenWrite,
    /// `set` brings a vanished session back.
    SetCreates,
    /// `touch` writes the whole record.
    TouchWritesData,
    /// `touch` goes by the cookie that was read, not by the one it is given.
    TouchOldCookie,
    /// `touch` creates.
    TouchCreates,
    /// `touch` does nothing.
    TouchIsNothing,
    /// Expiry is left to the sweep.
    ExpiryBySweep,
    /// `get` extends life.
    GetExtends,
    /// `set_for` is `set`.
    CutLifeIgnored,
    /// `set_for` gives what it is told, also where that is more than the cookie's life.
    CutLifeLengthens,
    /// `set_for` shortens the cookie.
    CutCookie,
    /// `get_and_touch` claims a touch.
    FalseTouched,
    /// `destroy` always says that there was a session.
    DestroyAlwaysTrue,
    /// Ids are compared without regard to case.
    CaselessIds,
    /// Trailing blanks of ids are cut off.
    TrimmedIds,
    /// What cannot be decoded is deleted.
    DeletesCorrupt,
    /// What cannot be decoded is taken for absent.
    CorruptIsNone,
    /// `sweep` removes everything.
    SweepsAll,
    /// `set` reports a revision that is not the one stored.
    WrongRevision,
    /// The document is parsed and written anew.
    Reformats,
    /// A page has expired sessions.
    ListsExpired,
    /// `supersede` ignores what it is told to expect.
    BlindSupersede,
    /// `supersede` checks and removes in two steps.
    CheckThenSupersede,
    /// `supersede` is `destroy`.
    LeavesNoMark,
    /// `supersede` marks what somebody else has ended.
    MarksTheGone,
    /// Marks last for ever.
    EndlessMarks,
    /// A mark is listed.
    ListsMarks,
    /// A mark hides the session that is written under its id.
    MarkHides,
    /// The place in a listing is a number of sessions.
    CountsPlaces,
    /// All sessions are on one page.
    OnePage,
    /// What cannot be decoded is left out of a listing.
    HidesCorrupt,
    /// `look` extends life.
    LookExtends,
    /// `add` replaces.
    AddReplaces,
    /// `add` checks and writes in two steps.
    CheckThenAdd,
    /// `add` brings back what was superseded.
    AddIgnoresMarks,
    /// `add` gives the full life.
    AddIgnoresLife,
}

/// Documents with the last millisecond of their life.
type Sessions = BTreeMap<String, (Vec<u8>, i64)>;

#[derive(Clone, Debug)]
struct Naive {
    fault: Fault,
    clock: Arc<ManualClock>,
    sessions: Arc<Mutex<Sessions>>,
    /// Successors, with the last millisecond of their mark.
    marks: Arc<Mutex<BTreeMap<String, (SessionId, i64)>>>,
    owners: owner_list::Owners,
}

impl Naive {
    fn new(fault: Fault) -> Self {
        let clock = Arc::new(ManualClock::new(UnixMillis(1_893_553_445_678)));
        let owners = owner_list::Owners::new(owner_list::ListFault::None);
        Self { fault, clock, sessions: Arc::default(), marks: Arc::default(), owners }
    }

    fn key(&self, id: &SessionId) -> String {
        match self.fault {
            Fault::CaselessIds => id.as_str().to_lowercase(),
            Fault::TrimmedIds => id.as_str().trim_end_matches(' ').to_owned(),
            _ => id.as_str().to_owned(),
        }
    }

    fn deadline(&self, cookie: &Cookie) -> i64 {
        let day = self.clock.now().plus(Duration::from_hours(24));
        cookie.expires().unwrap_or(day).0
    }

    fn live(&self, id: &SessionId) -> Option<Vec<u8>> {
        let sessions = self.sessions.lock().unwrap();
        let is_hidden =
            self.fault == Fault::MarkHides && self.marks.lock().unwrap().contains_key(&self.key(id));
        let (bytes, deadline) = sessions.get(&self.key(id)).filter(|_| !is_hidden)?;
        let live = *deadline >= self.clock.now().0 || self.fault == Fault::ExpiryBySweep;
        live.then(|| bytes.clone())
    }

    fn put(&self, id: &SessionId, bytes: Vec<u8>, deadline: i64) -> Revision {
        let revision = Revision::of_bytes(bytes.clone());
        self.sessions.lock().unwrap().insert(self.key(id), (bytes, deadline));
        if self.fault == Fault::WrongRevision { Revision::of_bytes(*b"?") } else { revision }
    }
}

impl Naive {
    /// Compare-and-set.
    fn swap(&self, id: &SessionId, expected: &[u8], bytes: Vec<u8>, deadline: i64) -> Option<Revision> {
        if self.fault == Fault::CheckThenWrite {
            self.live(id).filter(|current| current == expected)?;
            std::thread::sleep(Duration::from_millis(1));
            return Some(self.put(id, bytes, deadline));
        }
        let may_write = |current: Option<&[u8]>| match (self.fault, current) {
            (Fault::BlindSet, _) | (Fault::SetCreates, None) => true,
            (_, current) => current == Some(expected),
        };
        let mut sessions = self.sessions.lock().unwrap();
        let now = self.clock.now().0;
        let live = sessions.get(&self.key(id)).filter(|(_, end)| *end >= now);
        if !may_write(live.map(|(bytes, _)| &**bytes)) {
            return None;
        }
        sessions.insert(self.key(id), (bytes.clone(), deadline));
        let shown = if self.fault == Fault::WrongRevision { b"?".to_vec() } else { bytes };
        Some(Revision::of_bytes(shown))
    }
}

impl Naive {
    /// Removes the session if it is as expected; whether it was.
    fn takes_away(&self, id: &SessionId, expected: &[u8]) -> bool {
        if self.fault == Fault::CheckThenSupersede && self.live(id).as_deref() == Some(expected) {
            std::thread::sleep(Duration::from_millis(1));
            return true;
        }
        let now = self.clock.now().0;
        let mut sessions = self.sessions.lock().unwrap();
        let live = sessions.get(&self.key(id)).filter(|(_, end)| *end >= now);
        let is_as_expected = match live {
            Some((bytes, _)) => bytes == expected,
            None => self.fault == Fault::MarksTheGone,
        };
        if is_as_expected {
            sessions.remove(&self.key(id));
        }
        is_as_expected
    }
}

impl Naive {
    async fn write(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        deadline: i64,
    ) -> Result<SetOutcome, StoreError> {
        let mut bytes = document.text().as_bytes().to_vec();
        if self.fault == Fault::Reformats {
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
            bytes = value.to_string().into_bytes();
        }
        let Expect::Revision(revision) = expect else {
            return Ok(SetOutcome::Written(self.put(id, bytes, deadline)));
        };
        if let Some(written) = self.swap(id, revision.as_bytes(), bytes, deadline) {
            return Ok(SetOutcome::Written(written));
        }
        Ok(match self.get(id).await? {
            Some(stored) => SetOutcome::Conflict(Box::new(stored)),
            None => SetOutcome::Gone,
        })
    }
}

impl SessionStore for Naive {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        let Some(bytes) = self.live(id) else { return Ok(None) };
        let document = match Document::decode(&bytes) {
            Ok(document) => document,
            Err(_) if self.fault == Fault::CorruptIsNone => None,
            Err(error) => {
                if self.fault == Fault::DeletesCorrupt {
                    self.sessions.lock().unwrap().remove(&self.key(id));
                }
                return Err(error.into());
            }
        };
        if self.fault == Fault::GetExtends {
            self.put(id, bytes.clone(), self.clock.now().plus(Duration::from_hours(1)).0);
        }
        Ok(document.map(|document| Stored::new(document, Revision::of_bytes(bytes))))
    }

    async fn get_and_touch(&self, id: &SessionId, _: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        let touched = self.fault == Fault::FalseTouched;
        Ok(self.get(id).await?.map(|stored| Stored { touched, ..stored }))
    }

    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        self.write(id, document, expect, self.deadline(document.cookie())).await
    }

    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        let now = self.clock.now();
        let (full, cut) = (self.deadline(document.cookie()), now.plus(at_most).0);
        match self.fault {
            Fault::CutLifeIgnored => self.write(id, document, expect, full).await,
            Fault::CutLifeLengthens => self.write(id, document, expect, cut).await,
            Fault::CutCookie => {
                let mut cookie = document.cookie().clone();
                cookie.set_max_age(Some(at_most), now);
                self.write(id, &document.with_cookie(&cookie), expect, cut.min(full)).await
            }
            _ => self.write(id, document, expect, cut.min(full)).await,
        }
    }

    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        if self.fault == Fault::TouchIsNothing {
            return Ok(TouchOutcome::Touched);
        }
        if self.fault == Fault::TouchWritesData && self.live(id).is_some()
            || self.fault == Fault::TouchCreates
        {
            self.put(id, document.text().as_bytes().to_vec(), self.deadline(cookie));
            return Ok(TouchOutcome::Touched);
        }
        if self.live(id).is_none() {
            return Ok(TouchOutcome::Gone);
        }
        let mut sessions = self.sessions.lock().unwrap();
        let Some((_, deadline)) = sessions.get_mut(&self.key(id)) else { return Ok(TouchOutcome::Gone) };
        let cookie = if self.fault == Fault::TouchOldCookie { document.cookie() } else { cookie };
        *deadline = self.deadline(cookie);
        Ok(TouchOutcome::Touched)
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        let now = self.clock.now().0;
        let removed = self.sessions.lock().unwrap().remove(&self.key(id));
        Ok(removed.is_some_and(|(_, deadline)| deadline >= now) || self.fault == Fault::DestroyAlwaysTrue)
    }

    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        let expected = match expect {
            Expect::Revision(revision) if self.fault != Fault::BlindSupersede => Some(revision.as_bytes()),
            Expect::Revision(_) | Expect::Any => None,
        };
        if let Some(expected) = expected
            && !self.takes_away(id, expected)
        {
            let newer = self.get(id).await?;
            return Ok(newer.map_or(SupersedeOutcome::Gone, |it| SupersedeOutcome::Conflict(Box::new(it))));
        }
        self.sessions.lock().unwrap().remove(&self.key(id));
        if self.fault != Fault::LeavesNoMark && !by.grace.is_zero() {
            let until = self.clock.now().plus(by.grace).0;
            self.marks.lock().unwrap().insert(self.key(id), (by.id.clone(), until));
        }
        Ok(SupersedeOutcome::Superseded)
    }

    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        let now = self.clock.now().0;
        let marks = self.marks.lock().unwrap();
        let mark =
            marks.get(&self.key(id)).filter(|(_, until)| *until >= now || self.fault == Fault::EndlessMarks);
        Ok(mark.map(|(successor, _)| successor.clone()))
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

impl SessionStoreAdmin for Naive {
    async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let limit = if self.fault == Fault::OnePage { usize::MAX } else { limit.max(1) };
        let after = after.map_or(Ok(""), Cursor::as_text)?;
        let marks =
            self.marks.lock().unwrap().clone().into_keys().filter(|_| self.fault == Fault::ListsMarks);
        let marks = marks.map(|key| (key, (br#"{"cookie":{}}"#.to_vec(), 0)));
        let all: Vec<_> = self.entries().into_iter().chain(marks).collect();
        // A place is the last id, or the number of sessions before it.
        let begin = match self.fault {
            Fault::CountsPlaces => after.parse().unwrap_or(0),
            _ => all.iter().filter(|(key, _)| &**key <= after).count(),
        };
        let end = begin.saturating_add(limit).min(all.len());
        let listed = all[begin.min(end)..end].iter().filter_map(|(key, entry)| self.listed(key, entry));
        let listed = listed.collect();
        let place = if self.fault == Fault::CountsPlaces {
            end.to_string()
        } else {
            all[..end].last().map(|(key, _)| key.clone()).unwrap_or_default()
        };
        Ok(Page::new(listed, (end < all.len()).then(|| Cursor::of_bytes(place.into_bytes()))))
    }

    async fn look(&self, id: &SessionId) -> Result<Option<Listed>, StoreError> {
        if self.fault == Fault::LookExtends
            && let Some(bytes) = self.live(id)
        {
            self.put(id, bytes, self.clock.now().plus(Duration::from_hours(1)).0);
        }
        let key = self.key(id);
        Ok(self
            .entries()
            .into_iter()
            .find(|(name, _)| *name == key)
            .and_then(|(key, entry)| self.listed(&key, &entry)))
    }

    async fn add(&self, id: &SessionId, document: &Document, at_most: Duration) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let end = self.deadline(document.cookie()).min(now.plus(at_most).0);
        let end = if self.fault == Fault::AddIgnoresLife { self.deadline(document.cookie()) } else { end };
        let is_marked = self.fault != Fault::AddIgnoresMarks && self.successor(id).await?.is_some();
        if is_marked || (end <= now.0) {
            return Ok(false);
        }
        let is_live = |sessions: &Sessions| {
            sessions.get(&self.key(id)).is_some_and(|(_, end)| *end >= now.0)
                && self.fault != Fault::AddReplaces
        };
        if self.fault == Fault::CheckThenAdd {
            if is_live(&self.sessions.lock().unwrap()) {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut sessions = self.sessions.lock().unwrap();
        if self.fault != Fault::CheckThenAdd && is_live(&sessions) {
            return Ok(false);
        }
        sessions.insert(self.key(id), (document.text().as_bytes().to_vec(), end));
        Ok(true)
    }

    async fn length(&self) -> Result<u64, StoreError> {
        Ok(self.sessions.lock().unwrap().len() as u64)
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.sessions.lock().unwrap().clear();
        Ok(())
    }

    async fn sweep(&self) -> Result<u64, StoreError> {
        let now = self.clock.now().0;
        let mut sessions = self.sessions.lock().unwrap();
        let before = sessions.len();
        sessions.retain(|_, (_, deadline)| *deadline >= now && self.fault != Fault::SweepsAll);
        Ok((before - sessions.len()) as u64)
    }
}

impl Naive {
    fn listed(&self, key: &str, (bytes, deadline): &(Vec<u8>, i64)) -> Option<Listed> {
        let left = self.clock.now().until(UnixMillis(*deadline));
        let stored = Document::decode(bytes).map(|document| {
            let stored = Stored::new(document?, Revision::of_bytes(bytes.clone()));
            Some(Stored { life: Some(Life { ttl: left, left }), ..stored })
        });
        let stored = stored.transpose()?;
        let is_hidden = stored.is_err() && self.fault == Fault::HidesCorrupt;
        (!is_hidden).then(|| Listed::new(SessionId::parse(key).unwrap(), bytes.len(), stored))
    }

    fn entries(&self) -> Vec<(String, (Vec<u8>, i64))> {
        let now = self.clock.now().0;
        let sessions = self.sessions.lock().unwrap();
        let listed = sessions.iter().filter(|(_, (_, end))| *end >= now || self.fault == Fault::ListsExpired);
        listed.map(|(key, entry)| (key.clone(), entry.clone())).collect()
    }
}

struct NaiveHarness(Naive);

impl Harness for NaiveHarness {
    type Store = Naive;
    const SCALE: Scale = Scale { tasks: 4, writes: 10, races: 20 };

    fn store(&self) -> &Naive {
        &self.0
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::<ManualClock>::clone(&self.0.clock)
    }

    async fn age(&self, _: &SessionId, by: Duration) {
        self.0.clock.advance(by);
    }

    async fn pass_a_moment(&self) {
        self.0.clock.advance(Duration::from_secs(1));
    }

    async fn put_raw(&self, id: &SessionId, bytes: &[u8]) {
        self.0.put(id, bytes.to_vec(), self.0.clock.now().plus(Duration::from_hours(24)).0);
    }

    async fn get_raw(&self, id: &SessionId) -> Option<Vec<u8>> {
        self.0.sessions.lock().unwrap().get(&self.0.key(id)).map(|(bytes, _)| bytes.clone())
    }
}

mod a_naive_store_passes {
    express_session_contract::store_contract!(super::NaiveHarness(super::Naive::new(super::Fault::None)));
}

/// `fault => clause`: the clause passes without the fault (above) and panics with it.
macro_rules! caught {
    ($($fault:ident => $clause:ident;)*) => {
        #[allow(non_snake_case, reason = "named by the fault and the clause")]
        mod caught {
            $(
                mod $fault {
                    #[test]
                    #[should_panic = ""]
                    fn $clause() {
                        let harness = super::super::NaiveHarness(super::super::Naive::new(super::super::Fault::$fault));
                        express_session_contract::run(super::super::clauses::$clause(&harness));
                    }
                }
            )*
        }
    };
}

caught! {
    BlindSet => a_stale_revision_is_a_conflict_and_writes_nothing;
    CheckThenWrite => of_several_writers_with_one_revision_one_gets_through;
    SetCreates => logout_wins_over_a_request_that_changes_the_session;
    TouchWritesData => touch_does_not_bring_back_what_others_replaced;
    TouchOldCookie => get_and_touch_has_extended_life_if_it_says_so;
    TouchCreates => touch_never_creates;
    TouchIsNothing => touch_extends_life;
    ExpiryBySweep => an_expired_session_is_absent_before_any_sweep;
    GetExtends => reading_does_not_extend_life;
    CutLifeIgnored => a_life_that_is_cut_short_ends_unless_somebody_comes_back;
    CutLifeLengthens => a_life_is_cut_short_and_never_made_longer;
    CutCookie => a_life_that_is_cut_short_ends_unless_somebody_comes_back;
    FalseTouched => get_and_touch_has_extended_life_if_it_says_so;
    DestroyAlwaysTrue => of_several_callers_one_destroys;
    CaselessIds => variants_of_an_id_are_different_sessions;
    TrimmedIds => variants_of_an_id_are_different_sessions;
    DeletesCorrupt => undecodable_bytes_are_corrupt_and_not_lost;
    CorruptIsNone => undecodable_bytes_are_corrupt_and_not_lost;
    SweepsAll => sweep_removes_the_expired_and_nothing_else;
    WrongRevision => the_revision_that_was_written_lets_the_next_write_through;
    Reformats => a_record_comes_back_exactly_as_it_was_written;
    ListsExpired => an_expired_session_is_absent_before_any_sweep;
    BlindSupersede => superseding_by_a_stale_revision_is_a_conflict_and_changes_nothing;
    CheckThenSupersede => of_several_who_supersede_one_gets_through;
    LeavesNoMark => login_wins_over_requests_that_come_late;
    MarksTheGone => a_session_that_is_gone_is_not_superseded;
    EndlessMarks => a_mark_lasts_for_its_grace;
    ListsMarks => a_superseded_session_is_absent_and_names_its_successor;
    MarkHides => a_superseded_id_can_be_written_anew;
    CountsPlaces => a_session_that_stays_is_listed_under_fire;
    OnePage => a_page_is_a_part;
    HidesCorrupt => undecodable_bytes_are_listed_with_the_reason;
    LookExtends => a_look_tells_what_a_page_tells;
    AddReplaces => adding_never_replaces;
    CheckThenAdd => of_several_who_add_one_does;
    AddIgnoresMarks => adding_respects_marks;
    AddIgnoresLife => adding_never_replaces;
}
