//! What goes on without a request: making the index, and the sweeps.

use tokio::task::JoinHandle;

use crate::expires_index::ExpiresIndex;
use crate::sweep::Sweeper;

/// Stops the background work when dropped.
#[derive(Debug)]
pub(crate) struct BackgroundGuard(JoinHandle<()>);

impl BackgroundGuard {
    /// Makes the index, if one is wanted, and then sweeps, if that is wanted. `None` if there is nothing to do.
    pub(crate) fn start(index: Option<ExpiresIndex>, sweeper: Option<Sweeper>) -> Option<Self> {
        if index.is_none() && sweeper.is_none() {
            return None;
        }
        Some(Self(tokio::spawn(async move {
            if let Some(index) = index
                && let Err(error) = index.ensure().await
            {
                tracing::warn!(error = &error as &dyn std::error::Error, "the index on expires is missing");
            }
            if let Some(sweeper) = sweeper {
                sweeper.sweep_forever().await;
            }
        })))
    }

    pub(crate) fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for BackgroundGuard {
    fn drop(&mut self) {
        self.stop();
    }
}
