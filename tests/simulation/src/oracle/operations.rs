//! What holds when a request has its session, and when an operation of its handler is done.

use std::time::Duration;

use express_session_core::{SessionError, SessionId};

use super::mind::{Change, Mind};
use super::tale::{Members, members, of_the_application};
use super::{Observer, What};
use crate::executor::Actor;
use crate::plan::Op;

pub(super) const ACKNOWLEDGED: &str = "what a request was told to be stored is stored";
const LOGOUT: &str = "after a logout the session is gone";
const READS: &str = "a request sees what is stored while it looks";
const DEADLINE: &str = "nobody waits longer than the store's timeout";
pub(super) const FAILS: &str = "nothing fails where nothing is broken";
const GONE: &str = "a session is said to have ended only if it has";

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
        let mind = Mind { browser, is_node, started: now, came_with, ..Mind::default() };
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
        self.check_wait(now, actor, started, 1, || "the beginning".to_owned());
        let cookie = came_with.as_ref().map(|id| self.number(id));
        let sees = of_the_application(sees);
        self.history.note(now, actor, || What::Arrives { server, cookie, sees: sees.clone() });
        if self.may_go_on_without_session() {
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

    fn check_seen(&mut self, now: u64, actor: Actor, session: &SessionId, since: u64, sees: &Members) {
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

    fn check_isolation(&mut self, now: u64, actor: Actor, sees: &Members) {
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
        if let Some(verbs) = op.verbs() {
            self.check_wait(now, actor, since, verbs, || format!("{op:?}"));
        }
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
        if self.may_go_on_without_session() {
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
                    self.check_seen(now, actor, session, since, &of_the_application(sees));
                }
            }
            Op::EndAll => self.check_end_all(now, actor, since),
            _ => {}
        }
    }

    /// No more time has passed than so many verbs may take, one after the other.
    pub(super) fn check_wait(
        &mut self,
        now: u64,
        actor: Actor,
        since: u64,
        verbs: u32,
        what: impl FnOnce() -> String,
    ) {
        if Duration::from_micros(now - since) > self.setup.store_timeout * verbs {
            self.broken(now, actor, DEADLINE, || format!("{} took {} ms", what(), (now - since) / 1000));
        }
    }

    /// Whether a request may have begun without its session, so that nothing it does is stored.
    pub(super) const fn may_go_on_without_session(&self) -> bool {
        self.has_faults && self.setup.goes_on_without_store
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
}
