//! Timeouts without an async runtime of our own.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::store::StoreError;

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

/// `call`, or [`StoreError::Timeout`] after `limit`. The timer is set only if the call is not ready at once.
pub(crate) async fn within<T>(
    timer: &dyn Timer,
    limit: Duration,
    mut call: Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + '_>>,
) -> Result<T, StoreError> {
    let mut alarm = None;
    poll_fn(|context| {
        if let Poll::Ready(result) = call.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        let alarm = alarm.get_or_insert_with(|| timer.sleep(limit));
        alarm.as_mut().poll(context).map(|()| Err(StoreError::Timeout(limit)))
    })
    .await
}
