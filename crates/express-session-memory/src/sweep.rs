//! The thread that removes expired sessions, and the guard that ends it.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::Clock;
use parking_lot::{Condvar, Mutex};

use crate::owners::Owners;
use crate::shards::Shards;

/// Ends the thread when dropped, at the latest after the part of the store it is at. It is not waited for.
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
                let swept = shards.sweep(clock.now(), || *stopped.requested.lock());
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
