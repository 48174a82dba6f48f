//! Where a request waits until the driver lets it go on; `node/lab/gate.js` is the same.

use std::sync::Arc;

use tokio::sync::watch;

/// How far the request is that is to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// It has not come to the gate yet.
    #[default]
    Before,
    /// It waits.
    Waiting,
    /// It may go on.
    Open,
}

/// A gate for one request at a time, shared by the driver and the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<watch::Sender<Stage>>);

impl Gate {
    async fn until(&self, stage: Stage) {
        // An error would say that nobody can move the gate any more, but this handle can.
        let _ = self.0.subscribe().wait_for(|now| *now >= stage).await;
    }

    /// No request has come yet.
    pub(crate) fn close(&self) {
        self.0.send_replace(Stage::Before);
    }

    /// The request comes to the gate, and waits.
    pub(super) async fn hold(&self) {
        self.0.send_replace(Stage::Waiting);
        self.until(Stage::Open).await;
    }

    /// The request has come to the gate.
    pub(crate) async fn reached(&self) {
        self.until(Stage::Waiting).await;
    }

    /// Lets it go on.
    pub(crate) fn open(&self) {
        self.0.send_replace(Stage::Open);
    }
}
