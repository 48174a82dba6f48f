//! The writers of one session in this process take turns, once they have met.
//!
//! The first attempt of a write is free of locks, because nearly all sessions have one writer. After a conflict its
//! writers queue up, so that a hot session costs its backend two commands per change and not two per change and
//! competitor. Each session has a queue of its own: nobody waits for the writers of another one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;

use crate::session_id::SessionId;

/// Those who wait for the writer of a session, the first comer first. A session with an empty queue has a writer and nobody
/// who waits.
type Queues = HashMap<SessionId, VecDeque<oneshot::Sender<Turn>>>;

/// The queues of the sessions whose writers have met.
///
/// Who is done hands the turn to who has waited longest; a newcomer cannot slip in between, as it can with a lock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    /// Held for moments only, never across an await.
    queues: Arc<Mutex<Queues>>,
}

/// Somebody's turn; it goes on to the next when this is dropped, also on its way to one who has given up waiting.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    id: SessionId,
    is_held: bool,
}

impl Turns {
    pub(crate) async fn wait(&self, id: &SessionId) -> Turn {
        let turn = {
            let mut queues = self.queues();
            if let Some(queue) = queues.get_mut(id) {
                let (sender, receiver) = oneshot::channel();
                queue.push_back(sender);
                Err(receiver)
            } else {
                queues.insert(id.clone(), VecDeque::new());
                Ok(self.turn(id))
            }
        };
        match turn {
            Ok(turn) => turn,
            // A queue is removed only when it is empty, so nobody is sent away.
            Err(receiver) => receiver.await.unwrap_or_else(|_| self.turn(id)),
        }
    }

    fn turn(&self, id: &SessionId) -> Turn {
        Turn { turns: self.clone(), id: id.clone(), is_held: true }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        // Nothing that can panic happens while it is held.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let mut queues = self.turns.queues();
        let Some(queue) = queues.get_mut(&self.id) else { return };
        while let Some(next) = queue.pop_front() {
            let Err(mut back) = next.send(self.turns.turn(&self.id)) else { return };
            // That one has given up waiting.
            back.is_held = false;
        }
        queues.remove(&self.id);
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
    fn they_come_in_order_and_who_has_given_up_is_passed_over() {
        let (turns, a) = (Turns::default(), id("a"));
        let first = turns.wait(&a).now_or_never().unwrap();
        let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(turns.wait(&a))).collect();
        for waiter in &mut waiting {
            assert!(futures_util::FutureExt::now_or_never(waiter).is_none());
        }
        drop(waiting.remove(0));
        drop(first);
        assert!(turns.wait(&a).now_or_never().is_none(), "a newcomer slipped in between");
        // It is this one's turn, which it never learns.
        drop(waiting.remove(0));
        assert!(futures_util::FutureExt::now_or_never(&mut waiting[1]).is_none());
        let third = waiting.remove(0).now_or_never().expect("the turn went on");
        drop(third);
        assert!(waiting.remove(0).now_or_never().is_some());
        assert!(turns.queues().is_empty());
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
