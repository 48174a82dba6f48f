//! A store that does not answer.

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use express_session_core::{
    Cookie, DEFAULT_STORE_TIMEOUT, Document, Expect, ManualClock, NoTimer, SessionError, SessionId,
    SessionManager, SessionStore, SetOutcome, StoreError, Stored, Successor, SupersedeOutcome, Timer,
    TouchHint, TouchOutcome,
};
use futures_util::FutureExt as _;

use crate::support::options::quiet;
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{NOW, now_or_never};

/// Never answers.
#[derive(Debug)]
struct Stuck;

impl SessionStore for Stuck {
    async fn get(&self, _: &SessionId) -> Result<Option<Stored>, StoreError> {
        pending().await
    }
    async fn get_and_touch(&self, _: &SessionId, _: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        pending().await
    }
    async fn set(&self, _: &SessionId, _: &Document, _: Expect<'_>) -> Result<SetOutcome, StoreError> {
        pending().await
    }
    async fn set_for(
        &self,
        _: &SessionId,
        _: &Document,
        _: Expect<'_>,
        _: Duration,
    ) -> Result<SetOutcome, StoreError> {
        pending().await
    }
    async fn touch(&self, _: &SessionId, _: &Document, _: &Cookie) -> Result<TouchOutcome, StoreError> {
        pending().await
    }
    async fn destroy(&self, _: &SessionId) -> Result<bool, StoreError> {
        pending().await
    }
    async fn supersede(
        &self,
        _: &SessionId,
        _: Expect<'_>,
        _: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        pending().await
    }
    async fn successor(&self, _: &SessionId) -> Result<Option<SessionId>, StoreError> {
        pending().await
    }
}

/// Rings at once, and counts how often it was set; it only knows the one duration.
#[derive(Clone, Debug, Default)]
struct Hasty {
    set: Arc<AtomicU32>,
}

impl Timer for Hasty {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        assert_eq!(duration, LIMIT);
        self.set.fetch_add(1, Ordering::SeqCst);
        Box::pin(ready(()))
    }
}

/// Never rings before the store has answered.
#[derive(Debug)]
struct Patient;

impl Timer for Patient {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(pending())
    }
}

const LIMIT: Duration = Duration::from_millis(250);

fn manager(store: impl SessionStore, timer: impl Timer) -> SessionManager {
    let options = quiet().store_timeout(LIMIT).build().unwrap();
    SessionManager::with_clock(store, options, ManualClock::new(NOW), timer)
}

#[test]
fn a_read_that_takes_too_long_is_given_up() {
    let manager = manager(Stuck, Hasty::default());
    let error = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap_err();
    assert!(matches!(error, SessionError::Store(StoreError::Timeout(LIMIT))));
}

#[test]
fn every_verb_ends_in_time() {
    let manager = manager(Stuck, Hasty::default());
    let session = now_or_never(manager.begin(&Head::new())).unwrap().unwrap();
    session.insert("n", 1).unwrap();
    let timed_out = |result: Result<(), SessionError>| {
        assert!(matches!(result, Err(SessionError::Store(StoreError::Timeout(LIMIT)))), "{result:?}");
    };
    timed_out(now_or_never(session.save()));
    timed_out(now_or_never(session.reload()));
    timed_out(now_or_never(session.transaction(|data| data.insert("n", 2))));
    timed_out(now_or_never(session.finish()).map(drop));
}

#[test]
fn a_store_that_answers_at_once_needs_no_timer() {
    let timer = Hasty::default();
    let spy = Spy::new().with("SID", r#"{"cookie":{},"n":1}"#);
    let manager = manager(spy.clone(), timer.clone());
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.insert("n", 2).unwrap();
    now_or_never(session.finish()).unwrap();
    assert_eq!(spy.calls(), ["get", "set"]);
    assert_eq!(timer.set.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_slow_store_may_take_its_time_within_the_limit() {
    let spy = Spy::new().yielding().with("SID", r#"{"cookie":{},"n":1}"#);
    let session = manager(spy, Patient).begin(&Head::new().with_session("SID")).await.unwrap().unwrap();
    assert_eq!(session.id().as_str(), "SID");
}

#[test]
fn without_a_timer_the_store_is_waited_for() {
    assert!(manager(Stuck, NoTimer).begin(&Head::new().with_session("SID")).now_or_never().is_none());
    assert_eq!(quiet().build().unwrap().store_timeout(), DEFAULT_STORE_TIMEOUT);
}

/// The request was given up while it was logging out: nothing of the session may be saved or sent after that.
#[test]
fn a_dropped_logout_is_still_a_logout_for_this_request() {
    let spy = Spy::new().yielding().with("SID", r#"{"cookie":{},"n":1}"#);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let manager = manager(spy.clone(), NoTimer);
        let session = manager.begin(&Head::new().with_session("SID")).await.unwrap().unwrap();
        session.insert("n", 2).unwrap();
        assert!(session.destroy().now_or_never().is_none());
        assert_eq!(session.finish().await.unwrap().set_cookie, None);
        assert_eq!(spy.calls(), ["get"]);
    });
}

/// One outage does not end a session: the same request to a recovered store finds it.
#[test]
fn after_the_outage_the_session_is_there() {
    let spy = Spy::new().with("SID", r#"{"cookie":{},"n":1}"#);
    let head = Head::new().with_session("SID");
    let failing = spy.clone();
    let broken = crate::support::options::manager(quiet(), &failing.failing("get")).unwrap();
    assert!(now_or_never(broken.begin(&head)).is_err());
    let recovered = Spy::new().with("SID", spy.doc("SID").unwrap());
    let session = now_or_never(crate::support::options::manager(quiet(), &recovered).unwrap().begin(&head));
    assert_eq!(session.unwrap().unwrap().get::<u8>("n").unwrap(), Some(1));
}

/// The runtime's timer, whose time passes as soon as everybody waits.
#[derive(Debug)]
struct PausedTimer;

impl Timer for PausedTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Reads what a spy has, and never answers a write.
#[derive(Debug)]
struct Frozen(Spy);

impl SessionStore for Frozen {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.0.get(id).await
    }
    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        self.0.get_and_touch(id, hint).await
    }
    /// The first attempt of each meets a conflict, so that they queue up.
    async fn set(&self, id: &SessionId, _: &Document, expect: Expect<'_>) -> Result<SetOutcome, StoreError> {
        let stored = self.0.get(id).await?.expect("the session is there");
        match expect {
            Expect::Revision(revision) if *revision != stored.revision => {
                Ok(SetOutcome::Conflict(Box::new(stored)))
            }
            _ => pending().await,
        }
    }
    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        _: Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.set(id, document, expect).await
    }
    async fn touch(&self, _: &SessionId, _: &Document, _: &Cookie) -> Result<TouchOutcome, StoreError> {
        pending().await
    }
    async fn destroy(&self, _: &SessionId) -> Result<bool, StoreError> {
        pending().await
    }
    async fn supersede(
        &self,
        _: &SessionId,
        _: Expect<'_>,
        _: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        pending().await
    }
    async fn successor(&self, _: &SessionId) -> Result<Option<SessionId>, StoreError> {
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn writers_that_queue_up_before_a_frozen_store_all_fail_in_time() {
    let spy = Spy::new().with("SID", r#"{"cookie":{},"n":1}"#);
    let manager = manager(Frozen(spy.clone()), PausedTimer);
    let mut sessions = Vec::new();
    for _ in 0..40 {
        sessions.push(manager.begin(&Head::new().with_session("SID")).await.unwrap().unwrap());
    }
    spy.meddle(|docs| _ = docs.insert("SID".into(), br#"{"cookie":{},"n":2}"#.to_vec()));
    let started = tokio::time::Instant::now();
    let writers = sessions.into_iter().map(|session| {
        tokio::spawn(async move {
            session.insert("n", 3).unwrap();
            session.save().await.unwrap_err()
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        let error = writer.await.unwrap();
        assert!(matches!(&error, SessionError::Store(error) if error.is_outage()), "{error:?}");
    }
    assert_eq!(started.elapsed().as_millis(), LIMIT.as_millis(), "the queue has a deadline too");
}

#[test]
fn a_store_that_hangs_is_left_alone_but_for_one_trial_per_second() {
    let clock = Arc::new(ManualClock::new(NOW));
    let timer = Hasty::default();
    let options = quiet().store_timeout(LIMIT).build().unwrap();
    let manager = SessionManager::with_clock(Stuck, options, Arc::clone(&clock), timer.clone());
    let asked = || {
        let before = timer.set.load(Ordering::SeqCst);
        let error = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap_err();
        assert!(matches!(&error, SessionError::Store(error) if error.is_outage()), "{error:?}");
        timer.set.load(Ordering::SeqCst) - before
    };
    assert_eq!((0..5).map(|_| asked()).collect::<Vec<_>>(), [1; 5]);
    assert_eq!((0..5).map(|_| asked()).collect::<Vec<_>>(), [0; 5], "waiting for it again");
    clock.advance(express_session_core::RETRY_AFTER);
    assert_eq!([asked(), asked()], [1, 0]);
}

/// A full Redis, a replica: logins fail there, and pages do not, however many logins fail.
#[test]
fn a_store_that_takes_no_writes_goes_on_being_read() {
    let spy = Spy::new().with("SID", r#"{"cookie":{},"n":1}"#).refusing_writes();
    let manager = manager(spy.clone(), Hasty::default());
    for _ in 0..20 {
        let session = now_or_never(manager.begin(&Head::new())).unwrap().unwrap();
        session.insert("n", 2).unwrap();
        let error = now_or_never(session.finish()).unwrap_err();
        let is_refusal = |error: &StoreError| matches!(error, StoreError::ReadOnly(_)) && error.is_outage();
        assert!(matches!(&error, SessionError::Store(error) if is_refusal(error)), "{error:?}");
    }
    let begin = || now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    let readers = (0..20).map(|_| begin()).collect::<Vec<_>>();
    for session in readers {
        assert_eq!(session.get::<u8>("n").unwrap(), Some(1));
        now_or_never(session.finish()).expect("its touch is refused, and the page served");
    }
    assert!(now_or_never(begin().destroy()).is_err(), "nothing is pretended");
    assert_eq!(spy.calls().iter().filter(|call| **call == "touch").count(), 20);
}
