//! Timeouts without an async runtime of our own.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Lets time pass. The adapter of a framework brings its runtime's timer.
pub trait Timer: fmt::Debug + Send + Sync + 'static {
    /// A future that is ready once `duration` has passed.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// A timer that never rings: calls to the store may take as long as they like.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTimer;

impl Timer for NoTimer {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}
