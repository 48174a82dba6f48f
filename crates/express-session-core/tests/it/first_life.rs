//! Sessions of clients that may never come back.

use std::time::Duration;

use express_session_core::{CookieOptions, Finished, OptionsBuilder, Session, SessionManager};

use crate::support::now_or_never;
use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;

const SHORT: Duration = Duration::from_mins(10);
const RECORD: &str = r#"{"cookie":{"originalMaxAge":3600000,"expires":"2030-01-02T03:34:05.678Z","httpOnly":true,"path":"/"},"n":1}"#;

fn options() -> OptionsBuilder {
    quiet().cookie(CookieOptions::new().max_age(Duration::from_hours(1))).first_life(SHORT)
}

fn begin(manager: &SessionManager, head: &Head) -> Session {
    now_or_never(manager.begin(head)).unwrap().unwrap()
}

fn request(options: OptionsBuilder, spy: &Spy, head: &Head, work: impl FnOnce(&Session)) -> Finished {
    let session = begin(&manager(options, spy).unwrap(), head);
    work(&session);
    now_or_never(session.finish()).unwrap()
}

fn change(session: &Session) {
    session.insert("n", 1).unwrap();
}

#[test]
fn a_first_request_is_stored_for_a_while_and_its_cookie_lives_as_ever() {
    let (short, full) = (Spy::new(), Spy::new());
    let sent = request(options(), &short, &Head::new(), change).set_cookie.unwrap();
    assert_eq!((short.calls(), short.short_lives()), (vec!["set_for"], vec![SHORT]));
    let ordinary = quiet().cookie(CookieOptions::new().max_age(Duration::from_hours(1)));
    let as_ever = request(ordinary, &full, &Head::new(), change).set_cookie.unwrap();
    assert_eq!(full.calls(), ["set"]);
    let documents = |spy: &Spy| spy.docs().into_values().collect::<Vec<_>>();
    assert_eq!(documents(&short), documents(&full), "the document is the same");
    let attributes = |cookie: &str| cookie.split_once(';').unwrap().1.to_owned();
    assert_eq!(attributes(&sent), attributes(&as_ever));
}

#[test]
fn a_second_request_gives_the_ordinary_life_by_what_it_does_anyway() {
    let spy = Spy::new().with("SID", RECORD);
    let head = Head::new().with_session("SID");
    request(options(), &spy, &head, |_| {});
    assert_eq!(spy.calls(), ["get", "touch"]);
    spy.forget_calls();
    request(options(), &spy, &head, |session| session.insert("n", 2).unwrap());
    request(options().resave(true), &spy, &head, |_| {});
    assert_eq!(spy.calls(), ["get", "set", "get", "set"]);
}

/// A login of a visitor who has come back, also by a new id.
#[test]
fn what_takes_the_place_of_a_session_lives_as_ever() {
    let spy = Spy::new().with("SID", RECORD);
    let head = Head::new().with_session("SID");
    request(options(), &spy, &head, |session| {
        now_or_never(session.regenerate()).unwrap();
        change(session);
    });
    let spy_of_renewal = Spy::new().with("SID", RECORD);
    request(options(), &spy_of_renewal, &head, Session::renew);
    assert!(spy.short_lives().is_empty() && spy_of_renewal.short_lives().is_empty());
}

/// Its signature is right, and nothing is stored under it: it has come too late.
#[test]
fn a_cookie_without_a_session_is_a_first_request() {
    let spy = Spy::new();
    request(options(), &spy, &Head::new().with_session("SID"), change);
    assert_eq!(spy.calls(), ["get", "set_for"]);
}

#[test]
fn every_write_of_a_first_request_is_short_until_its_response_is_under_way() {
    let spy = Spy::new();
    let session = begin(&manager(options(), &spy).unwrap(), &Head::new());
    now_or_never(session.update("n", |n: Option<u8>| n.unwrap_or(0) + 1)).unwrap();
    session.insert("m", 1).unwrap();
    now_or_never(session.save()).unwrap();
    session.renew();
    now_or_never(session.save()).unwrap();
    now_or_never(session.regenerate()).unwrap();
    change(&session);
    now_or_never(session.finish()).unwrap();
    assert_eq!(spy.short_lives(), [SHORT; 4]);
    assert!(!spy.calls().contains(&"set"), "{:?}", spy.calls());
    // The client has its cookie by now and may have come back with it: what it was given is not taken away.
    session.insert("m", 2).unwrap();
    now_or_never(session.save()).unwrap();
    assert_eq!((spy.calls().last(), spy.short_lives().len()), (Some(&"set"), 4));
}

#[test]
fn zero_is_no_first_life() {
    let spy = Spy::new();
    request(options().first_life(Duration::ZERO), &spy, &Head::new(), change);
    assert_eq!(spy.calls(), ["set"]);
}
