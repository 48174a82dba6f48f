//! What is observed after a step, and in what two observations differ.

use std::collections::BTreeMap;
use std::fmt;

use crate::client::Answer;
use crate::config::Space;
use crate::expected::unrounded;
use crate::probe::{Entries, Entry};
use crate::script::{Side, Step};

/// What came of one request or other step in one space.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// The answer, if the step was a request.
    pub answer: Option<Answer>,
    /// What is stored after it.
    pub stored: Entries,
}

/// A difference between Node and us.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The step, from 0.
    pub step: usize,
    /// Where: Rust alone, or both together.
    pub space: Space,
    /// What differs.
    pub what: Difference,
    /// Whether ours was to differ from Node, but not like this.
    pub is_known: bool,
}

/// What differs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// The answers.
    Answer {
        /// Node's.
        node: Box<Answer>,
        /// Ours.
        ours: Box<Answer>,
    },
    /// What is stored for a session.
    Stored {
        /// Its id.
        id: String,
        /// By Node.
        node: Option<Entry>,
        /// By us.
        ours: Option<Entry>,
    },
    /// A server did not answer at all.
    NoAnswer(String),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ours = if self.space == Space::Mixed { "both together" } else { "Rust alone" };
        writeln!(f, "after step {}: Node alone and {ours} differ", self.step + 1)?;
        if self.is_known {
            writeln!(f, "  (a known difference applies: `Node` is what ours must be beside it)")?;
        }
        match &self.what {
            Difference::Answer { node, ours } => write!(f, "  answer\n    Node: {node}\n    ours: {ours}"),
            Difference::Stored { id, node, ours } => {
                let text = |entry: &Option<Entry>| {
                    entry.as_ref().map_or_else(
                        || "nothing".to_owned(),
                        |entry| format!("{} [{}]", entry.document, entry.life),
                    )
                };
                write!(f, "  stored for {id}\n    Node: {}\n    ours: {}", text(node), text(ours))
            }
            Difference::NoAnswer(error) => write!(f, "  no answer: {error}"),
        }
    }
}

/// What was observed in all spaces: by their names, and under [`OURS`] what ours must show where a known difference
/// applies.
pub type Observed = BTreeMap<&'static str, Result<Observation, String>>;

/// Where what ours must show stands among what was observed.
pub const OURS: &str = "ours";

/// The first thing in which a space differs from Node alone, or from what is known of ours.
pub(crate) fn compare(index: usize, step: &Step, all: &Observed) -> Option<Mismatch> {
    let node = all.get(Space::Node.name())?;
    let ours = all.get(OURS).unwrap_or(node);
    [Space::Rust, Space::Mixed].into_iter().find_map(|space| {
        let must = if space == Space::Mixed && step.side() == Side::Node { node } else { ours };
        let what = match (must, all.get(space.name())?) {
            (Ok(must), Ok(found)) => difference(&unrounded(must), found)?,
            (Err(error), _) | (_, Err(error)) => Difference::NoAnswer(error.clone()),
        };
        Some(Mismatch { step: index, space, what, is_known: all.contains_key(OURS) })
    })
}

fn difference(node: &Observation, ours: &Observation) -> Option<Difference> {
    if let (Some(node), Some(ours)) = (&node.answer, &ours.answer)
        && node != ours
    {
        return Some(Difference::Answer { node: Box::new(node.clone()), ours: Box::new(ours.clone()) });
    }
    let ids = node.stored.keys().chain(ours.stored.keys());
    let id = ids.into_iter().find(|id| node.stored.get(*id) != ours.stored.get(*id))?;
    Some(Difference::Stored {
        id: id.clone(),
        node: node.stored.get(id).cloned(),
        ours: ours.stored.get(id).cloned(),
    })
}
