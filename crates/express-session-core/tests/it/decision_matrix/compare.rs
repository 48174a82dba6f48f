//! In what our outcomes differ from Node's, and that they do so only where it is meant.

use std::collections::{BTreeMap, BTreeSet};

use express_session_testbed::vectors::{none_of, translated};

use super::cell::{Cell, Outcome, cells};
use crate::support::now_or_never;

/// In what an outcome differs from Node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Aspect {
    Status,
    Cookie,
    Content,
}

/// What a cell is expected to differ in, and why.
pub(super) struct Expected {
    pub(super) reason: &'static str,
    pub(super) aspects: &'static [Aspect],
    /// Where Node touches, ours sets.
    pub(super) set_for_touch: bool,
    /// Ours sets once more.
    pub(super) saves_again: bool,
    /// What ours must be instead.
    pub(super) instead: Option<Check>,
}

pub(super) type Check = fn(&Cell, &Outcome) -> Result<(), String>;

pub(super) const LIKE_NODE: Expected =
    Expected { reason: "like Node", aspects: &[], set_for_touch: false, saves_again: false, instead: None };

fn aspects(ours: &Outcome, node: &Outcome) -> BTreeSet<Aspect> {
    [
        (Aspect::Status, ours.failed != node.failed),
        (Aspect::Cookie, ours.cookie != node.cookie),
        (Aspect::Content, ours.docs != node.docs),
    ]
    .into_iter()
    .filter_map(|(aspect, differs)| differs.then_some(aspect))
    .collect()
}

/// The first operation we call more often than Node does.
fn more_calls(ours: &[&str], cell: &Cell, expected: &Expected) -> Option<String> {
    let mut node_calls: Vec<&str> = cell.node_calls.iter().map(|(operation, ..)| &**operation).collect();
    if expected.set_for_touch {
        let touch = node_calls.iter_mut().rev().find(|operation| **operation == "touch")?;
        *touch = "set";
    }
    if expected.saves_again {
        node_calls.push("set");
    }
    ["get", "set", "touch", "destroy"].into_iter().find_map(|operation| {
        let ours = ours.iter().filter(|call| **call == operation).count();
        let node = node_calls.iter().filter(|call| **call == operation).count();
        (ours > node).then(|| format!("{operation}: {ours} calls, Node {node}"))
    })
}

/// Compares every cell; `expected` names the aspects in which ours differs on purpose: in these and no others.
/// Returns how many cells each reason was given for.
pub(super) fn compare(list: &str, expected: impl Fn(&Cell) -> Expected) -> BTreeMap<&'static str, usize> {
    let mut complaints = Vec::new();
    let mut seen = BTreeMap::new();
    for cell in cells(list, &mut complaints) {
        let ours = translated(&cell.name, &mut complaints, || now_or_never(cell.ours()));
        let Some((ours, calls)) = ours else { continue };
        let expected = expected(&cell);
        let differing = aspects(&ours, &cell.node);
        if differing != expected.aspects.iter().copied().collect() {
            complaints.push(format!(
                "{}\n   differs in {differing:?}, expected {:?} ({})\n   ours {ours:?} by {calls:?}\n   node {:?} by {:?}",
                cell.name, expected.aspects, expected.reason, cell.node, cell.node_calls
            ));
        }
        if let Some(check) = expected.instead {
            check(&cell, &ours).unwrap_or_else(|why| complaints.push(format!("{}: {why}", cell.name)));
        }
        if let Some(more) = more_calls(&calls, &cell, &expected) {
            complaints.push(format!("{}: {more}", cell.name));
        }
        *seen.entry(expected.reason).or_insert(0) += 1;
    }
    none_of(&complaints);
    seen
}
