//! Ctrl-C: the run ends at the next step, and with it every server, by its guard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Knows whether somebody has asked to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
}

impl Stop {
    /// Listens to Ctrl-C and its relatives from now on.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&stop.asked))?;
        }
        Ok(stop)
    }

    /// Goes on, unless somebody has asked to stop.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.asked.load(Ordering::Relaxed), "stopped; every server has been ended");
        Ok(())
    }
}
