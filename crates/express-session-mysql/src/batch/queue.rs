//! Who goes when: alone at once, or together after the one that is on its way.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::waiting::{Batch, Told, Waiting, interrupted};
use super::{MAX_SHARED, Verb};
use crate::error::MySqlError;

/// How long a request waits for others' statements. One that takes longer is held up by something, such as a locked row,
/// that the rest has nothing to do with.
const PATIENCE: Duration = Duration::from_millis(5);

/// The requests of one verb.
pub(crate) struct Queue<V: Verb> {
    verb: V,
    state: Mutex<State<V>>,
}

struct State<V: Verb> {
    /// How many statements, alone or shared, are waited for.
    on_their_way: usize,
    /// Counts up when nobody waits any longer for those that are on their way.
    epoch: u64,
    waiting: VecDeque<Waiting<V>>,
    /// How many requests have ever waited.
    waited: u64,
}

/// How a request is carried out.
pub(crate) enum Place<V: Verb> {
    /// It has been, together with others.
    Shared(V::Outcome),
    /// By a statement of its own.
    Alone {
        /// Others wait until this is dropped.
        turn: Option<Turn<V>>,
        /// How much of the time for a statement has been spent already, on one that did nothing.
        spent: Duration,
    },
}

/// The right to have a statement on its way. When it is dropped, those that have collected meanwhile go.
pub(crate) struct Turn<V: Verb> {
    queue: Arc<Queue<V>>,
    epoch: u64,
}

/// Those that go now.
struct Departure<V: Verb> {
    /// They share a statement.
    together: Vec<Waiting<V>>,
    /// They cannot share it.
    apart: Vec<Waiting<V>>,
    turn: Turn<V>,
}

impl<V: Verb> Queue<V> {
    pub(super) fn new(verb: V) -> Arc<Self> {
        let state = State { on_their_way: 0, epoch: 0, waiting: VecDeque::new(), waited: 0 };
        Arc::new(Self { verb, state: Mutex::new(state) })
    }

    /// Waits until the request has been carried out, or may be. It is made only if it has to wait.
    ///
    /// A request that is dropped while it waits is not sent; once it is on its way it is carried out with the others.
    ///
    /// # Errors
    ///
    /// That of the shared statement, if it is the same for all who share it.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        request: impl FnOnce() -> V::Request,
    ) -> Result<Place<V>, MySqlError> {
        let (number, mut answer, departure) = {
            let mut state = self.state();
            if state.on_their_way == 0 {
                let turn = Some(self.turn(&mut state));
                return Ok(Place::Alone { turn, spent: Duration::ZERO });
            }
            let (sender, receiver) = oneshot::channel();
            state.waited += 1;
            let number = state.waited;
            let (request, runtime) = (request(), Handle::current());
            state.waiting.push_back(Waiting { request, number, runtime, answer: sender });
            // There is nothing to wait for: one more would not get into the same statement.
            let full = state.waiting.len() >= MAX_SHARED;
            (number, receiver, if full { self.departure(&mut state) } else { None })
        };
        self.send_off(departure);
        let begun = Instant::now();
        let told = if let Ok(told) = timeout(PATIENCE, &mut answer).await {
            told
        } else {
            self.go_on_without(number);
            answer.await
        };
        match told.unwrap_or_else(|_| interrupted(true)) {
            Told::Outcome(outcome) => Ok(Place::Shared(outcome)),
            Told::Failed(error) => Err(error),
            Told::Alone(turn) => Ok(Place::Alone { turn, spent: Duration::ZERO }),
            Told::Again => Ok(Place::Alone { turn: None, spent: begun.elapsed() }),
        }
    }

    /// Sends those off that wait, if the request with this number is still among them. Nobody waits again for what is on its
    /// way now: as long as a row is locked, it would be in the way of all who come.
    fn go_on_without(self: &Arc<Self>, number: u64) {
        let departure = {
            let mut state = self.state();
            let still_waits = state.waiting.front().is_some_and(|first| first.number <= number);
            if still_waits {
                state.epoch += 1;
                state.on_their_way = 0;
                self.departure(&mut state)
            } else {
                None
            }
        };
        self.send_off(departure);
    }

    /// Takes the first who wait out of the queue, without those whose futures are gone.
    fn departure(self: &Arc<Self>, state: &mut State<V>) -> Option<Departure<V>> {
        let (mut together, mut apart) = (Vec::<Waiting<V>>::with_capacity(MAX_SHARED), Vec::new());
        while together.len() < MAX_SHARED
            && let Some(next) = state.waiting.pop_front()
        {
            if next.answer.is_closed() {
                continue;
            }
            let excluded = together.iter().any(|one| V::exclude_each_other(&one.request, &next.request));
            if excluded { apart.push(next) } else { together.push(next) }
        }
        if together.is_empty() {
            return None;
        }
        Some(Departure { together, apart, turn: self.turn(state) })
    }

    fn turn(self: &Arc<Self>, state: &mut State<V>) -> Turn<V> {
        state.on_their_way += 1;
        Turn { queue: Arc::clone(self), epoch: state.epoch }
    }

    fn send_off(self: &Arc<Self>, departure: Option<Departure<V>>) {
        let Some(Departure { mut together, apart, turn }) = departure else { return };
        for one in apart {
            let _ = one.answer.send(Told::Alone(None));
        }
        if together.len() == 1
            && let Some(only) = together.pop()
        {
            // If it has gone away just now, the turn comes back and is passed on.
            let _ = only.answer.send(Told::Alone(Some(turn)));
            return;
        }
        // The connections of the pool belong to runtimes, so the statement is sent by one whose request is in it; and in
        // a task of its own, which does not end with any of the requests.
        let runtime = together[0].runtime.clone();
        let mut batch = Batch::new(together);
        let queue = Arc::clone(self);
        runtime.spawn(async move {
            let result = queue.verb.carry_out(batch.begin()).await;
            batch.tell(result);
            drop(turn);
        });
    }

    fn state(&self) -> MutexGuard<'_, State<V>> {
        // Every change is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Verb> Place<V> {
    /// For a request that has nothing to do with any queue.
    pub(crate) const fn outside() -> Self {
        Self::Alone { turn: None, spent: Duration::ZERO }
    }
}

impl<V: Verb> Drop for Turn<V> {
    fn drop(&mut self) {
        let departure = {
            let mut state = self.queue.state();
            if self.epoch < state.epoch {
                return;
            }
            state.on_their_way -= 1;
            if state.on_their_way == 0 { self.queue.departure(&mut state) } else { None }
        };
        self.queue.send_off(departure);
    }
}

impl<V: Verb> fmt::Debug for Queue<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.state().waiting.len()).finish_non_exhaustive()
    }
}

impl<V: Verb> fmt::Debug for Turn<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers; nobody shares a statement with an equal one.
    struct Numbers;

    impl Verb for Numbers {
        type Request = u32;
        type Outcome = u32;
        const REPEATABLE: bool = true;

        fn exclude_each_other(one: &u32, other: &u32) -> bool {
            one == other
        }

        async fn carry_out(&self, numbers: &[u32]) -> Result<Vec<Option<u32>>, MySqlError> {
            Ok(numbers.iter().map(|number| (*number != 0).then_some(number * 10)).collect())
        }
    }

    fn alone(place: Result<Place<Numbers>, MySqlError>) -> Option<Turn<Numbers>> {
        match place.unwrap() {
            Place::Alone { turn, .. } => turn,
            Place::Shared(outcome) => panic!("{outcome} has shared a statement"),
        }
    }

    fn shared(place: Result<Place<Numbers>, MySqlError>) -> u32 {
        match place.unwrap() {
            Place::Shared(outcome) => outcome,
            Place::Alone { .. } => panic!("it was alone"),
        }
    }

    #[tokio::test]
    async fn a_lone_request_waits_for_nothing() {
        let queue = Queue::new(Numbers);
        for _ in 0..3 {
            // Ready when it is asked for the first time.
            let place = timeout(Duration::ZERO, queue.enter(|| unreachable!("there is no need for it")))
                .await
                .unwrap();
            assert!(alone(place).is_some());
        }
    }

    #[tokio::test]
    async fn those_that_come_meanwhile_go_together() {
        let queue = Queue::new(Numbers);
        let turn = alone(queue.enter(|| 1).await);
        let back = async { drop(turn) };
        let (two, three, again, undone, ()) =
            tokio::join!(queue.enter(|| 2), queue.enter(|| 3), queue.enter(|| 2), queue.enter(|| 0), back);
        assert_eq!((shared(two), shared(three)), (20, 30));
        assert!(alone(again).is_none(), "there is one of these already");
        assert!(alone(undone).is_none(), "the statement left it undone");
        assert!(alone(queue.enter(|| 1).await).is_some());
    }

    #[tokio::test]
    async fn one_that_has_waited_by_itself_goes_alone_and_has_the_turn() {
        let queue = Queue::new(Numbers);
        let turn = alone(queue.enter(|| 1).await);
        let (next, ()) = tokio::join!(queue.enter(|| 2), async { drop(turn) });
        let next = alone(next);
        let (third, fourth, ()) = tokio::join!(queue.enter(|| 3), queue.enter(|| 4), async { drop(next) });
        assert_eq!((shared(third), shared(fourth)), (30, 40));
    }

    #[tokio::test]
    async fn a_full_statement_does_not_wait() {
        let queue = Queue::new(Numbers);
        let turn = alone(queue.enter(|| 1).await);
        let all: Vec<_> = (0..u32::try_from(MAX_SHARED).unwrap())
            .map(|number| {
                let queue = Arc::clone(&queue);
                tokio::spawn(async move { shared(queue.enter(|| number + 1).await) })
            })
            .collect();
        for one in all {
            one.await.unwrap();
        }
        drop(turn);
        assert!(alone(queue.enter(|| 1).await).is_some());
    }

    /// One that is stuck, on a locked row, makes the next wait once and nobody after that.
    #[tokio::test]
    async fn what_is_stuck_is_waited_for_once() {
        let queue = Queue::new(Numbers);
        let stuck = alone(queue.enter(|| 1).await);
        let next = alone(queue.enter(|| 2).await);
        assert!(next.is_some(), "it waited, and then went alone");
        drop(next);
        let place = timeout(Duration::ZERO, queue.enter(|| 3)).await.unwrap();
        drop(stuck);
        let turn = alone(place);
        let (four, five, ()) = tokio::join!(queue.enter(|| 4), queue.enter(|| 5), async { drop(turn) });
        assert_eq!((shared(four), shared(five)), (40, 50));
    }

    #[tokio::test]
    async fn one_who_has_gone_away_is_left_out() {
        let queue = Queue::new(Numbers);
        let turn = alone(queue.enter(|| 1).await);
        let gone = timeout(Duration::ZERO, queue.enter(|| 2)).await;
        assert!(gone.is_err());
        let (three, ()) = tokio::join!(queue.enter(|| 3), async { drop(turn) });
        assert!(alone(three).is_some(), "nobody was left to share with");
    }
}
