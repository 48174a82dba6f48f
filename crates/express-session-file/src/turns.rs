//! The writers of one session in this process take turns, so that they do not block an I/O thread each.
//!
//! Each session has a queue of its own: nobody waits for the writers of another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_lock::{Mutex as AsyncMutex, MutexGuardArc};
use express_session_core::SessionId;

type Queue = Arc<AsyncMutex<()>>;

/// The queues of the sessions that are being written.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Held for moments only, never across an await.
    queues: Mutex<HashMap<SessionId, Queue>>,
}

/// Somebody's turn, which can be taken along to another thread; it ends when this is dropped.
pub(crate) struct Turn {
    // Before the place, which is given up last.
    _guard: MutexGuardArc<()>,
    _place: Place,
}

/// A place in a queue. The last one to leave removes the queue.
struct Place {
    turns: Arc<Turns>,
    id: SessionId,
    queue: Queue,
}

impl Turns {
    pub(crate) async fn wait(self: &Arc<Self>, id: &SessionId) -> Turn {
        let queue = Arc::clone(self.queues().entry(id.clone()).or_default());
        let place = Place { turns: Arc::clone(self), id: id.clone(), queue };
        let guard = place.queue.lock_arc().await;
        Turn { _guard: guard, _place: place }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<SessionId, Queue>> {
        // Nothing that can panic happens while it is held.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        // The map's and ours: nobody else waits. Nobody can come in between, the map is locked.
        if Arc::strong_count(&self.queue) <= 2 {
            queues.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn id(text: &str) -> SessionId {
        SessionId::parse(text).unwrap()
    }

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn writers_of_one_session_take_turns_and_others_do_not_wait() {
        let (turns, a, b) = (Arc::new(Turns::default()), id("a"), id("b"));
        let first = poll(pin!(turns.wait(&a))).unwrap();
        let mut second = pin!(turns.wait(&a));
        assert!(poll(second.as_mut()).is_none());
        assert!(poll(pin!(turns.wait(&b))).is_some());
        drop(first);
        assert!(poll(second).is_some());
    }

    #[test]
    fn the_last_to_leave_removes_the_queue() {
        let (turns, a) = (Arc::new(Turns::default()), id("a"));
        let first = poll(pin!(turns.wait(&a))).unwrap();
        {
            let mut given_up = pin!(turns.wait(&a));
            assert!(poll(given_up.as_mut()).is_none());
        }
        assert_eq!(turns.queues().len(), 1);
        drop(first);
        assert!(turns.queues().is_empty());
    }
}
