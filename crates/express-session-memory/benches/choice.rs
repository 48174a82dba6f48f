//! Why the store is made as it is: ours, and the same store made of `moka`.
//!
//! `cargo bench -p express-session-memory --bench choice` (Linux: memory and
//! processor time are read from `/proc/self`). Times are of the processor, so other work on the machine matters little.
//! Every candidate runs in a process of its own, so that none inherits the other's memory.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark: it prints, and a panic is the failure"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use express_session_core::{
    Clock as _, Cookie, Data, Document, Expect, SessionId, SessionStore as _, SystemClock,
};
use express_session_memory::{MemoryOptions, MemoryStore};
use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

const SESSIONS: [usize; 2] = [10_000, 1_000_000];
const OPERATIONS: usize = 2_000_000;

/// What a store does in a request, with the work of decoding and encoding in it.
trait Candidate: Sync {
    fn put(&self, id: &SessionId, document: &Document);
    fn get(&self, id: &SessionId) -> bool;
    /// Reads, and writes over what was read.
    fn count(&self, id: &SessionId);
    /// Does the housekeeping that was put off.
    fn settle(&self) {}
}

fn counted(document: Document) -> Document {
    let views = document.get::<u64>("views").unwrap().unwrap();
    let mut data = Data::of(document);
    data.insert("views", views + 1).unwrap();
    data.encode()
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the memory store waited"),
    }
}

impl Candidate for MemoryStore {
    fn put(&self, id: &SessionId, document: &Document) {
        ready(self.set(id, document, Expect::Any)).unwrap();
    }

    fn get(&self, id: &SessionId) -> bool {
        ready(express_session_core::SessionStore::get(self, id)).unwrap().is_some()
    }

    fn count(&self, id: &SessionId) {
        let stored = ready(express_session_core::SessionStore::get(self, id)).unwrap().unwrap();
        let document = counted(stored.document);
        ready(self.set(id, &document, Expect::Revision(&stored.revision))).unwrap();
    }
}

#[derive(Clone)]
struct Entry {
    revision: u64,
    deadline: i64,
    text: Arc<str>,
}

struct Moka {
    cache: Cache<SessionId, Entry>,
    last_revision: AtomicU64,
}

impl Moka {
    fn entry(&self, document: &Document) -> Entry {
        let revision = self.last_revision.fetch_add(1, Relaxed);
        let deadline = SystemClock.now().plus(std::time::Duration::from_hours(24)).0;
        Entry { revision, deadline, text: document.shared_text() }
    }

    fn live(&self, id: &SessionId) -> Option<(u64, Document)> {
        let entry = self.cache.get(id).filter(|entry| entry.deadline >= SystemClock.now().0)?;
        Some((entry.revision, Document::parse(entry.text).unwrap()?))
    }
}

impl Candidate for Moka {
    fn put(&self, id: &SessionId, document: &Document) {
        self.cache.insert(id.clone(), self.entry(document));
    }

    fn get(&self, id: &SessionId) -> bool {
        self.live(id).is_some()
    }

    fn count(&self, id: &SessionId) {
        let (revision, document) = self.live(id).unwrap();
        let new = self.entry(&counted(document));
        // Two threads may meet at a session; a store would then say "conflict", which costs no less.
        self.cache.entry_by_ref(id).and_compute_with(|entry| {
            let expected = entry.is_some_and(|entry| entry.value().revision == revision);
            if expected { Op::Put(new) } else { Op::Nop }
        });
    }

    fn settle(&self) {
        self.cache.run_pending_tasks();
    }
}

fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

/// The processor time this process has used, in nanoseconds; counted in hundredths of a second.
fn used() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<_> = after_name.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) * 1e7
}

fn measure(name: &str, sessions: usize, candidate: &impl Candidate) {
    let name = format!("{name}, {sessions} sessions");
    let ids: Vec<_> = (0..sessions)
        .map(|n| {
            // As a browser's cookie gives it: every request has a copy of its own.
            SessionId::parse(format!("{n:032}")).unwrap()
        })
        .collect();
    let mut data = Data::new(Cookie::default());
    data.insert("views", 1).unwrap();
    data.insert("user", "someone@example.org").unwrap();
    let payload = data.encode().text().len() + 32;
    let before = resident();
    for id in &ids {
        // A text of its own for each, as requests make them.
        candidate.put(&SessionId::parse(id.as_str()).unwrap(), &data.encode());
    }
    candidate.settle();
    let overhead = (resident() - before) / sessions as f64 - payload as f64;
    println!("{name}: {overhead:.0} bytes per session beyond id and document ({payload} bytes)");
    for threads in [1, 2] {
        let time = |what: &str, operation: &(dyn Fn(&SessionId) + Sync)| {
            let before = used();
            std::thread::scope(|scope| {
                for thread in 0..threads {
                    let ids = &ids;
                    scope.spawn(move || {
                        let mut at = thread * 12_345;
                        for _ in 0..OPERATIONS / threads {
                            at = (at + 245_489) % ids.len();
                            operation(&ids[at]);
                        }
                    });
                }
            });
            candidate.settle();
            let each = (used() - before) / OPERATIONS as f64;
            println!("{name}: {threads} threads: {what}: {each:.0} ns");
        };
        time("get", &|id| assert!(candidate.get(id)));
        time("get, count, compare-and-set", &|id| candidate.count(id));
    }
}

fn main() {
    let Ok(candidate) = std::env::var("CANDIDATE") else {
        for (candidate, sessions) in ["ours", "moka"].iter().flat_map(|it| SESSIONS.map(|n| (it, n))) {
            let program = std::env::current_exe().unwrap();
            let mut run = std::process::Command::new(program);
            run.env("CANDIDATE", candidate).env("SESSIONS", sessions.to_string());
            assert!(run.status().unwrap().success());
        }
        return;
    };
    let sessions: usize = std::env::var("SESSIONS").unwrap().parse().unwrap();
    if candidate == "ours" {
        let options = MemoryOptions::new().max_bytes(None).check_period(None);
        measure("ours", sessions, &MemoryStore::new(options));
    } else {
        let capacity = 2 * sessions as u64;
        let cache = Cache::builder().max_capacity(capacity).eviction_policy(EvictionPolicy::lru()).build();
        measure("moka", sessions, &Moka { cache, last_revision: AtomicU64::new(1) });
    }
}
