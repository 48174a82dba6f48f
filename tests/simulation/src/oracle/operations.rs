//! What holds when a handler's operation is done, and when a request is answered.

use std::time::Duration;

use express_session_core::{SessionError, SessionId, SetOutcome, SupersedeOutcome, TouchOutcome};

use super::mind::{Change, Mind};
use super::tale::members;
use super::{Observer, What};
use crate::command::{Answer, Reply};
use crate::executor::Actor;
use crate::plan::Op;

const ACKNOWLEDGED: &str = "what a request was told to be stored is stored";
const LOGOUT: &str = "after a logout the session is gone";
const READS: &str = "a request sees what is stored while it looks";
const DEADLINE: &str = "nobody waits longer than the store's timeout";
const FAILS: &str = "nothing fails where nothing is broken";
const GONE: &str = "a session is said to have ended only if it has";
const COOKIE: &str = "the cookie that is sent is one of a stored session";

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    /// The session has ended meanwhile.
    Gone,
    /// There is no session any more, or none is stored: the handler's own doing.
    Refused,
    /// The store failed.
    Failed,
    /// An error that should never happen.
    Unexpected,
}

impl Outcome {
    pub(crate) const fn of<T>(result: &Result<T, SessionError>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(SessionError::Gone) => Self::Gone,
            Err(
                SessionError::NoSession
                | SessionError::NotFound
                | SessionError::Owner(_)
                | SessionError::TooManySessions(_),
            ) => Self::Refused,
            Err(SessionError::Store(_) | SessionError::Unavailable(_)) => Self::Failed,
            Err(_) => Self::Unexpected,
        }
    }
}

/// An answer of the store in a word.
pub(super) fn said(answer: &Answer) -> String {
    match answer {
        Ok(Reply::Read(Some(_))) => "found".to_owned(),
        Ok(Reply::Read(None)) => "nothing there".to_owned(),
        Ok(Reply::Set(SetOutcome::Written(_))) => "written".to_owned(),
        Ok(Reply::Set(SetOutcome::Conflict(_)) | Reply::Superseded(SupersedeOutcome::Conflict(_))) => {
            "conflict".to_owned()
        }
        Ok(
            Reply::Set(SetOutcome::Gone)
            | Reply::Superseded(SupersedeOutcome::Gone)
            | Reply::Touch(TouchOutcome::Gone),
        ) => "gone".to_owned(),
        Ok(Reply::Touch(TouchOutcome::Touched)) => "touched".to_owned(),
        Ok(Reply::Destroyed(was_there)) => if *was_there { "destroyed" } else { "nothing there" }.to_owned(),
        Ok(Reply::Superseded(SupersedeOutcome::Superseded)) => "superseded".to_owned(),
        Ok(Reply::Successor(successor)) => {
            if successor.is_some() { "found" } else { "nothing there" }.to_owned()
        }
        Ok(Reply::Found(entries)) => format!("{} entries", entries.len()),
        Ok(Reply::Done) => "done".to_owned(),
        Ok(Reply::Confirmed(is_confirmed)) => {
            if *is_confirmed { "confirmed" } else { "condemned" }.to_owned()
        }
        Err(error) => error.to_string(),
    }
}

impl Observer {
    /// A request reaches its server.
    pub(crate) fn arrives(
        &mut self,
        now: u64,
        actor: Actor,
        browser: u64,
        is_node: bool,
        came_with: Option<SessionId>,
    ) {
        self.open.insert(actor);
        let mind = Mind {
            browser,
            is_node,
            started: now,
            came_with,
            session: None,
            made: std::collections::BTreeSet::new(),
            unsaved: std::collections::BTreeMap::new(),
            op: None,
            done: Vec::new(),
            counted: 0,
            renews: None,
            met_fault: false,
            has_failed: false,
            left_handler: None,
            letters: Vec::new(),
            looked: None,
            looked_at_list: None,
            wrote: None,
        };
        self.minds.insert(actor, mind);
    }

    /// It has its session, with these members.
    pub(crate) fn begins(
        &mut self,
        now: u64,
        actor: Actor,
        server: usize,
        session: &SessionId,
        sees: Vec<(String, String)>,
    ) {
        let Some(mind) = self.minds.get_mut(&actor) else { return };
        mind.session = Some(session.clone());
        let (started, came_with) = (mind.started, mind.came_with.clone());
        if Duration::from_micros(now - started) > self.setup.store_timeout {
            self.broken(now, actor, DEADLINE, || format!("the beginning took {} ms", (now - started) / 1000));
        }
        let cookie = came_with.as_ref().map(|id| self.name(id));
        let sees = sees.into_iter().filter(|(key, _)| !key.starts_with("__")).collect();
        self.history.note(now, actor, || What::Arrives {
            server,
            cookie,
            sees: std::collections::BTreeMap::clone(&sees),
        });
        if self.has_faults && self.setup.goes_on_without_store {
            // It may have begun without its session.
            return;
        }
        self.check_seen(now, actor, session, started, &sees);
        self.check_isolation(now, actor, &sees);
        let was_turned_away = came_with.filter(|id| id != session);
        if let Some(id) = was_turned_away
            && !self.tale(&id).was_absent_since(started)
            && !self.tale(&id).is_condemned
        {
            self.broken(now, actor, READS, || "it was told that its session is not there".into());
        }
    }

    fn check_seen(
        &mut self,
        now: u64,
        actor: Actor,
        session: &SessionId,
        since: u64,
        sees: &std::collections::BTreeMap<String, String>,
    ) {
        let tale = self.tale(session);
        if tale.maker == Some(actor) && !tale.has_been_there() {
            if !sees.is_empty() {
                self.broken(now, actor, READS, || "a new session is not empty".into());
            }
            return;
        }
        let is_right = tale.since(since).any(|version| version.is_some() && members(version) == *sees);
        if !is_right {
            self.broken(now, actor, READS, || format!("it saw {sees:?}, which was never stored meanwhile"));
        }
    }

    fn check_isolation(&mut self, now: u64, actor: Actor, sees: &std::collections::BTreeMap<String, String>) {
        const ISOLATION: &str = "no browser sees another one's session";
        let Some(mind) = self.minds.get(&actor) else { return };
        let browser = mind.browser.to_string();
        if let Some(other) = sees.get("tag").filter(|tag| **tag != browser) {
            self.broken(now, actor, ISOLATION, || {
                format!("it is browser {browser} and saw what {other} has")
            });
        }
    }

    /// The handler has returned.
    pub(crate) fn leaves_handler(&mut self, now: u64, actor: Actor) {
        if let Some(mind) = self.minds.get_mut(&actor) {
            mind.left_handler = Some(now);
        }
    }

    /// The handler wants this value, or none, under a key from now on.
    ///
    /// What it wanted before.
    pub(crate) fn wants(
        &mut self,
        now: u64,
        actor: Actor,
        key: &str,
        value: Option<String>,
    ) -> Option<Change> {
        let mind = self.minds.get_mut(&actor)?;
        let is_transactional = mind.is_in_transaction();
        let unsaved = &mut mind.unsaved;
        // What was put there and not stored is taken away again: whether anything was there before, only the store knows.
        let may_be_nothing = value.is_none() && unsaved.contains_key(key);
        let instead_of = unsaved.get(key).cloned().map(Box::new);
        unsaved.insert(
            key.to_owned(),
            Change { value, since: now, may_be_nothing, is_transactional, instead_of },
        )
    }

    /// What it wanted last was part of something that has failed: it wants again what it wanted before.
    pub(crate) fn gives_up(&mut self, actor: Actor, key: &str, before: Option<Change>) {
        let Some(mind) = self.minds.get_mut(&actor) else { return };
        match before {
            Some(before) => mind.unsaved.insert(key.to_owned(), before),
            None => mind.unsaved.remove(key),
        };
    }

    /// `renew`: the session gets another id when it is saved.
    pub(crate) fn renews(&mut self, actor: Actor, old: &SessionId, new: &SessionId) {
        let is_stored = self.tale(old).has_been_there();
        if let Some(mind) = self.minds.get_mut(&actor) {
            if is_stored && mind.renews.is_none() {
                mind.renews = Some(old.clone());
            }
            mind.session = Some(new.clone());
        }
    }

    pub(crate) fn op_begins(&mut self, now: u64, actor: Actor, op: Op) {
        self.history.note(now, actor, || What::Does(op));
        if let Some(mind) = self.minds.get_mut(&actor) {
            mind.op = Some((op, now));
            mind.counted = 0;
        }
    }

    /// An operation is done; with the session that the handler has then, and what it sees in it after a `reload`.
    pub(crate) fn op_ends(
        &mut self,
        now: u64,
        actor: Actor,
        outcome: Outcome,
        session: &SessionId,
        sees: Option<Vec<(String, String)>>,
    ) {
        let Some(mind) = self.minds.get_mut(&actor) else { return };
        let Some((op, since)) = mind.op.take() else { return };
        let worked_on = mind.session.replace(session.clone());
        let was_ended = mind.done.iter().any(|op| matches!(op, Op::Destroy | Op::Purge | Op::Unset));
        mind.done.push(op);
        mind.has_failed |= outcome != Outcome::Ok;
        // `regenerate` begins anew, also if it fails.
        if op == Op::Login || (op == Op::Reload && outcome == Outcome::Ok) {
            mind.unsaved.retain(|_, change| change.since > since);
            mind.renews = None;
        }
        let (counted, met_fault) = (mind.counted, mind.met_fault);
        self.history.note(now, actor, || What::Did(op, format!("{outcome:?}")));
        self.check_wait(now, actor, since, op);
        match outcome {
            Outcome::Ok => {}
            Outcome::Gone | Outcome::Refused => {
                self.check_gone(now, actor, outcome, worked_on.as_ref());
                return;
            }
            Outcome::Failed => {
                if !(met_fault || self.has_faults) {
                    self.broken(now, actor, FAILS, || format!("{op:?} failed"));
                }
                return;
            }
            Outcome::Unexpected => {
                self.broken(now, actor, FAILS, || format!("{op:?} failed in a way that nothing explains"));
                return;
            }
        }
        if self.has_faults && self.setup.goes_on_without_store {
            // The request may have begun without its session: nothing it does is stored.
            return;
        }
        let times = match op {
            Op::Count | Op::CountAndInsert(_) => Some(1),
            Op::CountTwice => Some(2),
            _ => None,
        };
        if let Some(times) = times.filter(|times| *times != counted) {
            self.broken(now, actor, ACKNOWLEDGED, || {
                format!("{op:?} was stored {counted} times, not {times}")
            });
        }
        match op {
            Op::Save | Op::CountAndInsert(_) => self.check_all_is_stored(now, actor),
            Op::Destroy | Op::Purge => {
                // Whoever logs out twice has logged out once.
                if let Some(id) = worked_on.filter(|_| !was_ended) {
                    self.check_logout(now, actor, since, &id);
                }
            }
            Op::Reload => {
                if let Some(sees) = sees {
                    let sees = sees.into_iter().filter(|(key, _)| !key.starts_with("__")).collect();
                    self.check_seen(now, actor, session, since, &sees);
                }
            }
            Op::EndAll => self.check_end_all(now, actor, since),
            _ => {}
        }
    }

    fn check_wait(&mut self, now: u64, actor: Actor, since: u64, op: Op) {
        let pause = match op {
            Op::Pause(_) => return,
            // Two verbs, one after the other.
            Op::CountTwice | Op::Login | Op::EndAll | Op::EndOthers | Op::List => 2,
            _ => 1,
        };
        let most = self.setup.store_timeout * pause;
        if Duration::from_micros(now - since) > most {
            self.broken(now, actor, DEADLINE, || format!("{op:?} took {} ms", (now - since) / 1000));
        }
    }

    fn check_gone(&mut self, now: u64, actor: Actor, outcome: Outcome, session: Option<&SessionId>) {
        let Some(mind) = self.minds.get(&actor) else { return };
        let started = mind.started;
        let (renews, has_ended) = (mind.renews.clone(), mind.has_ended_its_session());
        let Some(session) = session.cloned() else { return };
        if outcome == Outcome::Refused || has_ended {
            return;
        }
        let ids = std::iter::once(session).chain(renews);
        let has_gone = |tale: &super::Tale| tale.is_condemned || tale.was_absent_since(started);
        let is_true = ids.into_iter().any(|id| has_gone(self.tale(&id)));
        if !is_true {
            self.broken(now, actor, GONE, || "it was there all the time".into());
        }
    }

    fn check_logout(&mut self, now: u64, actor: Actor, since: u64, id: &SessionId) {
        if self.lost_at.is_some_and(|at| at >= since) {
            return;
        }
        let mut id = id.clone();
        for _ in 0..16 {
            let tale = self.tale(&id);
            if tale.was_written_by_node {
                return;
            }
            if tale.now().is_some() {
                let there_since = tale.versions.last().map_or(0, |(at, _)| *at);
                // One that came after this began is another login.
                if there_since < since {
                    self.broken(now, actor, LOGOUT, || "it is there".into());
                }
                return;
            }
            let Some(replaced) = &tale.replaced else { return };
            let is_forgotten = Duration::from_micros(now - replaced.at) > self.setup.successor_grace;
            let next = self.tales.get(&id).and_then(|tale| tale.replaced.clone());
            let Some(next) = next.filter(|next| !is_forgotten && next.at < since) else { return };
            id = next.by;
        }
    }

    /// The request is answered, with the cookie of this session.
    pub(crate) fn responds(&mut self, now: u64, actor: Actor, status: u16, set_cookie: Option<&str>) {
        self.open.remove(&actor);
        let cookie_id = set_cookie.and_then(session_of);
        let name = cookie_id.as_ref().map(|id| self.name(id));
        self.history.note(now, actor, || What::Response { status, cookie: name });
        let Some(mind) = self.minds.get(&actor) else { return };
        let (is_node, has_failed, started) = (mind.is_node, mind.has_failed, mind.started);
        if !is_node {
            let waited_since = mind.left_handler.unwrap_or(started);
            let most = self.setup.store_timeout;
            if Duration::from_micros(now - waited_since) > most {
                self.broken(now, actor, DEADLINE, || {
                    format!("the end took {} ms", (now - waited_since) / 1000)
                });
            }
            if status >= 500 && !has_failed && !self.has_faults {
                self.broken(now, actor, FAILS, || format!("status {status}"));
            }
            if status < 400 && !has_failed {
                self.check_all_is_stored(now, actor);
            }
            if let Some(id) = &cookie_id
                && !self.tale(id).was_there_since(started)
            {
                self.broken(now, actor, COOKIE, || "it was never there".into());
            }
        }
        if let Some(id) = &cookie_id {
            self.tale(id).is_sent = true;
        }
        self.browser_gets(now, actor, status, set_cookie, cookie_id);
    }

    fn check_all_is_stored(&mut self, now: u64, actor: Actor) {
        let Some(mind) = self.minds.get(&actor) else { return };
        if mind.unsaved.is_empty() || mind.has_ended_its_session() {
            return;
        }
        let (started, renews, session) = (mind.started, mind.renews.clone(), mind.session.clone());
        let goes_on = self.setup.goes_on_without_store && self.has_faults;
        let unsaved = mind.unsaved.clone();
        let ids: Vec<SessionId> = session.into_iter().chain(renews).collect();
        let is_stored = |observer: &mut Self, key: &str, change: &Change| {
            // What was there already is not written again.
            let mut versions =
                ids.iter().filter_map(|id| observer.tales.get(id)).flat_map(|tale| tale.since(change.since));
            versions.any(|version| members(version).get(key) == change.value.as_ref())
        };
        let missing: Vec<String> = unsaved
            .iter()
            .filter(|(key, change)| !change.may_be_nothing && !is_stored(self, key, change))
            .map(|(key, _)| key.clone())
            .collect();
        if missing.is_empty() {
            return;
        }
        let has_gone = |tale: &super::Tale| {
            tale.is_condemned || (tale.has_been_there() && tale.was_absent_since(started))
        };
        let is_excused = ids.into_iter().any(|id| has_gone(self.tale(&id)));
        if !is_excused && !goes_on {
            self.broken(now, actor, ACKNOWLEDGED, || format!("{missing:?} is not stored"));
        }
    }
}

/// The session that a `Set-Cookie` header names.
pub(super) fn session_of(set_cookie: &str) -> Option<SessionId> {
    let value = set_cookie.strip_prefix("connect.sid=s%3A")?;
    let (id, _) = value.split_once('.')?;
    SessionId::parse(id).ok()
}
