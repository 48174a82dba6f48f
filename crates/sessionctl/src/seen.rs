//! Which sessions a listing has given already. Redis may give one twice; who counts must not.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use express_session_core::{Listed, SessionId};

use crate::store::AnyStore;

/// Eight bytes per session, and nothing for a store that gives each once. Among a million sessions, the odds that two are taken for
/// one are one in thirty million.
#[derive(Debug)]
pub(crate) struct Seen {
    hasher: RandomState,
    ids: Option<HashSet<u64>>,
}

impl Seen {
    pub(crate) fn of(store: &AnyStore) -> Self {
        Self { hasher: RandomState::new(), ids: store.may_repeat().then(HashSet::new) }
    }

    /// Leaves those that are new.
    pub(crate) fn only_new(&mut self, page: &mut Vec<Listed>) {
        page.retain(|listed| self.is_new(&listed.id));
    }

    fn is_new(&mut self, id: &SessionId) -> bool {
        let Some(ids) = &mut self.ids else { return true };
        ids.insert(self.hasher.hash_one(id))
    }
}
