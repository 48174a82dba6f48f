//! Two requests that overlap.

use serde_json::json;

use super::Maker;
use super::operations::Removed;
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
        let must_write = self.store == StoreKind::Redis && self.options.is_on("rolling");
        if must_write || self.random.chance(60) {
            // Nothing may be set in a file once it was saved.
            let in_front = self.store == StoreKind::File;
            for (list, key) in [(&mut operations, "held"), (&mut quick.task.operations, "quick")] {
                let place = if in_front { 0 } else { list.len() };
                list.insert(place, self.own_key(key));
            }
        }
        held.task.operations = operations;
        Step::Overlap { held, quick }
    }

    /// A change that no other operation undoes.
    fn own_key(&mut self, key: &str) -> Operation {
        Operation::Set { key: key.to_owned(), value: json!(self.random.below(1_000_000_000)) }
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
                _ => self.data(&mut removed),
            });
        }
        list
    }
}
