//! A session that gets a new id: nothing is lost, and when something fails the client keeps what its cookie names.

use std::time::Duration;

use express_session_core::{OptionsBuilder, SessionError};

use crate::support::now_or_never;
use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;

const RECORD: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"user":"me"}"#;
const WRITTEN: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"user":"me","theirs":1}"#;

fn options() -> OptionsBuilder {
    quiet().successor_grace(Duration::from_mins(1))
}

#[test]
fn a_renewal_costs_two_calls() {
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.renew();
    assert!(now_or_never(session.finish()).unwrap().set_cookie.is_some());
    assert_eq!(spy.calls(), ["get", "set", "supersede"]);
    assert_eq!(spy.docs().into_keys().collect::<Vec<_>>(), ["N1"]);
}

/// Another request's write is acknowledged while the new id is being stored.
#[test]
fn a_write_in_between_goes_along() {
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.renew();
    session.insert("ours", 2).unwrap();
    let mut first = true;
    spy.before(move |operation, docs| {
        if operation == "supersede" && std::mem::take(&mut first) {
            docs.insert("SID".into(), WRITTEN.into());
        }
    });
    now_or_never(session.finish()).unwrap();
    let stored = spy.doc("N1").unwrap();
    assert!(stored.contains("\"theirs\":1") && stored.contains("\"ours\":2"), "{stored}");
    assert_eq!(spy.docs().len(), 1);
}

#[test]
fn a_failure_at_any_point_leaves_the_client_its_session() {
    for (failing, left) in [("set", &["SID"][..]), ("supersede", &["SID"])] {
        let spy = Spy::new().with("SID", RECORD).failing(failing);
        let manager = manager(options(), &spy).unwrap();
        let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
        session.renew();
        let error = now_or_never(session.finish()).unwrap_err();
        assert!(matches!(error, SessionError::Store(_)), "{failing}: {error}");
        assert_eq!(spy.docs().into_keys().collect::<Vec<_>>(), left, "{failing}");
    }
}

/// Two ids are left only if the store fails twice in a row; nobody was ever told the new one.
#[test]
fn a_new_id_that_cannot_be_taken_back_is_known_to_nobody() {
    let spy = Spy::new().with("SID", RECORD).failing("supersede").failing("destroy");
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.renew();
    assert!(now_or_never(session.finish()).is_err());
    assert_eq!(spy.docs().into_keys().collect::<Vec<_>>(), ["N1", "SID"]);
}

/// With `regenerate`, whether the old session was ended is not known: the request has its new one, and an error.
#[test]
fn a_regeneration_that_fails_is_an_error() {
    let spy = Spy::new().with("SID", RECORD).failing("supersede");
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    assert!(matches!(now_or_never(session.regenerate()), Err(SessionError::Store(_))));
    assert!(session.is_new() && session.entries().is_empty());
}

/// Nothing is asked about successors where nobody could have one.
#[test]
fn visitors_without_a_stale_cookie_pay_nothing() {
    let spy = Spy::new();
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new())).unwrap().unwrap();
    session.insert("n", 1).unwrap();
    now_or_never(session.finish()).unwrap();
    assert_eq!(spy.calls(), ["set"]);

    let spy = Spy::new().with("SID", RECORD);
    let manager = crate::support::options::manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.insert("n", 1).unwrap();
    now_or_never(session.finish()).unwrap();
    assert_eq!(spy.calls(), ["get", "set"]);
}
