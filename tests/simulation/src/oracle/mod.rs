//! What must hold, by the README: looked at while it happens.
//!
//! The observer sees each command at the moment in which the store carries it out, so it knows the one order in which
//! everything happened. It knows from the plan what each request wants. Nothing here asks core what it thinks.

mod browsers;
mod commits;
mod mind;
mod operations;
mod owners;
mod responses;
mod tale;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use express_session_core::{Document, Owner, SessionId};

use crate::backend::Backend;
use crate::command::{Answer, Command};
use crate::executor::Actor;
use crate::history::{History, What};
use crate::plan::{Plan, Setup};
use crate::world::Fault;

use browsers::Browser;
pub(crate) use mind::Change;
use mind::{Letter, Mind};
pub(crate) use operations::Outcome;
pub(crate) use owners::user;
pub(crate) use tale::Members;
use tale::Tale;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which promise: a short sentence that is the same for every history.
    pub promise: &'static str,
    /// What happened instead.
    pub what: String,
    /// When, in microseconds of virtual time.
    pub at: u64,
    /// The request that broke it.
    pub request: u32,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (request {}, {} µs): {}", self.promise, self.request, self.at, self.what)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Observer {
    pub(crate) setup: Setup,
    pub(crate) history: History,
    has_node: bool,
    has_faults: bool,
    tales: HashMap<SessionId, Tale>,
    minds: BTreeMap<Actor, Mind>,
    browsers: BTreeMap<u64, Browser>,
    /// Sessions with their owners, as answered to browsers, and when.
    logins: Vec<owners::Login>,
    /// Of which users all sessions were ended, and when the list was looked at last.
    ends: Vec<(Owner, u64)>,
    /// The last time at which the store lost something by itself.
    lost_at: Option<u64>,
    violation: Option<Violation>,
    /// Requests that were never answered.
    open: BTreeSet<Actor>,
}

impl Observer {
    pub(crate) fn new(plan: &Plan, is_told: bool) -> Self {
        Self {
            setup: plan.setup,
            history: History::new(is_told),
            has_node: plan.has_node(),
            has_faults: plan.faults.has_any() || !plan.events.is_empty(),
            tales: HashMap::new(),
            minds: BTreeMap::new(),
            browsers: BTreeMap::new(),
            logins: Vec::new(),
            ends: Vec::new(),
            lost_at: None,
            violation: None,
            open: BTreeSet::new(),
        }
    }

    /// The first promise that was broken.
    pub(crate) const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    fn broken(&mut self, at: u64, request: Actor, promise: &'static str, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            let violation = Violation { promise, what: what(), at, request };
            self.history.note(at, request, || What::Broken(violation.clone()));
            self.violation = Some(violation);
        }
    }

    fn tale(&mut self, id: &SessionId) -> &mut Tale {
        let number = self.tales.len() + 1;
        self.tales.entry(id.clone()).or_insert_with(|| Tale::new(number))
    }

    /// Names a session in the history.
    pub(crate) fn number(&mut self, id: &SessionId) -> usize {
        self.tale(id).number
    }

    /// A request has made an id.
    pub(crate) fn made(&mut self, actor: Actor, id: &SessionId) {
        if self.tales.contains_key(id) {
            self.broken(0, actor, "an id is never made twice", String::new);
        }
        self.tale(id).maker = Some(actor);
    }

    /// A server sends a command.
    ///
    /// The number of the letter, to be named when it arrives.
    pub(crate) fn sent(&mut self, now: u64, actor: Actor, command: &Command, fault: Option<Fault>) -> usize {
        let mut number = 0;
        if let Some(mind) = self.minds.get_mut(&actor) {
            mind.met_fault |= fault.is_some_and(|fault| fault != Fault::Doubled);
            number = mind.letters.len();
            mind.letters.push(Letter {
                unsaved: mind.unsaved.clone(),
                counts: mind.is_counting(),
                renews: mind.renews.is_some(),
                ends: mind.may_end_sessions(),
            });
        }
        let session = command.session().map(|id| self.number(id));
        self.history.note(now, actor, || What::Sent { verb: command.verb(), session, fault });
        number
    }

    fn is_logged_in(&self, id: &SessionId) -> bool {
        let document = self.tales.get(id).and_then(Tale::now);
        document.is_some_and(|document| document.get_raw("user").is_some())
    }

    /// The store has carried out a command.
    #[allow(clippy::too_many_arguments, reason = "one call, from one place")]
    pub(crate) fn committed(
        &mut self,
        now: u64,
        actor: Actor,
        letter: usize,
        command: &Command,
        answer: &Answer,
        (before, after): (Option<Document>, Option<Document>),
        backend: &dyn Backend,
    ) {
        let session = command.session().map(|id| self.number(id));
        self.history.note(now, actor, || {
            let text = after.as_ref().map(|document| tale::members(Some(document)));
            What::Committed { verb: command.verb(), session, text }
        });
        self.check_commit(now, actor, letter, command, answer, (&before, &after), backend);
        let Some(id) = command.session() else { return };
        let is_node = self.minds.get(&actor).is_some_and(|mind| mind.is_node);
        let tale = self.tale(id);
        let has_changed = match (tale.now(), &after) {
            (Some(before), Some(after)) => before.text() != after.text(),
            (before, after) => before.is_some() != after.is_some(),
        };
        if has_changed {
            tale.versions.push((now, after));
        }
        tale.was_written_by_node |= is_node && matches!(command, Command::Set { .. });
    }

    /// The store has lost something by itself: a session, or all that was written of late.
    pub(crate) fn store_lost(&mut self, now: u64, live: Vec<(SessionId, Document)>, how: &'static str) {
        self.history.note(now, 0, || What::Happened(how.to_owned()));
        self.lost_at = Some(now);
        let live: HashMap<SessionId, Document> = live.into_iter().collect();
        for (id, tale) in &mut self.tales {
            let after = live.get(id).cloned();
            let has_changed = tale.now().map(Document::text) != after.as_ref().map(Document::text);
            if has_changed {
                tale.versions.push((now, after));
            }
            if how == FAIL_OVER {
                // A mark may have been forgotten, and so may a condemned entry.
                tale.replaced = None;
            }
        }
    }
}

/// What the history says of a fail-over.
pub(crate) const FAIL_OVER: &str = "another store takes over and has not seen the last writes";
