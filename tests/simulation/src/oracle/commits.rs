//! What holds for every command, at the moment in which the store carries it out.

use std::collections::BTreeSet;

use express_session_core::{Document, SessionId, SetOutcome, SupersedeOutcome};

use super::Observer;
use super::mind::Letter;
use super::tale::{Tale, members};
use crate::backend::Backend;
use crate::command::{Answer, Command, Reply, said};
use crate::executor::Actor;
use crate::plan::Op;

const NO_LOST_UPDATE: &str = "no change of another request is lost or brought back";
const COUNTS: &str = "a count goes up by one";
const LOGOUT_WINS: &str = "a session that has ended does not come back";
const TOUCH: &str = "a touch changes no data";
const ENDS: &str = "a session ends only if somebody ends it";
const OTHERS: &str = "ending the others ends the others";
const OWNERS: &str = "whoever ends a user's sessions ends no one else's";

/// The number under `n`.
fn count(document: Option<&Document>) -> u64 {
    document.and_then(|document| document.get("n").ok().flatten()).unwrap_or(0)
}

impl Observer {
    #[allow(clippy::too_many_arguments, reason = "one call, from one place")]
    pub(super) fn check_commit(
        &mut self,
        now: u64,
        actor: Actor,
        letter: usize,
        command: &Command,
        answer: &Answer,
        (before, after): (&Option<Document>, &Option<Document>),
        backend: &dyn Backend,
    ) {
        if self.minds.get(&actor).is_none_or(|mind| mind.is_node) {
            return;
        }
        let (before, after) = (before.as_ref(), after.as_ref());
        if let Some(mind) = self.minds.get_mut(&actor) {
            match command {
                Command::Successor { .. } | Command::Touch { .. } => mind.looked = Some(now),
                Command::Set { .. } => mind.wrote = Some(now),
                Command::Find { .. } => mind.looked_at_list = Some(now),
                _ => {}
            }
        }
        if let (Command::Enlist { id, .. }, Ok(_)) = (command, answer) {
            self.tale(id).enlisted = Some(now);
        }
        match (command, answer) {
            (Command::Set { id, document, expected, .. }, Ok(Reply::Set(SetOutcome::Written(_)))) => {
                self.check_set(now, actor, letter, id, before, document, expected.is_some());
            }
            (Command::Supersede { id, by, .. }, Ok(Reply::Superseded(SupersedeOutcome::Superseded))) => {
                let successor = backend.peek(by);
                self.check_supersede(now, actor, letter, id, before, (by, successor.as_ref()));
            }
            (Command::Destroy { id }, Ok(Reply::Destroyed(true))) => {
                self.check_destroy(now, actor, letter, id, before);
            }
            (Command::Touch { .. } | Command::Get { .. } | Command::GetAndTouch { .. }, Ok(_))
                if members(before) != members(after) =>
            {
                self.broken(now, actor, TOUCH, || "its data are not what they were".into());
            }
            (Command::Condemn { owner, ids }, Ok(_)) => {
                for id in ids {
                    let belongs_to = backend.peek(id).and_then(|document| document.owner());
                    if belongs_to.is_some_and(|it| it != *owner) {
                        self.broken(now, actor, OWNERS, || "the session is another user's".into());
                    }
                    self.check_condemned(now, actor, id);
                }
            }
            _ => {}
        }
    }

    fn check_condemned(&mut self, now: u64, actor: Actor, id: &SessionId) {
        self.tale(id).is_condemned = true;
        let own = self.minds.get(&actor);
        if own.is_some_and(|mind| mind.is_in(&[Op::EndOthers]) && mind.session.as_ref() == Some(id)) {
            self.broken(now, actor, OTHERS, || "it ended the session of the request itself".into());
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one call, from one place")]
    fn check_set(
        &mut self,
        now: u64,
        actor: Actor,
        letter: usize,
        id: &SessionId,
        before: Option<&Document>,
        document: &Document,
        is_conditional: bool,
    ) {
        let tale = self.tale(id);
        let (is_makers, is_sent) = (tale.maker == Some(actor), tale.is_sent);
        let has_been_there = tale.has_been_there();
        let Some(mind) = self.minds.get_mut(&actor) else { return };
        // Nobody has its cookie yet: its maker may not have been told that it was stored, or goes on with a login that
        // somebody has begun to end, and learns that when it is confirmed.
        let is_first = is_makers && (!has_been_there || !is_sent);
        if before.is_none() && (is_conditional || !is_first) {
            self.broken(now, actor, LOGOUT_WINS, || "it was written again".into());
            return;
        }
        let Some(letter) = mind.letters.get(letter) else { return };
        if letter.renews && is_makers && !is_sent {
            // Nobody knows it yet. What is in it is looked at when it takes the other one's place.
            return;
        }
        let Some(tale) = self.tales.get(id) else { return };
        let mut wrong = difference(letter, tale, before, document, letter.counts);
        if wrong.is_some() && is_makers && !is_sent {
            // Nobody else has seen what was stored here: a write whose answer was lost is written anew.
            wrong = difference(letter, tale, None, document, letter.counts);
        }
        if letter.counts && count(Some(document)) > count(before) {
            mind.counted += 1;
        }
        if let Some((promise, what)) = wrong {
            self.broken(now, actor, promise, || what);
        }
    }

    fn check_supersede(
        &mut self,
        now: u64,
        actor: Actor,
        letter: usize,
        id: &SessionId,
        before: Option<&Document>,
        (by, successor): (&SessionId, Option<&Document>),
    ) {
        let replaced = super::tale::Replaced { by: by.clone(), at: now };
        self.tale(id).replaced = Some(replaced);
        let Some(before) = before else { return };
        let Some(mind) = self.minds.get_mut(&actor) else { return };
        if mind.is_in(&[Op::Login]) || mind.done.contains(&Op::Login) {
            return;
        }
        if mind.renews.as_ref() != Some(id) {
            if self.lost_at.is_some() || self.tale(id).was_written_by_node {
                // The store forgot that the session had ended, or Node did not notice.
                return;
            }
            self.broken(now, actor, ENDS, || "it made way for a session of which it is no part".into());
            return;
        }
        let Some(successor) = successor else {
            // A renewal that was given up, and arrived all the same, ends the session: nobody knows the new id.
            let met_fault = mind.met_fault;
            let is_condemned = self.tale(by).is_condemned;
            if !is_condemned && !met_fault && self.lost_at.is_none() {
                self.broken(now, actor, ENDS, || "it made way for a session that is not there".into());
            }
            return;
        };
        let Some(letter) = self.minds.get(&actor).and_then(|mind| mind.letters.get(letter)) else { return };
        let Some(tale) = self.tales.get(id) else { return };
        if self.lost_at.is_none()
            && let Some((promise, what)) = difference(letter, tale, Some(before), successor, false)
        {
            self.broken(now, actor, promise, || what);
        }
    }

    fn check_destroy(
        &mut self,
        now: u64,
        actor: Actor,
        letter: usize,
        id: &SessionId,
        before: Option<&Document>,
    ) {
        let owner = before.and_then(Document::owner);
        let tale = self.tale(id);
        let (is_condemned, maker) = (tale.is_condemned, tale.maker);
        let has_limit = self.setup.owner_limit.is_some();
        let letter = self.minds.get(&actor).and_then(|mind| mind.letters.get(letter));
        let is_wanted =
            letter.is_some_and(|letter| letter.ends) || is_condemned || (has_limit && owner.is_some());
        if !is_wanted && maker != Some(actor) {
            self.broken(now, actor, ENDS, || "it was destroyed by a request that was not asked to".into());
        }
    }

    /// The store's answer has reached the request.
    pub(crate) fn answered(
        &mut self,
        now: u64,
        actor: Actor,
        letter: usize,
        command: &Command,
        answer: &Answer,
    ) {
        let session = command.session().map(|id| self.number(id));
        self.history.note(now, actor, || super::What::Answered {
            verb: command.verb(),
            session,
            said: said(answer),
        });
        let Some(mind) = self.minds.get_mut(&actor) else { return };
        let (is_stored, is_renewed) = match answer {
            Ok(Reply::Set(SetOutcome::Written(_))) => (mind.renews.is_none(), false),
            Ok(Reply::Superseded(SupersedeOutcome::Superseded)) => (false, mind.renews.take().is_some()),
            // The answer to the renewal was lost, and this one tells as much.
            Ok(Reply::Successor(Some(id))) if mind.session.as_ref() == Some(id) => {
                (false, mind.renews.take().is_some())
            }
            _ => (false, false),
        };
        if is_stored || is_renewed {
            let Some(letter) = mind.letters.get(letter) else { return };
            let is_stored = |key: &String, change: &super::Change| {
                let sent: Option<&super::Change> = letter.unsaved.get(key);
                sent.is_some_and(|sent| sent.value == change.value && !(is_renewed && sent.is_transactional))
            };
            mind.unsaved.retain(|key, change| !is_stored(key, change));
        }
    }
}

/// What is wrong with a document that a request stores over another one.
fn difference(
    letter: &Letter,
    tale: &Tale,
    before: Option<&Document>,
    after: &Document,
    counts: bool,
) -> Option<(&'static str, String)> {
    let (old, new) = (members(before), members(Some(after)));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).chain(letter.unsaved.keys()).collect();
    for key in keys {
        let (was, is) = (old.get(key), new.get(key));
        if key == "n" && counts {
            if count(Some(after)) != count(before) + 1 {
                let what = format!("{} became {}", count(before), count(Some(after)));
                return Some((COUNTS, what));
            }
            continue;
        }
        let is_right = match letter.unsaved.get(key) {
            Some(change) => {
                let is_before =
                    || change.instead_of.as_ref().is_some_and(|before| is == before.value.as_ref());
                // What was stored, and changed by others after that, is not stored again.
                let was_stored = || {
                    let mut versions = tale.since(change.since);
                    versions.any(|version| members(version).get(key) == change.value.as_ref())
                };
                is == change.value.as_ref()
                    || (is == was && was_stored())
                    || (is == was && (change.is_transactional || change.may_be_nothing))
                    || (change.is_transactional && is_before())
            }
            None => is == was,
        };
        if !is_right {
            let shown = |value: Option<&String>| value.map_or("nothing", String::as_str).to_owned();
            let wanted = letter.unsaved.get(key).map_or_else(
                || "the request has not changed it".to_owned(),
                |change| format!("the request wants {}", shown(change.value.as_ref())),
            );
            return Some((
                NO_LOST_UPDATE,
                format!("{key} was {}, is written as {}, and {wanted}", shown(was), shown(is)),
            ));
        }
    }
    None
}
