//! One worker and two, both on both processors.
//!
//! The load needs a processor too, so two workers cannot be twice as quick here; that a request does not cost
//! more than with one is what shows that they do not wait for each other.

use super::cell::{Cell, interleave, steps};
use super::{Plan, subjects};
use crate::backends::Backend;
use crate::http::cookies;
use crate::progress::Progress;
use crate::results::Results;
use crate::server::{BOTH_PROCESSORS, Start};
use crate::subject::{Store, Subject};

const SESSIONS: u64 = 10_000;

/// Rust servers that keep sessions themselves; a database has the other processor for itself.
pub(super) fn compare(store: Store, plan: Plan<'_>, results: &mut Results) -> anyhow::Result<()> {
    if !matches!(store, Store::Memory | Store::File) {
        return Ok(());
    }
    let mut subjects = subjects(store, plan);
    subjects.retain(|subject| !subject.program.is_node());
    if store == Store::Memory {
        // What a server without sessions gains.
        subjects.extend(Subject::named("actix").filter(|subject| (plan.wanted)(subject)));
    }
    let backend = Backend::start(store)?;
    let number = subjects.len() * 2;
    let progress = Progress::new(&format!("{}: workers", store.title()), steps(number, plan) + number as u64);
    let mut cells = Vec::new();
    for subject in subjects {
        for workers in [1, 2] {
            plan.stop.check()?;
            progress.step(&format!("{}, {workers} workers", subject.title));
            let files = backend.folder(subject)?.join(workers.to_string());
            std::fs::create_dir_all(&files)?;
            let start = Start::timed(subject, String::new(), &files);
            let server = Start { processors: BOTH_PROCESSORS, workers, ..start }.start()?;
            let visitors = match subject.store {
                Some(_) => cookies(server.port, "/create", SESSIONS)?,
                None => Vec::new(),
            };
            let mut cell = Cell::new(subject, server, None, SESSIONS, &visitors)?;
            (cell.workers, cell.cores) = (workers, 2);
            cells.push(cell);
        }
    }
    interleave(&cells, plan, &progress, results)?;
    progress.done();
    Ok(())
}
