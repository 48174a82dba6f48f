//! The stores that a plan can run on.

use anyhow::Result;
use express_session_file::{FileOptions, FileStore};
use express_session_memory::{MemoryOptions, MemoryStore};
use tempfile::TempDir;

use crate::backend::{Backend, RealStore};
use crate::plan::Plan;
use crate::run::{Report, run};
use crate::sim_store::SimStore;
use crate::world::StoreClock;

/// What is behind the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum StoreKind {
    /// The simulated store, which keeps the contract to the letter and can fail over.
    #[default]
    Sim,
    /// `express-session-memory`.
    Memory,
    /// `express-session-file`, in a folder that is removed afterwards.
    File,
}

/// Runs a plan on a store of that kind.
///
/// # Errors
///
/// If the options of the plan are none, or the folder for files cannot be made.
pub(crate) fn run_on(kind: StoreKind, plan: &Plan, is_told: bool) -> Result<Report> {
    let run_on = |backend: &dyn Fn(StoreClock) -> Result<Box<dyn Backend>>| run(plan, backend, is_told);
    match kind {
        StoreKind::Sim => run_on(&|clock| Ok(Box::new(SimStore::new(plan.manner, clock)))),
        StoreKind::Memory => run_on(&|clock| {
            let options = MemoryOptions::new().clock(clock).check_period(None);
            Ok(Box::new(RealStore(MemoryStore::new(options))))
        }),
        StoreKind::File => {
            let folder = TempDir::new()?;
            run_on(&|clock| {
                let options = FileOptions::new().path(folder.path()).clock(clock).reap_interval(None);
                Ok(Box::new(RealStore(FileStore::new(options)?)))
            })
        }
    }
}
