//! Removing expired sessions in short steps, the thread that does so, and the guard that ends it.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Clock, UnixMillis};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::options::Disposal;
use crate::owners::Owners;
use crate::shards::Shards;

/// How long the thread leaves the store alone between two steps, each of which takes some microseconds.
const PAUSE: Duration = Duration::from_micros(200);

impl Shards {
    /// Removes expired sessions until there are no more or `goes_on` says no; how many. It is asked after each step, and may
    /// wait: no lock is held then.
    ///
    /// Each step is in another part: who waits for one finds it free after some microseconds, also if no step is waited for.
    pub(crate) fn sweep(&self, now: UnixMillis, mut goes_on: impl FnMut() -> bool) -> u64 {
        let (mut swept, mut removed) = (0, Vec::new());
        let mut unswept: Vec<_> = (0..self.parts.len()).map(|part| (part, u32::MAX)).collect();
        while !unswept.is_empty() {
            for (part, below) in &mut unswept {
                let mut shard = self.lock(*part);
                shard.sweep_step(below, now, &mut removed);
                for slot in &removed {
                    self.counts.left(slot);
                }
                // Whoever waits for this part is next.
                MutexGuard::unlock_fair(shard);
                swept += removed.len() as u64;
                for slot in removed.drain(..) {
                    if self.options.dispose.is_some()
                        && let Some(id) = slot.id()
                    {
                        self.dispose(&id, Disposal::Expired);
                    }
                }
                if !goes_on() {
                    return swept;
                }
            }
            unswept.retain(|(_, below)| *below > 0);
        }
        swept
    }
}

/// Ends the thread when dropped, at the latest after the step it is at. It is not waited for.
///
/// A thread of the system, not a task: the store works without an async runtime, and a sweep is work, not waiting.
pub(crate) struct Sweeper(Arc<Stop>);

#[derive(Default)]
struct Stop {
    requested: Mutex<bool>,
    changed: Condvar,
}

impl Sweeper {
    /// Starts sweeping every `period`. Without a thread to be had, expired sessions are only removed when they
    /// are read, or dropped when the store is full.
    pub(crate) fn start(
        shards: Arc<Shards>,
        owners: Arc<Owners>,
        clock: Arc<dyn Clock>,
        period: Duration,
    ) -> Self {
        let stop = Arc::new(Stop::default());
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("session-sweep".to_owned());
        let started = thread.spawn(move || {
            while stopped.wait(period) {
                let swept = shards.sweep(clock.now(), || stopped.wait(PAUSE));
                owners.prune(clock.now());
                tracing::debug!(swept, "expired sessions removed");
            }
        });
        if let Err(error) = started {
            tracing::warn!(error = &error as &dyn std::error::Error, "expired sessions will not be swept");
        }
        Self(stop)
    }
}

impl Stop {
    /// Waits for `period`; whether the thread is to go on.
    fn wait(&self, period: Duration) -> bool {
        let mut requested = self.requested.lock();
        if !*requested {
            self.changed.wait_for(&mut requested, period);
        }
        !*requested
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        *self.0.requested.lock() = true;
        self.0.changed.notify_all();
    }
}
