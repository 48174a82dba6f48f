//! Two requests that overlap.

use serde_json::json;

use super::Maker;
use super::operations::{Removed, data};
use crate::config::StoreKind;
use crate::script::{Operation, Sends, Step};

impl Maker<'_> {
    /// A request that is held after some of its operations, and another, mostly of the same client, meanwhile. What comes
    /// after the gate saves nothing before the end: what it would find then is not what Node finds.
    pub(super) fn overlap(&mut self) -> Step {
        let mut held = self.empty_request();
        let mut quick = self.empty_request();
        if self.random.chance(80) {
            quick.client = held.client;
            (held.sends, quick.sends) = (Sends::Jar, Sends::Jar);
        }
        quick.task.operations = self.operations(false, false);
        let mut operations = self.operations(false, false);
        let is_saved = operations.contains(&Operation::Save);
        // A key that was removed may not come back.
        let ends_here = operations.iter().any(|it| matches!(it, Operation::Delete { .. }))
            || (is_saved && self.store == StoreKind::File);
        operations.push(Operation::Hold);
        if !ends_here {
            operations.extend(self.after_gate());
        }
        // Whether Redis extends a session by reading it, and `rolling` then sends the cookie of one that is gone, is not for
        // scripts to know.
        if self.store == StoreKind::Redis && self.options.is_on("rolling") {
            let value = json!(self.random.below(1_000_000_000));
            operations.push(Operation::Set { key: "held".to_owned(), value });
        }
        held.task.operations = operations;
        Step::Overlap { held, quick }
    }

    fn after_gate(&mut self) -> Vec<Operation> {
        let mut removed = Removed::default();
        let mut list = Vec::new();
        for _ in 0..self.random.below(3) {
            list.push(match self.random.below(20) {
                0 => Operation::Reload,
                1 => Operation::Touch,
                2 => Operation::Regenerate,
                3 => Operation::Destroy,
                4 if self.options.unset_destroys() => Operation::Unset,
                _ => data(&mut self.random, &mut removed),
            });
        }
        list
    }
}
