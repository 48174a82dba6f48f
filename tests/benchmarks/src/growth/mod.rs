//! How a page changes as sessions become many, with a second worker, and while expired sessions are removed.

mod cell;
mod fill;
mod sizes;
mod sweep;
mod workers;

use crate::results::Results;
use crate::rounds::Effort;
use crate::stop::Stop;
use crate::subject::{Store, Subject};

/// The pages whose growth is looked at.
const PAGES: [&str; 2] = ["counter", "read"];

/// What a measurement of growth is given.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub(crate) effort: Effort,
    /// No store is made larger than this.
    pub(crate) largest: u64,
    /// Whether size is all that is looked at, on the first page.
    pub(crate) quick: bool,
    pub(crate) stop: &'a Stop,
    pub(crate) wanted: &'a dyn Fn(&Subject) -> bool,
}

impl Plan<'_> {
    fn pages(&self) -> &'static [&'static str] {
        if self.quick { &PAGES[..1] } else { &PAGES }
    }
}

/// Measures one store; what is found is saved part by part.
pub(crate) fn measure(
    store: Store,
    plan: Plan<'_>,
    results: &mut Results,
    save: &dyn Fn(&Results) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let parts = [sizes::compare, workers::compare, sweep::watch];
    let wanted = if plan.quick { 1 } else { parts.len() };
    for part in parts.into_iter().take(wanted) {
        part(store, plan, results)?;
        save(results)?;
    }
    Ok(())
}

/// Those whose growth is looked at: each server once. In a cookie nothing grows, and the older Node does what
/// the current one does.
fn subjects(store: Store, plan: Plan<'_>) -> Vec<&'static Subject> {
    (Subject::on(store))
        .filter(|it| it.store.is_some() && it.serves == it.name && !it.name.ends_with("-touch-after"))
        .filter(|it| !it.name.ends_with("-cookie") && (plan.wanted)(it))
        .collect()
}
