//! What goes on without a request: making the index, and the sweeps.

use tokio::task::JoinHandle;

use crate::column_index::ColumnIndex;
use crate::sweep::Sweeper;

/// Stops the background work when dropped.
#[derive(Debug)]
pub(crate) struct BackgroundGuard(JoinHandle<()>);

impl BackgroundGuard {
    /// Makes the indexes that are wanted, and then sweeps, if that is wanted. `None` if there is nothing to do.
    pub(crate) fn start(indexes: Vec<ColumnIndex>, sweeper: Option<Sweeper>) -> Option<Self> {
        if indexes.is_empty() && sweeper.is_none() {
            return None;
        }
        Some(Self(tokio::spawn(async move {
            for index in indexes {
                if let Err(error) = index.ensure().await {
                    let (cause, column) = (&error as &dyn std::error::Error, index.on);
                    tracing::warn!(error = cause, ?column, "an index is missing");
                }
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
