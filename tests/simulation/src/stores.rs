//! The stores that a plan can run on.

use anyhow::Result;
use express_session_file::{FileOptions, FileStore};
use express_session_memory::{MemoryOptions, MemoryStore};
use tempfile::TempDir;

use crate::backend::{Backend, RealStore};
use crate::plan::Plan;
use crate::run::{Report, run};
use crate::sim_store::SimStore;

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
    match kind {
        StoreKind::Sim => run(plan, |clock| Box::new(SimStore::new(plan.manner, clock)), is_told),
        StoreKind::Memory => {
            let store = |clock| -> Box<dyn Backend> {
                let options = MemoryOptions::new().clock(clock).check_period(None);
                Box::new(RealStore(MemoryStore::new(options)))
            };
            run(plan, store, is_told)
        }
        StoreKind::File => {
            let folder = TempDir::new()?;
            let mut failure = None;
            let report = run(
                plan,
                |clock| {
                    let options = FileOptions::new().path(folder.path()).clock(clock).reap_interval(None);
                    match FileStore::new(options) {
                        Ok(store) => Box::new(RealStore(store)),
                        Err(error) => {
                            failure = Some(error);
                            Box::new(SimStore::new(plan.manner, express_session_core::SystemClock))
                        }
                    }
                },
                is_told,
            );
            match failure {
                Some(error) => Err(error.into()),
                None => report,
            }
        }
    }
}
