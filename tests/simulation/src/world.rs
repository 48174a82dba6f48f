//! What all tasks of a run share: time, the store, the network in front of it, and who watches.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use express_session_core::{Clock, SessionId, Timer, UnixMillis};
use futures_util::future::BoxFuture;

use crate::backend::Backend;
use crate::command::{Answer, Command};
use crate::executor::{Actor, Executor, Sleep, Spawner, Time, current};
use crate::oracle::Observer;
use crate::plan::{Faults, Plan};
use crate::random::Dice;

/// When every run begins: an instant without meaning.
const BEGINNING: i64 = 1_893_553_445_678;

/// See the module.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) backend: Box<dyn Backend>,
    time: Arc<Time>,
    spawner: Spawner,
    faults: Faults,
    store_timeout: Duration,
    has_faults: AtomicBool,
    /// How many calls and ids each actor has made.
    counts: Mutex<HashMap<Actor, Counts>>,
    observer: Mutex<Observer>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    calls: u64,
    ids: u64,
}

/// What the network does to one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fate {
    pub(crate) there: Duration,
    pub(crate) back: Duration,
    pub(crate) fault: Option<Fault>,
    /// The command is on its way even if nobody waits for it any more.
    pub(crate) is_detached: bool,
}

/// See [`Faults`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Slow,
    Lost,
    Unanswered,
    Cut,
    Refused,
    Doubled,
}

impl World {
    pub(crate) fn new(
        plan: &Plan,
        executor: &Executor,
        backend: impl FnOnce(StoreClock) -> Result<Box<dyn Backend>>,
        is_told: bool,
    ) -> Result<Self> {
        let time = executor.time();
        Ok(Self {
            dice: Dice::new(plan.seed),
            backend: backend(StoreClock(Arc::clone(&time)))?,
            time,
            spawner: executor.spawner(),
            faults: plan.faults,
            store_timeout: plan.setup.store_timeout,
            has_faults: AtomicBool::new(true),
            counts: Mutex::default(),
            observer: Mutex::new(Observer::new(plan, is_told)),
        })
    }

    pub(crate) fn now(&self) -> u64 {
        self.time.now()
    }

    pub(crate) fn sleep(&self, duration: Duration) -> Sleep {
        self.time.sleep(duration)
    }

    pub(crate) fn store_clock(&self) -> StoreClock {
        StoreClock(Arc::clone(&self.time))
    }

    pub(crate) fn observer(&self) -> MutexGuard<'_, Observer> {
        self.observer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs something that nobody has to wait for, in the name of the actor at work.
    pub(crate) fn spawn(&self, actor: Actor, future: impl Future<Output = ()> + Send + 'static) {
        self.spawner.spawn(actor, future);
    }

    /// From now on nothing breaks.
    pub(crate) fn end_faults(&self) {
        self.has_faults.store(false, Ordering::Relaxed);
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Actor, Counts>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session id, the same in every run of the plan.
    pub(crate) fn new_id(&self) -> SessionId {
        let actor = current();
        let number = {
            let mut counts = self.counts();
            let ids = &mut counts.entry(actor).or_default().ids;
            *ids += 1;
            *ids
        };
        let mut bytes = [0; 24];
        for (place, part) in (0..).zip(bytes.chunks_exact_mut(8)) {
            part.copy_from_slice(&self.dice.roll([10 + place, u64::from(actor), number]).to_le_bytes());
        }
        let id = express_session_core::testing::session_id_of(&bytes);
        self.observer().made(actor, &id);
        id
    }

    /// What happens to the actor's next call.
    pub(crate) fn fate(&self, actor: Actor) -> Fate {
        let call = {
            let mut counts = self.counts();
            let calls = &mut counts.entry(actor).or_default().calls;
            *calls += 1;
            *calls
        };
        let about = |what| [what, u64::from(actor), call];
        let delay = |what| Duration::from_micros(self.dice.below(self.faults.delay.max(1), about(what)));
        let (mut there, back) = (delay(20), delay(21));
        if !self.has_faults.load(Ordering::Relaxed) {
            return Fate { there, back, fault: None, is_detached: false };
        }
        let fault = self.fault(self.dice.below(1000, about(22)));
        if fault == Some(Fault::Slow) {
            let most = 3 * u64::try_from(self.store_timeout.as_micros()).unwrap_or(u64::MAX);
            there = Duration::from_micros(self.dice.below(most, about(23)));
        }
        let is_detached = self.dice.below(1000, about(24)) < self.faults.detached;
        Fate { there, back, fault, is_detached }
    }

    fn fault(&self, roll: u64) -> Option<Fault> {
        let Faults { slow, lost, unanswered, cut, refused, doubled, .. } = self.faults;
        let faults = [
            (Fault::Slow, slow),
            (Fault::Lost, lost),
            (Fault::Unanswered, unanswered),
            (Fault::Cut, cut),
            (Fault::Refused, refused),
            (Fault::Doubled, doubled),
        ];
        let mut so_far = 0;
        faults.into_iter().find_map(|(fault, share)| {
            so_far += share;
            (roll < so_far).then_some(fault)
        })
    }

    /// The command reaches the store.
    pub(crate) fn commit(&self, actor: Actor, letter: usize, command: &Command) -> Answer {
        let before = command.session().and_then(|id| self.backend.peek(id));
        let answer = self.backend.execute(command);
        let after = command.session().and_then(|id| self.backend.peek(id));
        let now = self.now();
        self.observer().committed(now, actor, letter, command, &answer, (before, after), &*self.backend);
        answer
    }
}

/// The clock of the store's machine.
#[derive(Clone, Debug)]
pub(crate) struct StoreClock(Arc<Time>);

impl Clock for StoreClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(BEGINNING + i64::try_from(self.0.now() / 1000).unwrap_or(i64::MAX / 2))
    }
}

/// The clock of a server's machine.
#[derive(Clone, Debug)]
pub(crate) struct ServerClock {
    time: Arc<Time>,
    skew: Arc<AtomicI64>,
}

impl ServerClock {
    pub(crate) fn new(world: &World, skew: Arc<AtomicI64>) -> Self {
        Self { time: Arc::clone(&world.time), skew }
    }
}

impl Clock for ServerClock {
    fn now(&self) -> UnixMillis {
        let right = StoreClock(Arc::clone(&self.time)).now();
        UnixMillis(right.0 + self.skew.load(Ordering::Relaxed))
    }
}

/// Virtual time for core.
#[derive(Debug)]
pub(crate) struct SimTimer(Arc<Time>);

impl SimTimer {
    pub(crate) fn new(world: &World) -> Self {
        Self(Arc::clone(&world.time))
    }
}

impl Timer for SimTimer {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.0.sleep(duration))
    }
}
