//! Looks through many seeds, on several threads, for one that breaks a promise.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Result, anyhow};

use crate::{StoreKind, run_seed};

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a caller must handle both")]
pub enum Found {
    /// The lowest seed found that breaks a promise; there may be lower ones.
    Seed(u64),
    /// Every promise was kept.
    Nothing {
        /// The same number for the same seeds, whoever runs them.
        fingerprint: u64,
    },
}

/// Runs these seeds, on one thread for each processor if not told otherwise, until one breaks a promise. `progress` is told
/// how many more have kept them, from any thread.
///
/// # Errors
///
/// If a seed cannot be run at all.
pub fn search(
    seeds: Range<u64>,
    store: StoreKind,
    threads: Option<NonZeroUsize>,
    progress: impl Fn(u64) + Sync,
) -> Result<Found> {
    /// So many at a time, so that threads rarely meet.
    const CHUNK: u64 = 64;
    let threads = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, usize::from);
    let (next, fingerprint) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let found = Mutex::new(None::<u64>);
    let work = || -> Result<()> {
        loop {
            let first = next.fetch_add(CHUNK, Ordering::Relaxed);
            if first >= seeds.end {
                return Ok(());
            }
            let last = seeds.end.min(first.saturating_add(CHUNK));
            for seed in first..last {
                let outcome = run_seed(seed, store)?;
                fingerprint.fetch_xor(outcome.fingerprint, Ordering::Relaxed);
                if outcome.violation.is_some() {
                    let mut found = found.lock().map_err(|_| anyhow!("a thread has failed"))?;
                    *found = Some(found.map_or(seed, |lowest| lowest.min(seed)));
                    next.store(seeds.end, Ordering::Relaxed);
                    return Ok(());
                }
            }
            progress(last - first);
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Err(anyhow!("a thread has panicked"))))
    })?;
    let found = found.into_inner().map_err(|_| anyhow!("a thread has failed"))?;
    Ok(found.map_or(Found::Nothing { fingerprint: fingerprint.into_inner() }, Found::Seed))
}
