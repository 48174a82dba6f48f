//! A page while expired sessions are removed, second by second, and when all are gone.

use std::time::{Duration, Instant};

use super::cell::Cell;
use super::fill::filled;
use super::{Plan, subjects};
use crate::backends::Backend;
use crate::ballast;
use crate::http::cookies;
use crate::progress::Progress;
use crate::results::{Growth, Results, Round};
use crate::rounds::warm;
use crate::server::Start;
use crate::subject::{Store, Subject};

/// The page.
const PAGE: &str = "counter";

/// How often expired sessions are removed, in seconds.
const EVERY: u64 = 2;
/// How long sessions in memory live, in seconds: longer than it takes to make them.
const SHORT_LIFE: u64 = 12;
/// How long sessions elsewhere live that are not to expire.
const LONG_LIFE: u64 = 24 * 60 * 60;

/// How many expire. Redis removes them by itself.
const IN_MEMORY: u64 = 1_000_000;
/// The same in JavaScript's memory, where making them takes some of their life.
const ON_NODE: u64 = 200_000;
/// See [`IN_MEMORY`].
const IN_MYSQL: u64 = 200_000;
/// See [`IN_MEMORY`].
const IN_FILES: u64 = 10_000;

/// How many sessions the load has, which do not expire.
const VISITORS: u64 = 1000;

/// So many seconds are watched at most.
const AT_MOST: usize = 40;

/// Watches every subject of a store that removes what has expired, one after the other.
pub(super) fn watch(store: Store, plan: Plan<'_>, results: &mut Results) -> anyhow::Result<()> {
    let subjects: Vec<_> = subjects(store, plan).into_iter().filter(|subject| sweeps(subject)).collect();
    if subjects.is_empty() {
        return Ok(());
    }
    let steps = subjects.len() as u64 * (u64::from(plan.effort.rounds) + 2);
    let progress = Progress::new(&format!("{}: sweeps", store.title()), steps);
    for subject in subjects {
        let backend = Backend::start(store)?;
        progress.step(&format!("{}, making sessions", subject.title));
        let (cell, sweeping) = match store {
            Store::Memory => in_memory(subject, &backend, plan, &progress)?,
            _ => elsewhere(subject, &backend, plan, &progress)?,
        };
        let mut calm = Vec::new();
        for _ in 0..plan.effort.rounds {
            plan.stop.check()?;
            progress.step(&format!("{}, afterwards", subject.title));
            calm.push(cell.quiet(PAGE, plan)?);
        }
        cell.check()?;
        results.put_growth(Growth { sweep: true, calm, ..cell.found(PAGE, sweeping) });
    }
    progress.done();
    Ok(())
}

/// tower-sessions' store in memory removes nothing, and Redis needs nobody who does.
fn sweeps(subject: &Subject) -> bool {
    subject.store != Some(Store::Redis) && subject.name != "tower-memory"
}

/// All sessions expire within the seconds that they were made in, except those of the load.
fn in_memory(
    subject: &'static Subject,
    backend: &Backend,
    plan: Plan<'_>,
    progress: &Progress,
) -> anyhow::Result<(Cell, Vec<Round>)> {
    let folder = backend.folder(subject)?;
    let start = Start {
        max_age_and_sweep: Some((SHORT_LIFE, EVERY)),
        ..Start::timed(subject, String::new(), &folder)
    };
    let sessions = if subject.program.is_node() { ON_NODE } else { IN_MEMORY };
    let cell = filled(backend, &start, sessions.min(plan.largest), plan)?;
    let made = Instant::now();
    // Those that the load has until now would expire before it begins where a million take long to make.
    let visitors = cookies(cell.server.port, "/create", VISITORS)?;
    let cell = Cell::new(subject, cell.server, None, cell.sessions, &visitors)?;
    // What the first requests of a server cost is not what a sweep does.
    cell.one(PAGE, warm(subject))?;
    progress.step(&format!("{}, while sessions expire", subject.title));
    let mut rounds = Vec::new();
    // The last ones are gone with the second sweep after their end.
    while made.elapsed() < Duration::from_secs(SHORT_LIFE + 2 * EVERY) {
        plan.stop.check()?;
        rounds.push(cell.one(PAGE, 1.0)?);
    }
    Ok((cell, rounds))
}

/// Expired sessions are put beside those of the load, and the next sweep finds them.
fn elsewhere(
    subject: &'static Subject,
    backend: &Backend,
    plan: Plan<'_>,
    progress: &Progress,
) -> anyhow::Result<(Cell, Vec<Round>)> {
    let sessions = if backend.store() == Store::File { IN_FILES } else { IN_MYSQL }.min(plan.largest);
    let files = backend.folder(subject)?;
    let start = Start {
        max_age_and_sweep: Some((LONG_LIFE, EVERY)),
        ..Start::timed(subject, backend.url(subject)?, &files)
    };
    let server = start.start()?;
    let visitors = cookies(server.port, "/create", VISITORS)?;
    let cell = Cell::new(subject, server, backend.pid(), sessions, &visitors)?;
    cell.one(PAGE, warm(subject))?;
    plan.stop.check()?;
    ballast::add_expired(backend, subject, &files, sessions)?;
    progress.step(&format!("{}, while they are removed", subject.title));
    let mut rounds = Vec::new();
    while rounds.len() < AT_MOST && ballast::is_expired_left(backend, subject, &files)? {
        plan.stop.check()?;
        rounds.push(cell.one(PAGE, 1.0)?);
    }
    Ok((cell, rounds))
}
