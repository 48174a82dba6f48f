//! Who finds the session again in a full store? Ours beside `lru`, `quick_cache` and `moka`.
//!
//! `cargo bench -p express-session-memory --bench eviction`. Nothing is timed but the whole of a run: the result is a share of
//! requests, the same on every machine but for `moka`, which does its housekeeping by the clock.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark: it prints, it reads the clock, and a panic is the failure"
)]

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use express_session_core::{Cookie, Data, Document, Expect, SessionId, SessionStore as _};
use express_session_memory::{MemoryOptions, MemoryStore};

/// How many sessions each store may hold.
const CAPACITY: u64 = 10_000;
/// How many people come back.
const REGULARS: u64 = 8_000;
const REQUESTS: u64 = 2_000_000;

/// Something that holds sessions.
trait Candidate {
    fn read(&mut self, id: &SessionId) -> bool;
    fn write(&mut self, id: &SessionId);
}

struct Ours(MemoryStore, Document);

impl Candidate for Ours {
    fn read(&mut self, id: &SessionId) -> bool {
        ready(self.0.get(id)).unwrap().is_some()
    }
    fn write(&mut self, id: &SessionId) {
        ready(self.0.set(id, &self.1, Expect::Any)).unwrap();
    }
}

impl Candidate for lru::LruCache<SessionId, ()> {
    fn read(&mut self, id: &SessionId) -> bool {
        self.get(id).is_some()
    }
    fn write(&mut self, id: &SessionId) {
        self.put(id.clone(), ());
    }
}

impl Candidate for quick_cache::unsync::Cache<SessionId, ()> {
    fn read(&mut self, id: &SessionId) -> bool {
        self.get(id).is_some()
    }
    fn write(&mut self, id: &SessionId) {
        self.insert(id.clone(), ());
    }
}

impl Candidate for moka::sync::Cache<SessionId, ()> {
    fn read(&mut self, id: &SessionId) -> bool {
        self.get(id).is_some()
    }
    fn write(&mut self, id: &SessionId) {
        self.insert(id.clone(), ());
    }
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store waited"),
    }
}

/// A fixed sequence of numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) % end
    }

    /// Some come often, most seldom: the square of an even distribution.
    fn regular(&mut self) -> u64 {
        let one = self.below(REGULARS);
        one * self.below(REGULARS) / REGULARS
    }
}

/// Of the requests of people who were there before, how many found their session, in percent; `floods` of 100 requests are those
/// of visitors who never come back.
fn found(candidate: &mut dyn Candidate, floods: u64) -> f64 {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut sessions: HashMap<u64, SessionId> = HashMap::new();
    let (mut asked, mut hits, mut visitor) = (0_u64, 0_u64, 0_u64);
    for _ in 0..REQUESTS {
        if random.below(100) < floods {
            visitor += 1;
            candidate.write(&SessionId::parse(format!("visitor-{visitor}-of-the-benchmark")).unwrap());
            continue;
        }
        let regular = random.regular();
        let Some(id) = sessions.get(&regular) else {
            let id = SessionId::parse(format!("regular-{regular}-of-the-benchmark")).unwrap();
            candidate.write(&id);
            sessions.insert(regular, id);
            continue;
        };
        asked += 1;
        let hit = candidate.read(id);
        hits += u64::from(hit);
        candidate.write(id);
    }
    hits as f64 * 100.0 / asked.max(1) as f64
}

fn main() {
    let document = Data::new(Cookie::default()).encode();
    println!(
        "{CAPACITY} sessions, {REGULARS} people who come back; percent of their requests that find the session\n"
    );
    println!(
        "{:32}{:>14}{:>14}{:>14}{:>14}",
        "visitors of one request", "ours", "lru", "quick_cache", "moka"
    );
    for floods in [0, 50, 90, 99] {
        let capacity = NonZeroUsize::new(usize::try_from(CAPACITY).unwrap()).unwrap();
        let candidates: [Box<dyn Candidate>; 4] = [
            Box::new(Ours(MemoryStore::new(MemoryOptions::new().max(CAPACITY)), document.clone())),
            Box::new(lru::LruCache::new(capacity)),
            Box::new(quick_cache::unsync::Cache::new(capacity.get())),
            Box::new(moka::sync::Cache::new(CAPACITY)),
        ];
        print!("{:32}", format!("{floods} %"));
        for mut candidate in candidates {
            let began = Instant::now();
            let found = found(&mut *candidate, floods);
            let nanoseconds = began.elapsed().as_nanos() / u128::from(REQUESTS);
            print!("{:>14}", format!("{found:.1}  {nanoseconds} ns"));
        }
        println!();
    }
}
