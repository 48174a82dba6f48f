//! The bounds, the order of use, what is told when a session leaves, and the sweeping thread.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use express_session_core::{
    Clock as _, Cookie, Data, Document, Expect, ManualClock, SessionId, SessionStore as _,
    SessionStoreAdmin as _, StoreError, Successor, SystemClock, TouchAfter, TouchHint, UnixMillis,
};
use express_session_memory::{DEFAULT_TTL, Disposal, MemoryOptions, MemoryStore, SESSION_OVERHEAD};

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

fn document(payload: usize) -> Document {
    let mut data = Data::new(Cookie::default());
    data.insert("payload", "x".repeat(payload)).unwrap();
    data.encode()
}

async fn put(store: &MemoryStore, name: &str, payload: usize) {
    store.set(&id(name), &document(payload), Expect::Any).await.unwrap();
}

async fn has(store: &MemoryStore, name: &str) -> bool {
    store.get(&id(name)).await.unwrap().is_some()
}

fn still(options: MemoryOptions) -> (MemoryStore, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(UnixMillis(0)));
    (MemoryStore::new(options.check_period(None).clock(Arc::clone(&clock))), clock)
}

#[tokio::test]
async fn a_full_store_drops_the_least_recently_used() {
    let store = MemoryStore::new(MemoryOptions::new().max(3));
    for name in ["a", "b", "c"] {
        put(&store, name, 0).await;
    }
    assert!(has(&store, "a").await);
    store.touch(&id("b"), &document(0), document(0).cookie()).await.unwrap();
    put(&store, "d", 0).await;
    assert!(!has(&store, "c").await, "reads and touches count as use");
    put(&store, "a", 1).await;
    assert_eq!(store.length().await.unwrap(), 3, "a session that is written again takes no second place");
    assert_eq!(store.stats().evictions, 1);
}

#[tokio::test]
async fn the_bytes_are_bounded_and_counted() {
    let one = |payload: usize| SESSION_OVERHEAD + 1 + document(payload).text().len() as u64;
    let max_bytes = one(1000) * 2;
    let store = MemoryStore::new(MemoryOptions::new().max_bytes(max_bytes));
    put(&store, "a", 1000).await;
    put(&store, "b", 500).await;
    assert_eq!(store.stats().bytes, one(1000) + one(500));
    put(&store, "b", 1000).await;
    assert_eq!(store.stats().bytes, max_bytes, "exactly full is not over");
    put(&store, "b", 1001).await;
    assert!(!has(&store, "a").await, "growth drops others too");
    assert_eq!(store.stats().bytes, one(1001));
    let error = store.set(&id("c"), &document(5000), Expect::Any).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { size, .. } if size > 5000), "{error:?}");
    assert!(has(&store, "b").await, "what cannot be kept drops nothing");
    store.destroy(&id("b")).await.unwrap();
    assert_eq!((store.stats().bytes, store.stats().sessions), (0, 0));
}

#[tokio::test]
async fn a_divided_store_keeps_to_its_bounds_as_well() {
    let store = MemoryStore::new(MemoryOptions::new().max(20_000));
    for n in 0..25_000 {
        put(&store, &n.to_string(), 0).await;
    }
    let stats = store.stats();
    assert_eq!((stats.sessions, stats.evictions), (20_000, 5_000));
    assert!(has(&store, "24999").await, "the session just written is never the one dropped");
    assert_eq!(express_session_contract::ids(&store).await.unwrap().len(), 20_000);
}

/// Large sessions in a divided store: the part that grows may hold nothing else, so others must give way.
#[tokio::test]
async fn other_parts_make_room_if_their_own_cannot() {
    let megabyte = 1 << 20;
    let store = MemoryStore::new(MemoryOptions::new().max_bytes(10 * (megabyte + 1000)));
    for n in 0..40 {
        put(&store, &n.to_string(), 1 << 20).await;
        assert!(has(&store, &n.to_string()).await);
    }
    assert_eq!(store.stats().sessions, 10);
    assert!(store.stats().bytes <= 10 * (megabyte + 1000));
}

#[test]
fn bounds_and_counts_hold_under_concurrent_writes() {
    for max in [100, 20_000] {
        let store = MemoryStore::new(MemoryOptions::new().max(max));
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let store = store.clone();
                scope.spawn(move || {
                    for n in 0..max {
                        let name = format!("{}", (thread * max / 2 + n * 7) % (max * 2));
                        block_on(put(&store, &name, usize::try_from(n % 50).unwrap()));
                        if n % 5 == 0 {
                            block_on(store.destroy(&id(&name))).unwrap();
                        }
                    }
                });
            }
        });
        let stats = store.stats();
        let all = block_on(express_session_contract::all(&store)).unwrap();
        assert!(stats.sessions <= max, "{} of {max}", stats.sessions);
        assert_eq!(stats.sessions, all.len() as u64, "the count is not what is there");
        let size = |(id, document): &(SessionId, Document)| {
            SESSION_OVERHEAD + id.as_str().len() as u64 + document.text().len() as u64
        };
        assert_eq!(stats.bytes, all.iter().map(size).sum::<u64>(), "the bytes are not what is there");
    }
}

/// A session that grows while another thread ends it is never counted out before it is counted in.
#[test]
fn a_store_with_room_drops_nothing_while_sessions_grow_and_go() {
    let store = MemoryStore::new(MemoryOptions::new().max(8));
    let (small, large) = (document(0), document(100_000));
    block_on(put(&store, "resident", 0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..1_000_000 {
                for document in [&small, &large] {
                    block_on(store.set(&id("grows"), document, Expect::Any)).unwrap();
                }
            }
        });
        scope.spawn(|| {
            for _ in 0..1_000_000 {
                block_on(store.destroy(&id("grows"))).unwrap();
                block_on(store.set(&id("other"), &small, Expect::Any)).unwrap();
            }
        });
    });
    assert_eq!(store.stats().evictions, 0);
}

/// The store's futures are ready at once, so no runtime is needed to wait for them.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the memory store waited"),
    }
}

#[tokio::test]
async fn whoever_leaves_is_told_of_once_with_the_reason() {
    let told = Arc::<Mutex<Vec<(String, Disposal)>>>::default();
    let listener = Arc::clone(&told);
    let options = MemoryOptions::new()
        .max(3)
        .dispose(move |id, why| listener.lock().unwrap().push((id.as_str().to_owned(), why)));
    let (store, clock) = still(options);
    for name in ["a", "b", "b", "c", "d"] {
        put(&store, name, 0).await;
    }
    store.destroy(&id("b")).await.unwrap();
    store.destroy(&id("b")).await.unwrap();
    clock.advance(DEFAULT_TTL + Duration::from_millis(1));
    assert!(!has(&store, "c").await);
    put(&store, "e", 0).await;
    assert_eq!(store.sweep().await.unwrap(), 1);
    store.clear().await.unwrap();
    let expected = [
        ("a", Disposal::Evicted),
        ("b", Disposal::Destroyed),
        ("c", Disposal::Expired),
        ("d", Disposal::Expired),
        ("e", Disposal::Cleared),
    ]
    .map(|(name, why)| (name.to_owned(), why));
    assert_eq!(*told.lock().unwrap(), expected);
}

#[tokio::test]
async fn the_hook_may_use_the_store() {
    let handle = Arc::<Mutex<Option<MemoryStore>>>::default();
    let (inner, lengths) = (Arc::clone(&handle), Arc::<Mutex<Vec<u64>>>::default());
    let seen = Arc::clone(&lengths);
    let store = MemoryStore::new(MemoryOptions::new().max(1).dispose(move |id, _| {
        let store = inner.lock().unwrap().clone().unwrap();
        assert!(block_on(store.get(id)).unwrap().is_none());
        seen.lock().unwrap().push(block_on(store.length()).unwrap());
    }));
    *handle.lock().unwrap() = Some(store.clone());
    put(&store, "a", 0).await;
    put(&store, "b", 0).await;
    store.destroy(&id("b")).await.unwrap();
    assert_eq!(*lengths.lock().unwrap(), [1, 0]);
    handle.lock().unwrap().take();
}

#[tokio::test]
async fn stats_count_what_happened() {
    let (store, clock) = still(MemoryOptions::new());
    put(&store, "a", 0).await;
    put(&store, "b", 0).await;
    has(&store, "a").await;
    has(&store, "nobody").await;
    clock.advance(DEFAULT_TTL + Duration::from_millis(1));
    has(&store, "a").await;
    store.sweep().await.unwrap();
    let stats = store.stats();
    assert_eq!((stats.hits, stats.misses, stats.expirations, stats.evictions), (1, 2, 2, 0));
    assert_eq!((stats.sessions, stats.bytes), (0, 0));
}

#[tokio::test]
async fn life_is_told_to_those_who_touch_only_now_and_then() {
    let (store, clock) = still(MemoryOptions::new().ttl(Duration::from_secs(100)));
    put(&store, "a", 0).await;
    clock.advance(Duration::from_secs(30));
    let cookie = Cookie::default();
    let hint = |touch_after| TouchHint { cookie: &cookie, touch_after };
    let stored = store.get_and_touch(&id("a"), hint(TouchAfter::Share(0.5))).await.unwrap().unwrap();
    let life = stored.life.unwrap();
    assert_eq!((life.ttl, life.left), (Duration::from_secs(100), Duration::from_secs(70)));
    assert!(!stored.touched && !TouchAfter::Share(0.5).is_due(stored.life));
    assert!(TouchAfter::Share(0.3).is_due(stored.life));
}

/// The one test of the thread itself, and so the one that waits: until it has happened, not for a while.
#[test]
fn the_thread_sweeps_and_ends_with_the_last_handle() {
    let swept = Arc::<Mutex<u32>>::default();
    let (counter, alive) = (Arc::clone(&swept), Arc::downgrade(&swept));
    let options = MemoryOptions::new()
        .ttl(Duration::ZERO)
        .check_period(Duration::from_millis(5))
        .dispose(move |_, _| *counter.lock().unwrap() += 1);
    let store = MemoryStore::new(options);
    let other = store.clone();
    block_on(put(&store, "a", 0));
    wait_until("the session was swept", || *swept.lock().unwrap() == 1);
    drop(store);
    block_on(put(&other, "b", 0));
    wait_until("a remaining handle keeps the thread", || *swept.lock().unwrap() == 2);
    drop((other, swept));
    wait_until("the thread let go of the sessions", || alive.upgrade().is_none());
}

fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = SystemClock.now();
    while !is_true() {
        assert!(start.until(SystemClock.now()) < Duration::from_secs(30), "never: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn debug_shows_no_session() {
    let store = MemoryStore::new(MemoryOptions::new());
    block_on(put(&store, "top-secret-id", 3));
    let shown = format!("{store:?} {:?} {:?}", store.stats(), MemoryOptions::new());
    assert!(!shown.contains("top-secret-id") && !shown.contains("xxx"), "{shown}");
}

/// A flood of visitors without cookies once ended the sessions of everybody who worked with the application.
#[tokio::test]
async fn a_million_visitors_of_one_request_end_no_session_of_those_who_came_back() {
    let store = MemoryStore::new(MemoryOptions::new().max(10_000));
    let document = document(0);
    let regulars: Vec<_> = (0..1_000).map(|n| id(&format!("regular-{n}"))).collect();
    for regular in &regulars {
        store.set(regular, &document, Expect::Any).await.unwrap();
        assert!(store.get(regular).await.unwrap().is_some());
    }
    for n in 0..1_000_000 {
        store.set(&id(&format!("visitor-{n}")), &document, Expect::Any).await.unwrap();
    }
    for regular in &regulars {
        assert!(store.get(regular).await.unwrap().is_some(), "{regular:?} is gone");
    }
    assert_eq!(store.length().await.unwrap(), 10_000);
}

/// The same by the bytes that are held: few large sessions of newcomers, many small ones of others.
#[tokio::test]
async fn large_sessions_of_newcomers_end_no_small_ones_of_others() {
    let size =
        |name: &str, payload| SESSION_OVERHEAD + name.len() as u64 + document(payload).text().len() as u64;
    let max_bytes = 100 * size("regular-00", 0) + 10 * size("visitor-000", 10_000);
    let store = MemoryStore::new(MemoryOptions::new().max_bytes(max_bytes));
    for n in 0..100 {
        put(&store, &format!("regular-{n:02}"), 0).await;
        assert!(has(&store, &format!("regular-{n:02}")).await);
    }
    for n in 0..500 {
        put(&store, &format!("visitor-{n:03}"), 10_000).await;
    }
    for n in 0..100 {
        assert!(has(&store, &format!("regular-{n:02}")).await, "{n}");
    }
}

/// Who has just logged in has a new id, and is no newcomer.
#[tokio::test]
async fn the_successor_of_a_session_that_came_back_has_come_back() {
    let store = MemoryStore::new(MemoryOptions::new().max(10));
    put(&store, "before", 0).await;
    assert!(has(&store, "before").await);
    put(&store, "login", 0).await;
    let (successor, grace) = (id("login"), Duration::from_mins(1));
    let by = Successor { id: &successor, grace };
    store.supersede(&id("before"), Expect::Any, by).await.unwrap();
    for n in 0..100 {
        put(&store, &n.to_string(), 0).await;
    }
    assert!(has(&store, "login").await);
}

/// If all have come back, the order of use decides.
#[tokio::test]
async fn among_those_who_came_back_the_least_recently_used_goes() {
    let store = MemoryStore::new(MemoryOptions::new().max(10));
    for n in 0..15 {
        put(&store, &n.to_string(), 0).await;
        assert!(has(&store, &n.to_string()).await);
    }
    for n in 0..15 {
        assert_eq!(has(&store, &n.to_string()).await, n >= 5, "{n}");
    }
}
