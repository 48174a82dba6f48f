//! `migrate`: live sessions from one store to another, while servers run.
//!
//! ```text
//! for each session of the source, a page at a time
//!   as it was when it was copied?                        nothing to do
//!   not in the target, never copied?                     add it, with the life it has left
//!   not in the target, but it was copied?                it has ended there: it does not come back
//!   in the target as it was copied, newer in the source? write the newer one over exactly that
//!   in the target and different from what was copied?    the target's is newer: it stays
//! ```
//!
//! `journal` remembers what was copied, `copy` decides and writes for one session, `report` counts what came of it, `pass` goes
//! through all of them.

mod copy;
mod fingerprint;
mod journal;
mod pass;
mod report;

use crate::cli::Migrate;
use crate::error::{CtlError, Ended};
use crate::output::Output;
use crate::progress::Progress;
use crate::store::{AnyStore, Purpose};
use copy::Copier;
use journal::Journal;
use report::Report;

pub(crate) async fn run(
    source: AnyStore,
    url: &str,
    page_size: usize,
    what: &Migrate,
    output: &mut Output,
) -> Result<Ended, CtlError> {
    if url == what.to {
        return Err(CtlError::OneStore);
    }
    let target = AnyStore::open(&what.to, Purpose::Target).await?;
    let mut journal = Journal::open(&what.state, fingerprint::of_stores(url, &what.to))?;
    let copier = Copier::new(source, target, what.remove);
    let (mut sum, mut last) = (Report::default(), Report::default());
    for number in 1..=what.passes.max(1) {
        let total = copier.source().length().await.map_err(CtlError::of("store"))?;
        let mut progress = Progress::new(&format!("pass {number}"), total);
        last = pass::run(&copier, page_size, what.jobs.max(1), &mut journal, &mut progress, output).await?;
        progress.say(&format!("pass {number}: {}", last.line(&progress)));
        sum.add(&last);
        if !last.has_copied() {
            break;
        }
    }
    // What is left over is what the last pass has found; what was done, all of them have.
    let report = sum.with_state_of(&last);
    report.write(output)?;
    Ok(Ended::with(report.has_findings()))
}
