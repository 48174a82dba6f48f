//! The store's verbs with ten thousand and with a million sessions, and a sweep under way.
//!
//! `cargo bench -p express-session-memory --bench store`
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark: a panic is the failure, and its groups are made by a macro"
)]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use express_session_core::{
    Cookie, Data, Document, Expect, SessionId, SessionStore as _, SessionStoreAdmin as _, UnixMillis,
};
use express_session_memory::{MemoryOptions, MemoryStore};

fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the memory store waited"),
    }
}

fn document() -> Document {
    let mut data = Data::new(Cookie::default());
    data.insert("views", 1).unwrap();
    data.insert("user", "someone@example.org").unwrap();
    data.encode()
}

fn filled(sessions: usize) -> (MemoryStore, Vec<SessionId>) {
    let store = MemoryStore::new(MemoryOptions::new().max_bytes(None).check_period(None));
    let ids: Vec<_> = (0..sessions).map(|_| SessionId::generate()).collect();
    for id in &ids {
        ready(store.set(id, &document(), Expect::Any)).unwrap();
    }
    (store, ids)
}

/// Ids in an order no cache of the processor knows.
fn scattered(ids: &[SessionId]) -> impl FnMut() -> SessionId + '_ {
    let mut at = 0;
    move || {
        at = (at + 7_919 * 31) % ids.len();
        ids[at].clone()
    }
}

fn verbs(criterion: &mut Criterion) {
    for sessions in [10_000, 1_000_000] {
        let (store, ids) = filled(sessions);
        let mut group = criterion.benchmark_group("verbs");
        group.measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
        let mut next = scattered(&ids);
        group.bench_function(BenchmarkId::new("get", sessions), |bench| {
            bench.iter(|| black_box(ready(store.get(&next())).unwrap()));
        });
        let (document, mut next) = (document(), scattered(&ids));
        group.bench_function(BenchmarkId::new("touch", sessions), |bench| {
            bench.iter(|| black_box(ready(store.touch(&next(), &document, document.cookie())).unwrap()));
        });
        let (mut now, mut next) = (1_893_553_445_678, scattered(&ids));
        group.bench_function(BenchmarkId::new("get, touch with max_age", sessions), |bench| {
            bench.iter(|| {
                let id = next();
                let stored = ready(store.get(&id)).unwrap().unwrap();
                let mut cookie = stored.document.cookie().clone();
                now += 1;
                cookie.set_max_age(Some(Duration::from_hours(1)), UnixMillis(now));
                black_box(ready(store.touch(&id, &stored.document, &cookie)).unwrap())
            });
        });
        let mut next = scattered(&ids);
        group.bench_function(BenchmarkId::new("get, count, compare-and-set", sessions), |bench| {
            bench.iter(|| {
                let id = next();
                let stored = ready(store.get(&id)).unwrap().unwrap();
                let mut data = Data::of(stored.document);
                let views = data.get::<u64>("views").unwrap().unwrap();
                data.insert("views", views + 1).unwrap();
                let expect = Expect::Revision(&stored.revision);
                black_box(ready(store.set(&id, &data.encode(), expect)).unwrap())
            });
        });
        let stop = AtomicBool::new(false);
        let mut next = scattered(&ids);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    ready(store.sweep()).unwrap();
                }
            });
            group.bench_function(BenchmarkId::new("get while sweeping all the time", sessions), |bench| {
                bench.iter(|| black_box(ready(store.get(&next())).unwrap()));
            });
            stop.store(true, Relaxed);
        });
        group.sample_size(10);
        group.bench_function(BenchmarkId::new("one sweep that finds nothing", sessions), |bench| {
            bench.iter(|| black_box(ready(store.sweep()).unwrap()));
        });
        group.finish();
    }
}

criterion_group!(benches, verbs);
criterion_main!(benches);
