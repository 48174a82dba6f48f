//! How long ago somebody was there: who proved who they are, and who only polled.

use std::time::{Duration, SystemTime};

use express_session_core::{CookieOptions, DataError, OptionsBuilder};

use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{NOW, now_or_never};

const RECORD: &str = r#"{"cookie":{"originalMaxAge":60000,"expires":"2030-01-02T03:04:35.678Z","httpOnly":true,"path":"/"},"user":"me"}"#;

#[test]
fn a_session_knows_when_its_user_was_authenticated() {
    let spy = Spy::new();
    let manager = manager(quiet(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new())).unwrap().unwrap();
    assert_eq!(session.authenticated_at(), None);
    assert!(!session.is_fresh(Duration::MAX), "nobody has proved anything");
    session.set_authenticated();
    now_or_never(session.finish()).unwrap();

    let session = now_or_never(manager.begin(&Head::new().with_session("N1"))).unwrap().unwrap();
    assert_eq!(session.authenticated_at(), Some(SystemTime::from(NOW)));
    spy.clock.advance(Duration::from_mins(5));
    assert!(session.is_fresh(Duration::from_mins(5)) && !session.is_fresh(Duration::from_secs(299)));
    spy.clock.set(NOW.plus(Duration::ZERO));
    assert!(session.entries().is_empty(), "it is not data");
    assert!(matches!(
        session.insert("__authenticatedAt", 1),
        Err(DataError::ReservedKey("__authenticatedAt"))
    ));

    session.renew();
    assert!(session.authenticated_at().is_some(), "the same user under another id");
    session.clear();
    assert_eq!(session.authenticated_at(), None, "whose data are cleared is nobody any more");
}

#[test]
fn a_time_that_has_not_come_is_not_fresh() {
    let spy = Spy::new();
    let manager = manager(quiet(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new())).unwrap().unwrap();
    spy.clock.advance(Duration::from_secs(1));
    session.set_authenticated();
    spy.clock.set(NOW);
    assert!(!session.is_fresh(Duration::from_mins(1)));
}

fn polling() -> OptionsBuilder {
    quiet()
        .cookie(CookieOptions::new().max_age(Duration::from_mins(1)))
        .keep_expiry(|request| request.path() == "/poll")
}

#[test]
fn a_polling_request_reads_and_extends_nothing() {
    for options in [polling(), polling().rolling(true), polling().resave(true)] {
        let spy = Spy::new().touching_on_read().with("SID", RECORD);
        let manager = manager(options, &spy).unwrap();
        let head = Head::new().target("/poll").with_session("SID");
        let session = now_or_never(manager.begin(&head)).unwrap().unwrap();
        assert_eq!(session.get::<String>("user").unwrap().as_deref(), Some("me"));
        assert_eq!(now_or_never(session.finish()).unwrap().set_cookie, None);
        assert_eq!(spy.doc("SID").unwrap(), RECORD);
        assert_eq!(spy.calls(), ["get"]);
    }
}

#[test]
fn a_polling_request_that_changes_something_is_saved_and_others_extend() {
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(polling(), &spy).unwrap();
    let session =
        now_or_never(manager.begin(&Head::new().target("/poll").with_session("SID"))).unwrap().unwrap();
    session.insert("n", 1).unwrap();
    assert!(now_or_never(session.finish()).unwrap().set_cookie.is_some());
    assert!(spy.doc("SID").unwrap().contains("\"n\":1"));
    spy.forget_calls();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    now_or_never(session.finish()).unwrap();
    assert_eq!(spy.calls(), ["get", "touch"]);
}
