//! The runtime's timer, for timeouts of calls to the store.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use express_session_core::Timer;

#[derive(Debug)]
pub(crate) struct TokioTimer;

impl Timer for TokioTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}
