#![doc = include_str!("../README.md")]

mod backend;
mod command;
mod executor;
mod generate;
mod handler;
mod history;
mod network;
mod node;
mod oracle;
mod picture;
mod plan;
mod random;
mod run;
mod search;
mod server;
mod shrink;
mod sim_store;
mod stores;
mod told;
mod world;

use anyhow::Result;

pub use oracle::Violation;
pub use search::{Found, search};
pub use server::Head;
pub use stores::StoreKind;

/// What one seed came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first promise that was broken.
    pub violation: Option<Violation>,
    /// The same whenever this seed is run, by the same code.
    pub fingerprint: u64,
}

/// A run, told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The first promise that was broken.
    pub violation: Option<Violation>,
    /// Plan and history, a line for each thing that happened.
    pub text: String,
    /// The same as a picture: an SVG document.
    pub picture: String,
}

/// Runs the plan of a seed.
///
/// # Errors
///
/// If it cannot be run at all: no folder for files, for example.
pub fn run_seed(seed: u64, store: StoreKind) -> Result<Outcome> {
    let report = stores::run_on(store, &generate::plan(seed), false)?;
    Ok(Outcome { violation: report.violation, fingerprint: report.fingerprint })
}

/// Runs the plan of a seed and tells what happened. If a promise is broken and `shrinks`, then of the shortest plan found
/// that breaks the same one.
///
/// # Errors
///
/// As [`run_seed`].
pub fn tell_seed(seed: u64, store: StoreKind, shrinks: bool) -> Result<Told> {
    let mut plan = generate::plan(seed);
    if shrinks && let Some(found) = stores::run_on(store, &plan, false)?.violation {
        let fails = |plan: &plan::Plan| {
            let report = stores::run_on(store, plan, false);
            report.is_ok_and(|report| report.violation.is_some_and(|it| it.promise == found.promise))
        };
        plan = shrink::shrink(plan, fails);
    }
    let report = stores::run_on(store, &plan, true)?;
    Ok(Told {
        text: told::text(&plan, &report.lines),
        picture: picture::svg(&plan, &report.lines),
        violation: report.violation,
    })
}
