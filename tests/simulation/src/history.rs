//! Who did what when.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::executor::Actor;
use crate::oracle::{Members, Violation};
use crate::plan::Op;
use crate::world::Fault;

/// What happened in one run. Only a run that is told keeps its lines; every run has a fingerprint of them.
#[derive(Debug)]
pub(crate) struct History {
    lines: Option<Vec<Line>>,
    fingerprint: DefaultHasher,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// In microseconds.
    pub(crate) at: u64,
    pub(crate) actor: Actor,
    pub(crate) what: What,
}

/// What it was.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A request reaches its server, with the cookie of a session.
    Arrives {
        server: usize,
        cookie: Option<usize>,
        sees: Members,
    },
    Does(Op),
    Did(Op, String),
    Sent {
        verb: &'static str,
        session: Option<usize>,
        fault: Option<Fault>,
    },
    Committed {
        verb: &'static str,
        session: Option<usize>,
        text: Option<Members>,
    },
    Answered {
        verb: &'static str,
        session: Option<usize>,
        said: String,
    },
    Response {
        status: u16,
        cookie: Option<usize>,
    },
    /// The fleet: a crash, a clock, the store.
    Happened(String),
    Broken(Violation),
}

impl History {
    pub(crate) fn new(is_told: bool) -> Self {
        Self { lines: is_told.then(Vec::new), fingerprint: DefaultHasher::new() }
    }

    pub(crate) fn note(&mut self, at: u64, actor: Actor, what: impl FnOnce() -> What) {
        (at, actor).hash(&mut self.fingerprint);
        if let Some(lines) = &mut self.lines {
            lines.push(Line { at, actor, what: what() });
        }
    }

    /// The same for two runs in which the same actors did something at the same times.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint.finish()
    }

    pub(crate) fn lines(&self) -> &[Line] {
        self.lines.as_deref().unwrap_or_default()
    }
}
