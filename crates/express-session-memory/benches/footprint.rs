//! What a session takes in memory, how much comes back when sessions go, and how long requests take while a sweep runs.
//!
//! `cargo bench -p express-session-memory --bench footprint` (Linux: memory is read from `/proc/self`). Every line comes from a
//! process of its own, so that none inherits the other's memory.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a benchmark: it prints, it reads the clock, and a panic is the failure"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use express_session_core::{
    Cookie, Data, Expect, ManualClock, SessionId, SessionStore as _, SessionStoreAdmin as _, UnixMillis,
};
use express_session_memory::{MemoryOptions, MemoryStore};

const SESSIONS: [usize; 5] = [10_000, 50_000, 200_000, 1_000_000, 5_000_000];

/// Of the sessions in the second part, so many live on and so many expire.
const HALF: usize = 1_000_000;

fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the memory store waited"),
    }
}

/// 115 bytes of JSON.
fn data() -> Data {
    let mut data = Data::new(Cookie::default());
    data.insert("views", 1).unwrap();
    data.insert("user", "someone@example.org").unwrap();
    data
}

fn resident() -> f64 {
    // As the requests of a server do now and then: it makes glibc put together what has been freed.
    drop(std::hint::black_box(vec![1_u8; 100_000]));
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

/// The last character of an id says how long its session lives: of this share, a day, of the others, an hour.
fn lives_long(id: &SessionId, share: f64) -> bool {
    id.as_bytes().last().is_some_and(|last| f64::from(last.wrapping_mul(149)) < share * 256.0)
}

fn store(share: f64, check_period: Option<Duration>) -> (MemoryStore, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(UnixMillis(1_893_553_445_678)));
    let options = MemoryOptions::new().max_bytes(None).check_period(check_period).clock(Arc::clone(&clock));
    let options =
        options.ttl_with(move |_, id| Duration::from_hours(if lives_long(id, share) { 24 } else { 1 }));
    (MemoryStore::new(options), clock)
}

fn put(store: &MemoryStore, id: &SessionId) {
    // A text of its own for each, as requests make them.
    ready(store.set(id, &data().encode(), Expect::Any)).unwrap();
}

/// Small stores are measured by the dozen, or what the allocator had left over would count.
fn memory(sessions: usize) {
    assert_eq!(data().encode().text().len(), 115);
    // The program's own pages are there before anything is measured.
    let counted = store_counts();
    let stores: Vec<_> = (0..(200_000 / sessions).max(1)).map(|_| store(0.1, None)).collect();
    let come = |sessions: usize| {
        for (store, _) in &stores {
            for _ in store.stats().sessions..sessions as u64 {
                put(store, &SessionId::generate());
            }
        }
    };
    let expire = |after: Duration| {
        let (began, mut swept) = (Instant::now(), 0);
        for (store, clock) in &stores {
            clock.advance(after);
            swept += ready(store.sweep()).unwrap();
        }
        began.elapsed().as_nanos() as f64 / swept as f64
    };
    let all = (sessions * stores.len()) as f64;
    let before = resident();
    let each = || (resident() - before) / all;
    come(sessions);
    let full = each();
    let sweep = expire(Duration::from_mins(61));
    let left: u64 = stores.iter().map(|(store, _)| store.stats().sessions).sum();
    let small = each();
    come(sessions);
    let again = each();
    expire(Duration::from_hours(48));
    assert!(stores.iter().all(|(store, _)| store.stats().sessions == 0));
    println!(
        "{sessions:>9} {full:>8.1} {counted:>8} {:>10.1} % {small:>8.1} {again:>8.1} {:>8.1} {sweep:>12.0}",
        left as f64 * 100.0 / all,
        each()
    );
}

/// What `max_bytes` counts for a session.
fn store_counts() -> u64 {
    let (store, _) = store(1.0, None);
    for _ in 0..100 {
        put(&store, &SessionId::generate());
    }
    ready(store.sweep()).unwrap();
    store.stats().bytes / 100
}

/// Reads, and touches with another expiry.
fn request(store: &MemoryStore, id: &SessionId, now: &mut i64) -> Duration {
    *now += 1;
    let began = Instant::now();
    let stored = ready(store.get(id)).unwrap().unwrap();
    let mut cookie = stored.document.cookie().clone();
    cookie.set_max_age(Some(Duration::from_hours(1)), UnixMillis(*now));
    ready(store.touch(id, &stored.document, &cookie)).unwrap();
    began.elapsed()
}

fn print(what: &str, took: &mut [Duration]) {
    if took.is_empty() {
        println!("{what:<42} none: the sweep was over before the first one");
        return;
    }
    took.sort_unstable();
    let at = |share: f64| took[(took.len() as f64 * share) as usize].as_nanos() as f64 / 1e3;
    println!(
        "{what:<42} {:>9} requests: p50 {:.2} µs, p99 {:.2}, p99.9 {:.2}, p99.99 {:.1}",
        took.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(0.9999)
    );
}

/// Requests before the store's own thread sweeps, and while it does.
fn latency() {
    let (store, clock) = store(0.5, Some(Duration::from_secs(20)));
    let (mut live, mut expired) = (Vec::new(), 0);
    while live.len() < HALF || expired < HALF {
        let id = SessionId::generate();
        let lives_long = lives_long(&id, 0.5);
        if lives_long && live.len() < HALF {
            put(&store, &id);
            live.push(id);
        } else if !lives_long && expired < HALF {
            put(&store, &id);
            expired += 1;
        }
    }
    clock.advance(Duration::from_hours(2));
    let (mut at, mut now) = (0, 1_893_553_445_678);
    let (mut before, mut during) = (Vec::new(), Vec::new());
    let mut began = None;
    loop {
        let removed = store.stats().expirations;
        if removed > 0 && began.is_none() {
            began = Some(Instant::now());
        }
        if removed == HALF as u64 {
            break;
        }
        let took = if removed == 0 { &mut before } else { &mut during };
        for _ in 0..500 {
            at = (at + 245_489) % live.len();
            took.push(request(&store, &live[at], &mut now));
        }
    }
    print("no sweep", &mut before);
    print("while a million expired ones are swept", &mut during);
    println!("the sweep took {:.1} s", began.unwrap().elapsed().as_secs_f64());
}

fn main() {
    match std::env::var("SESSIONS") {
        Ok(sessions) if sessions == "latency" => latency(),
        Ok(sessions) => memory(sessions.parse().unwrap()),
        Err(_) => {
            println!("bytes of the process for each session:");
            println!(" sessions     full  counted    after a sweep      full    empty   ns a removal\n");
            let all = SESSIONS.iter().map(ToString::to_string).chain(["latency".to_owned()]);
            for sessions in all {
                let program = std::env::current_exe().unwrap();
                assert!(
                    std::process::Command::new(program).env("SESSIONS", sessions).status().unwrap().success()
                );
            }
        }
    }
}
