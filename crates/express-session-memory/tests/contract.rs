//! The store contract, with one part and with many.
#![allow(clippy::unwrap_used, reason = "test code: a panic is the failure")]

use std::sync::Arc;
use std::time::Duration;

use express_session_contract::{Harness, OwnerListHarness};
use express_session_core::{Clock, ManualClock, Owner, SessionId, UnixMillis};
use express_session_memory::{MemoryOptions, MemoryStore};

struct Memory {
    store: MemoryStore,
    clock: Arc<ManualClock>,
}

impl Memory {
    fn with(options: MemoryOptions) -> Self {
        let clock = Arc::new(ManualClock::new(UnixMillis(1_893_553_445_678)));
        // The thread would sweep at its own time what the clauses want to find unswept.
        let store = MemoryStore::new(options.check_period(None).clock(Arc::clone(&clock)));
        Self { store, clock }
    }
}

impl Harness for Memory {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::<ManualClock>::clone(&self.clock)
    }

    async fn age(&self, _: &SessionId, by: Duration) {
        self.clock.advance(by);
    }

    async fn pass_a_moment(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    async fn put_raw(&self, id: &SessionId, bytes: &[u8]) {
        self.store.put_document(id, bytes).unwrap();
    }

    async fn get_raw(&self, id: &SessionId) -> Option<Vec<u8>> {
        self.store.document(id)
    }
}

impl OwnerListHarness for Memory {
    async fn age_list(&self, _: &Owner, by: Duration) {
        self.clock.advance(by);
    }
}

mod owners {
    express_session_contract::owner_contract!(super::Memory::with(super::MemoryOptions::new()));
    express_session_contract::owner_list_contract!(super::Memory::with(super::MemoryOptions::new()));
}

mod divided {
    express_session_contract::store_contract!(super::Memory::with(super::MemoryOptions::new()));
}

mod undivided {
    express_session_contract::store_contract!(super::Memory::with(super::MemoryOptions::new().max(10_000)));
}
