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

    /// What a run ends with: once somebody has asked to stop, whatever failed did so because of it. A terminal
    /// sends Ctrl-C to databases as well.
    pub(crate) fn outcome(&self, of: anyhow::Result<()>) -> anyhow::Result<()> {
        of.or_else(|error| self.check().and(Err(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_after_ctrl_c_was_stopped() {
        let stop = Stop::default();
        let failed = || Err(anyhow::anyhow!("answered 500"));
        assert_eq!(stop.outcome(failed()).unwrap_err().to_string(), "answered 500");
        stop.asked.store(true, Ordering::Relaxed);
        assert!(stop.outcome(failed()).unwrap_err().to_string().starts_with("stopped"));
        assert!(stop.outcome(Ok(())).is_ok());
    }
}
