//! What the simulation is relied upon for: it keeps every promise, is the same every time, and finds what is planted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: a panic is the failure"
)]

mod planted;

use std::collections::BTreeSet;
use std::thread;

use express_session_simulation::{Found, StoreKind, run_seed, search, tell_seed};

/// One that breaks a promise is told in its shortest form.
fn every_promise_is_kept(store: StoreKind, seeds: u64) {
    let found = search(0..seeds, store, None, |_| {}).unwrap();
    if let Found::Seed(seed) = found {
        panic!("{}", tell_seed(seed, store, true).unwrap().text);
    }
}

#[test]
fn twenty_thousand_seeds_keep_every_promise() {
    every_promise_is_kept(StoreKind::Sim, 20_000);
}

#[test]
fn the_memory_store_keeps_every_promise() {
    every_promise_is_kept(StoreKind::Memory, 5_000);
}

#[test]
fn the_file_store_keeps_every_promise() {
    every_promise_is_kept(StoreKind::File, 500);
}

#[test]
fn a_seed_is_the_same_every_time() {
    let fingerprints = |_| -> Vec<u64> {
        (0..500).map(|seed| run_seed(seed, StoreKind::Sim).unwrap().fingerprint).collect()
    };
    let runs: Vec<Vec<u64>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|run| scope.spawn(move || fingerprints(run))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert!(runs.iter().all(|run| *run == runs[0]));
    let different: BTreeSet<u64> = runs[0].iter().copied().collect();
    assert_eq!(different.len(), 500, "every seed is a run of its own");
}

#[test]
fn a_run_is_told_in_words_and_as_a_picture() {
    let told = tell_seed(7, StoreKind::Sim, false).unwrap();
    assert!(told.text.starts_with("seed 7;") && told.text.contains(" is answered 200"), "{}", told.text);
    assert!(told.picture.starts_with("<svg ") && told.picture.trim_end().ends_with("</svg>"));
    assert_eq!(told.text, tell_seed(7, StoreKind::Sim, false).unwrap().text);
}
