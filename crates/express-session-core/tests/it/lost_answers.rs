//! What a request does when it is not told what became of a call, or what became of its session. Each was found by the
//! simulation (`tests/simulation`).

use std::time::Duration;

use express_session_core::{CookieOptions, OptionsBuilder, SessionError, UnixMillis, Unset};

use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::{Docs, Spy};
use crate::support::{NOW, now_or_never};

const RECORD: &str = r#"{"cookie":{"originalMaxAge":60000,"expires":"2030-01-02T03:04:35.678Z","httpOnly":true,"path":"/"},"user":"me"}"#;

fn options() -> OptionsBuilder {
    quiet()
        .cookie(CookieOptions::new().max_age(Duration::from_mins(1)))
        .successor_grace(Duration::from_mins(1))
}

/// A first write that was not answered may still be on its way. Under the same id it would later write over what is
/// stored by then, or bring the session back after a logout.
#[test]
fn a_first_write_without_an_answer_is_made_under_another_id() {
    for spy in [Spy::new().cutting("set", 1), Spy::new().failing("set")] {
        let manager = manager(options(), &spy).unwrap();
        let session = now_or_never(manager.begin(&Head::new())).unwrap().unwrap();
        let first = session.id();
        let counted = now_or_never(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1));
        assert!(matches!(counted, Err(SessionError::Store(_))));
        assert_ne!(session.id(), first);
    }
    let spy = Spy::new().cutting("set", 1);
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new())).unwrap().unwrap();
    session.insert("n", 1).unwrap();
    assert!(now_or_never(session.save()).is_err());
    let cookie = now_or_never(session.finish()).unwrap().set_cookie.unwrap();
    assert!(cookie.contains("s%3AN2."), "{cookie}");
    assert_eq!(spy.docs().into_keys().collect::<Vec<_>>(), ["N1", "N2"], "nobody knows of the first");
}

/// Written later, so that the id stays what the client has: a conditional write that comes late meets a newer document.
#[test]
fn a_later_write_without_an_answer_keeps_the_id() {
    let spy = Spy::new().with("SID", RECORD).cutting("set", 1);
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.insert("n", 1).unwrap();
    assert!(now_or_never(session.save()).is_err());
    now_or_never(session.finish()).unwrap();
    assert_eq!(session.id().as_str(), "SID");
    assert_eq!(spy.docs().into_keys().collect::<Vec<_>>(), ["SID"]);
}

#[test]
fn a_renewal_whose_answer_was_lost_is_looked_up() {
    let spy = Spy::new().with("SID", RECORD).cutting("supersede", 1);
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.renew();
    let cookie = now_or_never(session.finish()).unwrap().set_cookie.unwrap();
    assert!(cookie.contains("s%3AN1."), "{cookie}");
    assert!(spy.doc("N1").unwrap().contains("\"user\":\"me\""), "the session is lost");
    assert_eq!(spy.calls(), ["get", "set", "supersede", "successor"]);
}

/// Somebody writes the old session while it is renewed, and the second round fails.
#[test]
fn what_a_renewal_has_written_in_vain_is_taken_back() {
    let spy = Spy::new().with("SID", RECORD).cutting("set", 2);
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.renew();
    let mut is_first = true;
    spy.before(move |operation, docs| {
        if operation == "supersede" && std::mem::take(&mut is_first) {
            docs.insert("SID".into(), RECORD.replace("me", "you").into());
        }
    });
    assert!(matches!(now_or_never(session.finish()), Err(SessionError::Store(_))));
    assert_eq!(spy.docs().into_keys().collect::<Vec<_>>(), ["SID"]);
}

/// A login may have taken its place meanwhile, which this request cannot know.
#[test]
fn a_cookie_is_not_sent_again_if_the_store_does_not_say_whether_the_session_is_there() {
    let spy = Spy::new().with("SID", RECORD).failing("touch");
    let manager = manager(options().rolling(true), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    let finished = now_or_never(session.finish()).expect("nothing was to be stored, so nothing is lost");
    assert_eq!(finished.set_cookie, None);
}

/// How long ago a write was, a clock that was set back does not tell.
#[test]
fn a_clock_that_is_set_back_makes_no_write_a_recent_one() {
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(options().rolling(true), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.insert("n", 1).unwrap();
    now_or_never(session.save()).unwrap();
    spy.clock.set(UnixMillis(NOW.0 - 20_000));
    spy.meddle(Docs::clear);
    assert_eq!(now_or_never(session.finish()).unwrap().set_cookie, None);
    assert_eq!(spy.calls(), ["get", "set", "touch"]);
}

/// A request came with the id of a session that was gone, and began another one. That one was ended by somebody else: nobody
/// has asked this request for a logout, so the login that has taken the old id's place is not its business.
#[test]
fn whose_session_was_ended_by_others_ends_nothing_else() {
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(options().unset(Unset::Destroy), &spy).unwrap();
    let login = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    let late = {
        spy.meddle(Docs::clear);
        now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap()
    };
    late.insert("n", 1).unwrap();
    now_or_never(late.save()).unwrap();
    now_or_never(login.regenerate()).unwrap();
    login.insert("user", "me").unwrap();
    now_or_never(login.finish()).unwrap();
    let (late_id, login_id) = (late.id(), login.id());
    spy.meddle(|docs| {
        docs.remove(late_id.as_str());
    });
    late.insert("n", 2).unwrap();
    assert!(matches!(now_or_never(late.save()), Err(SessionError::Gone)));
    now_or_never(late.finish()).unwrap();
    assert!(spy.doc(login_id.as_str()).is_some(), "the login is undone");
}

/// What is stored differs from what this request has saved, because somebody else has written and it has reloaded.
///
/// DIFFERENCE: express-session compares with what the request saved last, and saves nothing.
#[test]
fn a_change_that_goes_back_to_what_was_saved_before_a_reload_is_saved() {
    const THEIRS: &str = r#"{"cookie":{"originalMaxAge":60000,"expires":"2030-01-02T03:04:35.678Z","httpOnly":true,"path":"/"},"user":"me","n":1,"cart":"book"}"#;
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.insert("n", 1).unwrap();
    now_or_never(session.save()).unwrap();
    spy.meddle(|docs| {
        docs.insert("SID".into(), THEIRS.into());
    });
    now_or_never(session.reload()).unwrap();
    session.remove("cart");
    now_or_never(session.finish()).unwrap();
    assert!(!spy.doc("SID").unwrap().contains("cart"), "the removal is lost");
}
