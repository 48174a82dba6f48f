//! A request during which the store fails at one verb.

use super::Maker;
use super::operations::Removed;
use crate::script::{Operation, Request, Verb};

impl Maker<'_> {
    /// With no change of cookies, and no `save()`: that Node takes one that has failed for done is a known difference.
    pub(super) fn with_failing_store(&mut self) -> Request {
        let mut request = self.empty_request();
        let verbs = [Verb::Set, Verb::Touch, Verb::Destroy, Verb::Get];
        // Node destroys the session that it could not read, if taking it away is to destroy it.
        let verbs = if self.options.unset_destroys() { verbs.get(..3) } else { None }.unwrap_or(&verbs);
        let verb = *self.random.pick(verbs);
        let mut removed = Removed::default();
        let mut list = Vec::new();
        for _ in 0..self.random.below(4) {
            list.push(match self.random.below(20) {
                0 | 1 => Operation::Regenerate,
                2 | 3 => Operation::Destroy,
                4 if self.options.unset_destroys() => Operation::Unset,
                5 => Operation::Reload,
                6 => Operation::Touch,
                _ => self.data(&mut removed),
            });
        }
        request.fails = Some(verb);
        request.task.operations = list;
        request
    }
}
