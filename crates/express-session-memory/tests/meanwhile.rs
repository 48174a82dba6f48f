//! Sweeps and listings go in steps, between which sessions come, go and move: nobody is missed, and nobody is there twice.
#![allow(clippy::unwrap_used, reason = "test code: a panic is the failure")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use express_session_core::{
    Cookie, Data, Document, Expect, ManualClock, SessionId, SessionStore as _, SessionStoreAdmin as _,
    TouchOutcome, UnixMillis,
};
use express_session_memory::{MemoryOptions, MemoryStore};

fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the memory store waited"),
    }
}

fn document(n: usize) -> Document {
    let mut data = Data::new(Cookie::default());
    data.insert("n", n).unwrap();
    data.encode()
}

fn put(store: &MemoryStore, id: &SessionId) {
    ready(store.set(id, &document(0), Expect::Any)).unwrap();
}

fn put_all(store: &MemoryStore, ids: &[SessionId]) {
    for id in ids {
        put(store, id);
    }
}

fn ids(count: usize) -> Vec<SessionId> {
    (0..count).map(|_| SessionId::generate()).collect()
}

fn still(options: MemoryOptions) -> (MemoryStore, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(UnixMillis(0)));
    (MemoryStore::new(options.check_period(None).clock(Arc::clone(&clock))), clock)
}

#[test]
fn a_sweep_misses_nobody_while_sessions_come_and_go() {
    for options in [MemoryOptions::new(), MemoryOptions::new().max(16_000)] {
        let (store, clock) = still(options.ttl(Duration::from_hours(1)));
        let (old, residents) = (ids(6_000), ids(2_000));
        put_all(&store, &old);
        clock.advance(Duration::from_mins(30));
        put_all(&store, &residents);
        clock.advance(Duration::from_mins(31));
        let is_swept = AtomicBool::new(false);
        let swept = std::thread::scope(|scope| {
            // Their slots are filled with the last ones, before and behind the sweep.
            scope.spawn(|| {
                while !is_swept.load(Relaxed) {
                    let visitors = ids(300);
                    put_all(&store, &visitors);
                    for id in &visitors {
                        assert!(ready(store.destroy(id)).unwrap());
                    }
                }
            });
            let swept = ready(store.sweep()).unwrap();
            is_swept.store(true, Relaxed);
            swept
        });
        assert_eq!((swept, ready(store.length()).unwrap()), (6_000, 2_000));
        assert!(residents.iter().all(|id| ready(store.get(id)).unwrap().is_some()));
    }
}

#[test]
fn a_listing_shows_everybody_once_while_the_store_grows_and_shrinks() {
    for options in [MemoryOptions::new(), MemoryOptions::new().max(16_000)] {
        let (store, _) = still(options);
        let residents = ids(1_500);
        put_all(&store, &residents);
        let (mut shown, mut after) = (HashMap::<SessionId, u32>::new(), None);
        let mut visitors = Vec::new();
        for page in 0.. {
            let found = ready(store.page(after.as_ref(), 10)).unwrap();
            for listed in &found.sessions {
                *shown.entry(listed.id.clone()).or_default() += 1;
            }
            after = found.next;
            if after.is_none() {
                break;
            }
            // To four times as many sessions, and back.
            if page < 75 {
                let new = ids(60);
                put_all(&store, &new);
                visitors.extend(new);
            } else {
                for id in visitors.drain(visitors.len().saturating_sub(60)..) {
                    assert!(ready(store.destroy(&id)).unwrap());
                }
            }
        }
        assert!(residents.iter().all(|id| shown.get(id) == Some(&1)));
        assert!(shown.values().all(|times| *times == 1));
    }
}

/// A touch writes the text that its request has read; if that is not what is stored any more, it must start again.
#[test]
fn touches_and_writes_at_the_same_time_lose_nothing() {
    let (store, _) = still(MemoryOptions::new());
    let id = SessionId::generate();
    put(&store, &id);
    let writes = 2_000;
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (store, id) = (&store, &id);
            scope.spawn(move || {
                for n in 0..writes {
                    let stored = ready(store.get(id)).unwrap().unwrap();
                    let mut cookie = stored.document.cookie().clone();
                    cookie.set_max_age(Some(Duration::from_secs(1_000 + n)), UnixMillis(thread));
                    let touched = ready(store.touch(id, &stored.document, &cookie)).unwrap();
                    assert_eq!(touched, TouchOutcome::Touched);
                }
            });
        }
        for n in 1..=writes {
            let n = usize::try_from(n).unwrap();
            loop {
                let stored = ready(store.get(&id)).unwrap().unwrap();
                assert_eq!(
                    stored.document.get::<usize>("n").unwrap(),
                    Some(n - 1),
                    "a touch took a write back"
                );
                let mut data = Data::of(stored.document);
                data.insert("n", n).unwrap();
                let expect = Expect::Revision(&stored.revision);
                if let express_session_core::SetOutcome::Written(_) =
                    ready(store.set(&id, &data.encode(), expect)).unwrap()
                {
                    break;
                }
            }
        }
    });
}

/// What is no session is touched as it is.
#[test]
fn a_stored_null_is_touched_and_stays() {
    let (store, clock) = still(MemoryOptions::new());
    let id = SessionId::generate();
    store.put_document(&id, b"null").unwrap();
    clock.advance(Duration::from_hours(23));
    let mut cookie = Cookie::default();
    cookie.set_max_age(Some(Duration::from_hours(24)), UnixMillis(0).plus(Duration::from_hours(23)));
    assert_eq!(ready(store.touch(&id, &document(1), &cookie)).unwrap(), TouchOutcome::Touched);
    clock.advance(Duration::from_hours(2));
    assert_eq!(ready(store.sweep()).unwrap(), 0);
    assert_eq!(store.document(&id).as_deref(), Some(&b"null"[..]));
}
