//! What ours must do where it differs from Node on purpose (`docs/INTEROP.md`), worked out from what Node did.

mod exact;
mod failures;
mod overlap;
mod sent_again;

use serde::Deserialize;

pub(crate) use self::exact::{EXACT, unrounded};
pub(crate) use self::overlap::{Stages, after_overlap};
use crate::config::{OptionSet, StoreKind};
use crate::mismatch::Observation;
use crate::script::{Operation, Request, Verb};

/// What the Node server tells of a request beyond its answer; see `node/lab/notes.js`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Notes {
    failed: Vec<Failed>,
    due: Option<Due>,
}

/// A call to the store that failed, as asked for.
#[derive(Clone, Debug, Deserialize)]
struct Failed {
    verb: Verb,
    id: String,
    phase: Phase,
    /// The handler's operation that made it, by number.
    operation: Option<usize>,
}

/// What the request was at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    Load,
    Handler,
    End,
}

/// What Node would have sent and stored for a session that was there already, had its data been modified.
#[derive(Clone, Debug, Deserialize)]
struct Due {
    id: String,
    /// Whether the handler has changed the cookie.
    changed: bool,
    /// None if the connection forbids it.
    set_cookie: Option<String>,
    document: String,
}

/// Whether what ours does after this request may differ from what Node does.
pub(crate) fn may_differ(set: &OptionSet, request: &Request) -> bool {
    let changes_cookie =
        |operation: &Operation| matches!(operation, Operation::MaxAge { .. } | Operation::Cookie { .. });
    request.fails.is_some()
        || request.task.operations.iter().any(changes_cookie)
        || sent_again::is_reissued(set, request)
}

/// What ours must show after a request, if it is not what Node shows.
pub(crate) fn after_request(
    store: StoreKind,
    set: &OptionSet,
    request: &Request,
    node: &Observation,
    notes: &Notes,
) -> Option<Observation> {
    let mut ours = node.clone();
    if let Some(due) = &notes.due {
        sent_again::apply(store, set, request, due, &mut ours);
    }
    failures::apply(&notes.failed, &mut ours);
    (ours != *node).then_some(ours)
}
