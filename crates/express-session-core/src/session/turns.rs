//! The writers of one session in this process take turns, once they have met.
//!
//! The first attempt of a write is free of locks, because nearly all sessions have one writer. After a conflict its
//! writers queue up, so that a hot session costs its backend two commands per change and not two per change and
//! competitor. Each session has a queue of its own: nobody waits for the writers of another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_lock::{Mutex as AsyncMutex, MutexGuardArc};

use crate::session_id::SessionId;

type Queue = Arc<AsyncMutex<()>>;

/// The queues of the sessions whose writers have met.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Held for moments only, never across an await.
    queues: Mutex<HashMap<SessionId, Queue>>,
}

/// Somebody's turn; it ends when this is dropped.
pub(crate) struct Turn<'a> {
    // Before the place, which is given up last.
    _guard: MutexGuardArc<()>,
    _place: Place<'a>,
}

/// A place in a queue. The last one to leave removes the queue.
struct Place<'a> {
    turns: &'a Turns,
    id: &'a SessionId,
    queue: Queue,
}

impl Turns {
    pub(crate) async fn wait<'a>(&'a self, id: &'a SessionId) -> Turn<'a> {
        let queue = Arc::clone(self.queues().entry(id.clone()).or_default());
        let place = Place { turns: self, id, queue };
        let guard = place.queue.lock_arc().await;
        Turn { _guard: guard, _place: place }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<SessionId, Queue>> {
        // Nothing that can panic happens while it is held.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        // The map's and ours: nobody else waits. Nobody can come in between, the map is locked.
        if Arc::strong_count(&self.queue) <= 2 {
            queues.remove(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn id(text: &str) -> SessionId {
        SessionId::parse(text).unwrap()
    }

    #[test]
    fn writers_of_one_session_take_turns_and_others_do_not_wait() {
        let (turns, a, b) = (Turns::default(), id("a"), id("b"));
        let first = turns.wait(&a).now_or_never().unwrap();
        let mut second = Box::pin(turns.wait(&a));
        assert!(futures_util::FutureExt::now_or_never(&mut second).is_none());
        assert!(turns.wait(&b).now_or_never().is_some());
        drop(first);
        assert!(second.now_or_never().is_some());
    }

    #[test]
    fn the_last_to_leave_removes_the_queue() {
        let (turns, a) = (Turns::default(), id("a"));
        let first = turns.wait(&a).now_or_never().unwrap();
        {
            let mut given_up = Box::pin(turns.wait(&a));
            assert!(futures_util::FutureExt::now_or_never(&mut given_up).is_none());
        }
        assert_eq!(turns.queues().len(), 1);
        drop(first);
        assert!(turns.queues().is_empty());
    }
}
