//! D2: of two requests that overlap, the one that ends later loses nothing and brings nothing back.

use crate::config::OptionSet;
use crate::members::merged;
use crate::mismatch::Observation;
use crate::probe::Entries;
use crate::script::{Operation, Request};

/// What was stored in the space of Node alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stages {
    /// When the held request waited.
    pub(crate) held: Entries,
    /// When the quick one had ended.
    pub(crate) quick: Entries,
}

/// What ours must show when the held request has ended, if it is not what Node shows.
pub(crate) fn after_overlap(
    set: &OptionSet,
    held: &Request,
    stages: &Stages,
    node: &Observation,
) -> Option<Observation> {
    let mut ours = node.clone();
    for (id, before) in &stages.held {
        match (stages.quick.get(id), node.stored.get(id)) {
            (Some(meanwhile), Some(after)) => {
                let document = merged(&before.document, &meanwhile.document, &after.document);
                if let Some(entry) = ours.stored.get_mut(id) {
                    entry.document = document;
                }
            }
            // Node has created it again.
            (None, Some(_)) => {
                ours.stored.remove(id);
                drop_cookie(&mut ours, set, id);
            }
            // The held request has nothing to write, and `rolling` sends the cookie of what it last knew to be there.
            (None, None) if has_just_saved(held) => {}
            (None, None) => drop_cookie(&mut ours, set, id),
            (Some(_), None) => {}
        }
    }
    (ours != *node).then_some(ours)
}

/// Whether it has written and so extended the session itself: ours does not ask the store for that again.
fn has_just_saved(held: &Request) -> bool {
    let last = held.task.operations.iter().rev().find(|it| matches!(it, Operation::Save | Operation::Reload));
    last == Some(&Operation::Save)
}

fn drop_cookie(ours: &mut Observation, set: &OptionSet, id: &str) {
    let start = format!("{}=s%3A{id}.", set.cookie_name());
    if let Some(answer) = &mut ours.answer {
        answer.set_cookie.retain(|cookie| !cookie.starts_with(&start));
    }
}
