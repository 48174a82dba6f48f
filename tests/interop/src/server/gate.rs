//! Where a request waits until the driver lets it go on; `node/lab/gate.js` is the same.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

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

#[derive(Debug, Default)]
struct Inner {
    stage: Stage,
    waiting: Vec<Waker>,
}

/// A gate for one request at a time, shared by the driver and the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<Inner>>);

impl Gate {
    fn enter(&self, stage: Stage) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.stage = stage;
        inner.waiting.drain(..).for_each(Waker::wake);
    }

    async fn until(&self, stage: Stage) {
        poll_fn(|context| {
            let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if inner.stage >= stage {
                return Poll::Ready(());
            }
            inner.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// No request has come yet.
    pub(crate) fn close(&self) {
        self.enter(Stage::Before);
    }

    /// The request comes to the gate, and waits.
    pub(super) async fn hold(&self) {
        self.enter(Stage::Waiting);
        self.until(Stage::Open).await;
    }

    /// The request has come to the gate.
    pub(crate) async fn reached(&self) {
        self.until(Stage::Waiting).await;
    }

    /// Lets it go on.
    pub(crate) fn open(&self) {
        self.enter(Stage::Open);
    }
}
