//! Runs tasks in one thread, in an order and at times that a seed decides.
//!
//! Time is virtual: it stands still while a task is ready, then jumps to the next sleeper. Whenever more than one task is
//! ready, the dice say who goes first.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::random::Dice;

/// Whose task it is: the number of a request, or of something else that calls the store.
pub(crate) type Actor = u32;

thread_local! {
    static CURRENT: Cell<Actor> = const { Cell::new(0) };
}

/// The actor whose task is running.
pub(crate) fn current() -> Actor {
    CURRENT.get()
}

/// More polls than any run needs: a task that wakes itself for ever ends the run as a failure.
const MAX_POLLS: u64 = 2_000_000;

/// Microseconds since the run began, and who sleeps until when.
#[derive(Debug, Default)]
pub(crate) struct Time {
    now: AtomicU64,
    sleepers: Mutex<BinaryHeap<Reverse<Sleeper>>>,
    /// How many have gone to sleep so far: those who wake at the same time wake in that order.
    sleeps: AtomicU64,
}

#[derive(Debug)]
struct Sleeper {
    at: u64,
    order: u64,
    waker: Waker,
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Sleeper {}

impl PartialOrd for Sleeper {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sleeper {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl Time {
    /// Microseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(crate) fn sleep(self: &Arc<Self>, duration: Duration) -> Sleep {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Sleep { time: Arc::clone(self), at: self.now().saturating_add(micros), sleeps: false }
    }

    fn sleepers(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Sleeper>>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to the next sleeper and wakes all who sleep until then; whether there was one.
    fn advance(&self) -> bool {
        let mut sleepers = self.sleepers();
        let Some(Reverse(first)) = sleepers.pop() else { return false };
        self.now.store(first.at, Ordering::Relaxed);
        first.waker.wake();
        while sleepers.peek().is_some_and(|Reverse(next)| next.at == first.at) {
            if let Some(Reverse(next)) = sleepers.pop() {
                next.waker.wake();
            }
        }
        true
    }
}

/// Ready at its time.
#[derive(Debug)]
pub(crate) struct Sleep {
    time: Arc<Time>,
    at: u64,
    sleeps: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.time.now() >= self.at {
            return Poll::Ready(());
        }
        // A sleeper that was woken for another reason has its place in the heap already, with a waker of the same task.
        if !self.sleeps {
            self.sleeps = true;
            let order = self.time.sleeps.fetch_add(1, Ordering::Relaxed);
            let sleeper = Sleeper { at: self.at, order, waker: context.waker().clone() };
            self.time.sleepers().push(Reverse(sleeper));
        }
        Poll::Pending
    }
}

/// Tasks that are to run from now on; may be called from a task.
#[derive(Clone, Default)]
pub(crate) struct Spawner(Arc<Mutex<Vec<NewTask>>>);

struct NewTask {
    actor: Actor,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Spawner {
    pub(crate) fn spawn(&self, actor: Actor, future: impl Future<Output = ()> + Send + 'static) {
        let task = NewTask { actor, future: Box::pin(future) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }
}

impl std::fmt::Debug for Spawner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Spawner")
    }
}

struct Task {
    actor: Actor,
    polls: u64,
    /// Given up after so many polls, as when a client hangs up between two awaits.
    at_most: u64,
    /// A message on its way: it outlives whoever has sent it.
    is_message: bool,
    future: Pin<Box<dyn Future<Output = ()>>>,
    waker: Waker,
}

type Ready = Arc<Mutex<Vec<usize>>>;

struct WakeTask {
    index: usize,
    is_ready: AtomicBool,
    ready: Ready,
}

impl Wake for WakeTask {
    fn wake(self: Arc<Self>) {
        if !self.is_ready.swap(true, Ordering::Relaxed) {
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(self.index);
        }
    }
}

/// The tasks of one run.
pub(crate) struct Executor {
    tasks: Vec<Option<(Task, Arc<WakeTask>)>>,
    ready: Ready,
    time: Arc<Time>,
    spawner: Spawner,
    dice: Dice,
}

impl Executor {
    pub(crate) fn new(dice: Dice) -> Self {
        Self {
            tasks: Vec::new(),
            ready: Ready::default(),
            time: Arc::default(),
            spawner: Spawner::default(),
            dice,
        }
    }

    pub(crate) fn time(&self) -> Arc<Time> {
        Arc::clone(&self.time)
    }

    pub(crate) fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// A task that is dropped after so many polls, if it is not done by then.
    pub(crate) fn spawn(&mut self, actor: Actor, at_most: u64, future: impl Future<Output = ()> + 'static) {
        self.add(actor, at_most, false, Box::pin(future));
    }

    fn add(
        &mut self,
        actor: Actor,
        at_most: u64,
        is_message: bool,
        future: Pin<Box<dyn Future<Output = ()>>>,
    ) {
        let wake = Arc::new(WakeTask {
            index: self.tasks.len(),
            is_ready: AtomicBool::new(false),
            ready: Arc::clone(&self.ready),
        });
        let waker = Waker::from(Arc::clone(&wake));
        waker.wake_by_ref();
        self.tasks.push(Some((Task { actor, polls: 0, at_most, is_message, future, waker }, wake)));
    }

    /// Drops the tasks of these actors.
    fn end(&mut self, is_ended: impl Fn(Actor) -> bool) {
        for task in &mut self.tasks {
            if task.as_ref().is_some_and(|(task, _)| !task.is_message && is_ended(task.actor)) {
                *task = None;
            }
        }
    }

    fn ready(&self) -> MutexGuard<'_, Vec<usize>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the task whose turn it is.
    fn take_next(&self) -> Option<usize> {
        let mut ready = self.ready();
        ready.retain(|index| self.tasks.get(*index).is_some_and(Option::is_some));
        let (place, _) = ready.iter().enumerate().min_by_key(|(_, index)| {
            let task = self.tasks[**index].as_ref();
            task.map_or(0, |(task, _)| self.dice.roll([1, u64::from(task.actor), task.polls]))
        })?;
        Some(ready.remove(place))
    }

    /// Runs until nobody has anything to do any more. `ended` is asked after each step which actors are to be dropped.
    ///
    /// False if that never happens.
    pub(crate) fn run(&mut self, mut ended: impl FnMut() -> Vec<Actor>) -> bool {
        for _ in 0..MAX_POLLS {
            let new: Vec<NewTask> =
                std::mem::take(&mut *self.spawner.0.lock().unwrap_or_else(PoisonError::into_inner));
            for NewTask { actor, future } in new {
                self.add(actor, u64::MAX, true, future);
            }
            let Some(index) = self.take_next() else {
                if self.time.advance() {
                    continue;
                }
                return true;
            };
            if let Some((task, wake)) = &mut self.tasks[index] {
                wake.is_ready.store(false, Ordering::Relaxed);
                CURRENT.set(task.actor);
                let is_done = task.future.as_mut().poll(&mut Context::from_waker(&task.waker)).is_ready();
                task.polls += 1;
                if is_done || task.polls >= task.at_most {
                    self.tasks[index] = None;
                }
            }
            let ended = ended();
            if !ended.is_empty() {
                self.end(|actor| ended.contains(&actor));
            }
        }
        false
    }
}
