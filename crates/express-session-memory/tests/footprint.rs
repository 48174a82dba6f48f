//! What sessions take in memory, and what comes back when they go: counted where it is asked for, so without what the allocator
//! adds. `benches/footprint.rs` measures the process.
#![allow(clippy::unwrap_used, reason = "test code: a panic is the failure")]

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use express_session_core::{
    Cookie, Data, Expect, ManualClock, SessionId, SessionStore as _, SessionStoreAdmin as _, UnixMillis,
};
use express_session_memory::{MemoryOptions, MemoryStore};

/// Parts of a store, and what each keeps for the next sessions at most: two chunks of slots, two of the index.
const KEPT: i64 = 64 * 2 * (128 * 64 + 512 * 4);

fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the memory store waited"),
    }
}

struct Visitors {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    data: Data,
}

impl Visitors {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(UnixMillis(1_893_553_445_678)));
        let options = MemoryOptions::new().max_bytes(None).check_period(None);
        let store = MemoryStore::new(options.clock(Arc::clone(&clock)).ttl(Duration::from_hours(1)));
        let mut data = Data::new(Cookie::default());
        data.insert("views", 1).unwrap();
        data.insert("user", "someone@example.org").unwrap();
        let visitors = Self { store, clock, data };
        // What a thread needs once is not what a session needs.
        visitors.come(100);
        ready(visitors.store.clear()).unwrap();
        visitors
    }

    fn come(&self, sessions: usize) {
        for _ in 0..sessions {
            ready(self.store.set(&SessionId::generate(), &self.data.encode(), Expect::Any)).unwrap();
        }
    }

    fn expire(&self) -> u64 {
        self.clock.advance(Duration::from_mins(61));
        ready(self.store.sweep()).unwrap()
    }
}

/// 115 bytes of text, 64 of a slot, and the index: how many sessions there are makes no difference.
#[test]
fn a_session_takes_as_much_in_a_small_store_as_in_a_large_one() {
    for sessions in [10_000, 50_000, 200_000] {
        let visitors = Visitors::new();
        let taken = measure(|| visitors.come(sessions)).bytes_current;
        let each = taken / i64::try_from(sessions).unwrap();
        assert!((115 + 64 + 3..115 + 64 + 9).contains(&each), "{each} bytes for each of {sessions}");
    }
}

#[test]
fn the_memory_of_sessions_that_are_gone_is_given_back() {
    let visitors = Visitors::new();
    let counted = measure(|| {
        visitors.come(100_000);
        visitors.clock.advance(Duration::from_mins(30));
        visitors.come(10_000);
        visitors.clock.advance(Duration::from_mins(31));
        assert_eq!(ready(visitors.store.sweep()).unwrap(), 100_000);
    });
    let kept = counted.bytes_current;
    assert!(kept < 10_000 * 190 + KEPT, "{kept} bytes for 10 000 sessions, of {} before", counted.bytes_max);
    let freed = measure(|| assert_eq!(visitors.expire(), 10_000)).bytes_current;
    let left = kept + freed;
    assert!(left < 64 * 1024, "{left} bytes for no session");
}

#[test]
fn a_cleared_store_keeps_nothing() {
    let visitors = Visitors::new();
    let counted = measure(|| {
        visitors.come(50_000);
        ready(visitors.store.clear()).unwrap();
    });
    assert!(counted.bytes_current.abs() < 64 * 1024, "{} bytes", counted.bytes_current);
}

/// A sweep looks through the store without taking memory for it.
#[test]
fn a_sweep_takes_no_memory() {
    let visitors = Visitors::new();
    visitors.come(50_000);
    let counted = measure(|| assert_eq!(visitors.expire(), 50_000));
    assert!(counted.bytes_max < 16 * 1024, "{} bytes", counted.bytes_max);
}
