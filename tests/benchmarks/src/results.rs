//! What a run has found: one JSON file, to which further parts of the same run can be added.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::load::Seen;
use crate::subject::Store;

/// The file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Results {
    /// The commands that made it, with the time each was started.
    pub(crate) commands: Vec<String>,
    /// The project's commit.
    pub(crate) commit: String,
    pub(crate) machine: BTreeMap<String, String>,
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) timed: Vec<Timed>,
    pub(crate) costs: Vec<Cost>,
    pub(crate) statements: Vec<Statements>,
    pub(crate) growth: Vec<Growth>,
    pub(crate) correctness: Vec<Correctness>,
}

/// All rounds of one subject on one page.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Timed {
    pub(crate) store: Store,
    pub(crate) page: String,
    pub(crate) subject: String,
    /// By which of the commands: only rounds of the same are taken round by round.
    #[serde(default)]
    pub(crate) command: usize,
    pub(crate) rounds: Vec<Round>,
}

/// One round.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Round {
    pub(crate) seen: Seen,
    /// Processor time of the server and of the database, in seconds.
    pub(crate) server_seconds: f64,
    pub(crate) database_seconds: f64,
    /// The share of the time in which something else had one of the two processors.
    pub(crate) foreign: f64,
    /// How many times the round was measured until it was quiet, or given up.
    pub(crate) tries: u32,
}

impl Round {
    /// Processor time of the server per request, in microseconds.
    pub(crate) fn server_microseconds(&self) -> f64 {
        self.server_seconds * 1e6 / self.seen.requests as f64
    }

    /// The same of the database.
    pub(crate) fn database_microseconds(&self) -> f64 {
        self.database_seconds * 1e6 / self.seen.requests as f64
    }
}

/// What one request costs however busy the machine is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Cost {
    pub(crate) subject: String,
    pub(crate) page: String,
    /// How many keys the session has.
    pub(crate) keys: u32,
    /// Calls of the allocator per request, reallocations included.
    pub(crate) allocations: f64,
    pub(crate) allocated_bytes: f64,
    /// Instructions per request, as callgrind counts them.
    pub(crate) instructions: Option<f64>,
}

/// What one request asks of the store, on average.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Statements {
    pub(crate) store: Store,
    pub(crate) subject: String,
    pub(crate) page: String,
    /// By verb: `GET`, `SELECT`, `rename` …
    pub(crate) verbs: BTreeMap<String, f64>,
}

impl Statements {
    /// Without what a script does inside the server.
    pub(crate) fn total(&self) -> f64 {
        let trips = self.verbs.iter().filter(|(verb, _)| !verb.starts_with(crate::statements::IN_SCRIPT));
        trips.map(|(_, count)| count).sum()
    }
}

/// One subject with so many sessions.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Growth {
    pub(crate) store: Store,
    pub(crate) subject: String,
    pub(crate) page: String,
    pub(crate) sessions: u64,
    pub(crate) workers: usize,
    /// How many processors the server could use; the load shares them if that is more than one.
    #[serde(default = "one")]
    pub(crate) cores: usize,
    /// Whether expired sessions were being removed meanwhile.
    pub(crate) sweep: bool,
    /// Memory of the process that keeps them, per session; only where it is the server's own.
    pub(crate) bytes_per_session: Option<f64>,
    pub(crate) rounds: Vec<Round>,
    /// After a sweep, when all expired sessions are gone.
    #[serde(default)]
    pub(crate) calm: Vec<Round>,
}

const fn one() -> usize {
    1
}

/// What overlapping requests of one visitor did to each other.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Correctness {
    pub(crate) store: Store,
    pub(crate) subject: String,
    /// What was counted, and of how many.
    pub(crate) question: String,
    pub(crate) wrong: u64,
    pub(crate) of: u64,
}

impl Results {
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no result of a run", path.display()))
    }

    /// Written beside, then renamed: a run that is stopped leaves the last step's file.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = path.with_extension("new");
        fs::write(&beside, serde_json::to_string(self)? + "\n")?;
        Ok(fs::rename(beside, path)?)
    }

    /// All rounds of one subject on one page.
    pub(crate) fn timed(&self, store: Store, page: &str, subject: &str) -> Option<&Timed> {
        self.timed.iter().find(|it| it.store == store && it.page == page && it.subject == subject)
    }

    /// Puts new rounds in the place of old ones.
    pub(crate) fn put_timed(&mut self, new: Timed) {
        self.timed.retain(|it| (it.store, &it.page, &it.subject) != (new.store, &new.page, &new.subject));
        self.timed.push(new);
    }

    pub(crate) fn put_cost(&mut self, new: Cost) {
        self.costs.retain(|it| (&it.subject, &it.page, it.keys) != (&new.subject, &new.page, new.keys));
        self.costs.push(new);
    }

    pub(crate) fn put_statements(&mut self, new: Statements) {
        let same = |it: &Statements| it.subject == new.subject && it.page == new.page;
        self.statements.retain(|it| !same(it));
        self.statements.push(new);
    }

    pub(crate) fn put_growth(&mut self, new: Growth) {
        let same = |it: &Growth| {
            (&it.subject, &it.page, it.sessions, it.workers, it.cores, it.sweep)
                == (&new.subject, &new.page, new.sessions, new.workers, new.cores, new.sweep)
        };
        self.growth.retain(|it| !same(it));
        self.growth.push(new);
    }

    pub(crate) fn put_correctness(&mut self, new: Correctness) {
        self.correctness.retain(|it| it.subject != new.subject || it.question != new.question);
        self.correctness.push(new);
    }
}
