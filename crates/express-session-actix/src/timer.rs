//! One alarm clock per worker, for the timeouts of all its calls to the store.
//!
//! Nearly every call that is not answered at once is answered long before its time is over. A timer of the runtime for
//! each of them, set and taken back, costs three times what a place in a list does.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use express_session_core::Timer;
use slab::Slab;
use tokio::time::{MissedTickBehavior, interval};

/// How exact the clock is: it rings up to two ticks late, never early.
const TICK: Duration = Duration::from_millis(10);

/// After so many ticks without a sleeper the clock stops, until there is one again.
const IDLE_TICKS: u32 = 100;

#[derive(Debug)]
pub(crate) struct WorkerTimer;

impl Timer for WorkerTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let clock = CLOCK.with_borrow(Arc::clone);
        let ticks = duration.as_nanos().div_ceil(TICK.as_nanos());
        Box::pin(Alarm { clock, ticks: u64::try_from(ticks).unwrap_or(u64::MAX), place: None })
    }
}

thread_local! {
    static CLOCK: RefCell<Arc<AlarmClock>> = RefCell::default();
}

#[derive(Default)]
struct AlarmClock(Mutex<Sleepers>);

#[derive(Default)]
struct Sleepers {
    /// The ticks so far.
    now: u64,
    is_ticking: bool,
    asleep: Slab<Sleeper>,
}

struct Sleeper {
    /// The tick that it rings at.
    due: u64,
    waker: Waker,
}

impl AlarmClock {
    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sleepers {
    /// One more tick: wakes whose time is over.
    fn tick(&mut self) {
        self.now += 1;
        for (_, sleeper) in &self.asleep {
            if sleeper.due <= self.now {
                sleeper.waker.wake_by_ref();
            }
        }
    }
}

/// Ticks while anybody sleeps, and a second longer.
struct Ticking {
    clock: Arc<AlarmClock>,
    has_stopped: bool,
}

impl Ticking {
    async fn run(mut self) {
        let mut ticks = interval(TICK);
        // A worker that was busy for a while does not count the ticks it missed: nobody is woken early.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut idle = 0;
        while !self.has_stopped {
            ticks.tick().await;
            let mut sleepers = self.clock.lock();
            sleepers.tick();
            idle = if sleepers.asleep.is_empty() { idle + 1 } else { 0 };
            if idle == IDLE_TICKS {
                sleepers.is_ticking = false;
                self.has_stopped = true;
            }
        }
    }
}

impl Drop for Ticking {
    /// The runtime may end first; a later one on this thread then has the clock go on.
    fn drop(&mut self) {
        if !self.has_stopped {
            self.clock.lock().is_ticking = false;
        }
    }
}

/// Rings once its time is over, counted from its first poll.
struct Alarm {
    clock: Arc<AlarmClock>,
    ticks: u64,
    place: Option<usize>,
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { clock, ticks, place } = &mut *self;
        let mut sleepers = clock.lock();
        let now = sleepers.now;
        if let Some(place) = *place {
            let sleeper = &mut sleepers.asleep[place];
            sleeper.waker.clone_from(context.waker());
            return if sleeper.due <= now { Poll::Ready(()) } else { Poll::Pending };
        }
        // The tick under way has begun some time ago: it does not count.
        let due = now.saturating_add(*ticks).saturating_add(1);
        *place = Some(sleepers.asleep.insert(Sleeper { due, waker: context.waker().clone() }));
        if !sleepers.is_ticking {
            sleepers.is_ticking = true;
            tokio::spawn(Ticking { clock: Arc::clone(clock), has_stopped: false }.run());
        }
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.clock.lock().asleep.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use tokio::time::Instant;

    use super::*;

    fn sleepers() -> usize {
        CLOCK.with_borrow(|clock| clock.lock().asleep.len())
    }

    async fn slept(milliseconds: u64) -> u128 {
        let began = Instant::now();
        WorkerTimer.sleep(Duration::from_millis(milliseconds)).await;
        began.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn rings_never_early_and_at_most_two_ticks_late() {
        for limit in [0, 1, 9, 10, 11, 50, 1_000, 10_000] {
            for late_by in [0, 3, 9] {
                tokio::time::sleep(Duration::from_millis(late_by)).await;
                let slept = slept(limit).await;
                assert!((u128::from(limit)..=u128::from(limit) + 20).contains(&slept), "{limit}: {slept}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_sleeper_has_its_own_time_and_leaves_no_place_behind() {
        let (long, short, middle) = tokio::join!(slept(3_000), slept(20), slept(400));
        assert!(short < 50 && (400..430).contains(&middle) && (3_000..3_030).contains(&long));
        assert_eq!(sleepers(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeper_that_is_dropped_is_forgotten() {
        let mut alarm = Some(WorkerTimer.sleep(Duration::from_secs(10)));
        poll_fn(|context| {
            let pending = alarm.as_mut().is_some_and(|alarm| alarm.as_mut().poll(context).is_pending());
            assert!(pending);
            Poll::Ready(())
        })
        .await;
        assert_eq!(sleepers(), 1);
        alarm.take();
        assert_eq!(sleepers(), 0);
    }

    #[test]
    fn a_runtime_that_ends_does_not_stop_the_clock_of_the_next_on_its_thread() {
        for _ in 0..2 {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
                let mut forgotten = pin!(WorkerTimer.sleep(Duration::from_hours(1)));
                poll_fn(|context| Poll::Ready(forgotten.as_mut().poll(context).is_pending())).await;
                assert!(slept(100).await >= 100);
            });
        }
    }
}
