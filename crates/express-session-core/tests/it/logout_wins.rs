//! A session that was destroyed while a request was at work stays destroyed, whatever that request does.

use std::time::Duration;

use express_session_core::{CookieOptions, OptionsBuilder, Session, SessionError};

use crate::support::now_or_never;
use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::{Docs, Spy};

const RECORD: &str = r#"{"cookie":{"originalMaxAge":60000,"expires":"2030-01-02T03:04:35.678Z","httpOnly":true,"path":"/"},"user":"me"}"#;

fn options() -> OptionsBuilder {
    quiet().cookie(CookieOptions::new().max_age(Duration::from_mins(1)))
}

/// A request during which somebody else logs out, before its handler's `work`.
fn overtaken(options: OptionsBuilder, work: impl AsyncFnOnce(&Session)) -> Spy {
    let spy = Spy::new().with("SID", RECORD);
    now_or_never(async {
        let session =
            manager(options, &spy).unwrap().begin(&Head::new().with_session("SID")).await.unwrap().unwrap();
        assert!(!session.is_new());
        spy.meddle(Docs::clear);
        work(&session).await;
        let finished = session.finish().await.expect("the response goes out");
        assert_eq!(finished.set_cookie, None, "no cookie for what is gone");
    });
    assert!(spy.docs().is_empty(), "logged out is logged out: {:?}", spy.docs());
    spy
}

#[test]
fn over_a_change() {
    overtaken(options(), async |session| session.insert("n", 1).unwrap());
}

#[test]
fn over_a_change_of_the_cookie() {
    overtaken(options(), async |session| session.cookie_mut().set_max_age(Some(Duration::from_hours(1))));
}

#[test]
fn over_resave() {
    overtaken(options().resave(true), async |_| {});
}

#[test]
fn over_a_rolling_touch() {
    let spy = overtaken(options().rolling(true), async |_| {});
    assert_eq!(spy.calls(), ["get", "touch"]);
}

#[test]
fn over_an_explicit_save() {
    overtaken(options(), async |session| {
        session.insert("n", 1).unwrap();
        assert!(matches!(session.save().await, Err(SessionError::Gone)));
        assert!(!session.is_live());
    });
}

#[test]
fn over_a_transaction() {
    overtaken(options(), async |session| {
        let result = session.transaction(|data| data.insert("n", 1)).await;
        assert!(matches!(result, Err(SessionError::Gone)));
    });
}

#[test]
fn over_a_transaction_that_only_reads() {
    overtaken(options(), async |session| {
        let result = session.transaction(|data| data.get::<String>("user")).await;
        assert!(matches!(result, Err(SessionError::Gone)));
    });
}

#[test]
fn over_a_renewed_id() {
    overtaken(options(), async |session| session.renew());
    overtaken(options(), async |session| {
        session.renew();
        session.renew();
        session.insert("n", 1).unwrap();
        assert!(matches!(session.save().await, Err(SessionError::Gone)));
    });
    overtaken(options(), async |session| {
        session.renew();
        assert!(matches!(session.transaction(|data| data.insert("n", 1)).await, Err(SessionError::Gone)));
    });
}

/// The logout comes at the worst moment: when the new id is about to be stored, or already is.
#[test]
fn over_a_renewed_id_at_every_moment() {
    for moment in ["set", "supersede"] {
        let spy = Spy::new().with("SID", RECORD);
        now_or_never(async {
            let manager = manager(options(), &spy).unwrap();
            let session = manager.begin(&Head::new().with_session("SID")).await.unwrap().unwrap();
            session.renew();
            session.insert("n", 1).unwrap();
            spy.before(move |operation, docs| {
                if operation == moment {
                    docs.remove("SID");
                }
            });
            assert_eq!(session.finish().await.unwrap().set_cookie, None);
        });
        assert!(spy.docs().is_empty(), "{moment}: {:?}", spy.docs());
    }
}

/// A regenerated session is a new one that owes nothing to the old.
#[test]
fn but_a_regenerated_session_is_new() {
    let spy = Spy::new().with("SID", RECORD);
    now_or_never(async {
        let manager = manager(options(), &spy).unwrap();
        let session = manager.begin(&Head::new().with_session("SID")).await.unwrap().unwrap();
        spy.meddle(Docs::clear);
        session.regenerate().await.unwrap();
        session.insert("user", "other").unwrap();
        assert!(session.finish().await.unwrap().set_cookie.is_some());
    });
    assert_eq!(spy.docs().into_keys().collect::<Vec<_>>(), ["N1"]);
}

#[test]
fn over_a_change_that_came_before_it_in_another_handle() {
    let spy = Spy::new().with("SID", RECORD);
    now_or_never(async {
        let manager = manager(options(), &spy).unwrap();
        let head = Head::new().with_session("SID");
        let (slow, logout) =
            (manager.begin(&head).await.unwrap().unwrap(), manager.begin(&head).await.unwrap().unwrap());
        slow.insert("n", 1).unwrap();
        logout.destroy().await.unwrap();
        slow.finish().await.unwrap();
        logout.finish().await.unwrap();
    });
    assert!(spy.docs().is_empty());
}

#[test]
fn also_if_the_store_fails_it() {
    let spy = Spy::new().with("SID", RECORD).failing("destroy");
    now_or_never(async {
        let manager = manager(options().rolling(true).resave(true), &spy).unwrap();
        let session = manager.begin(&Head::new().with_session("SID")).await.unwrap().unwrap();
        assert!(matches!(session.destroy().await, Err(SessionError::Store(_))));
        assert!(matches!(session.destroy().await, Err(SessionError::Store(_))), "tried again");
        assert_eq!(session.finish().await.unwrap().set_cookie, None);
    });
    assert_eq!(spy.calls(), ["get", "destroy", "destroy"]);
}

#[test]
fn a_login_whose_old_session_could_not_be_ended_has_a_new_id_all_the_same() {
    let spy = Spy::new().with("SID", RECORD).failing("destroy");
    now_or_never(async {
        let manager = manager(options(), &spy).unwrap();
        let session = manager.begin(&Head::new().with_session("SID")).await.unwrap().unwrap();
        assert!(session.regenerate().await.is_err());
        assert_eq!(session.id().as_str(), "N1");
        assert!(session.data().is_empty());
    });
}

#[test]
fn a_purge_ends_the_session_and_removes_the_cookie() {
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(options(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    now_or_never(session.purge()).unwrap();
    let finished = now_or_never(session.finish()).unwrap();
    assert!(spy.docs().is_empty(), "the session is there");
    assert!(finished.is_purged && finished.set_cookie.unwrap().contains("Expires=Thu, 01 Jan 1970"));
}

/// Who has ended a session need not look for one that took its place.
#[test]
fn a_logout_that_finds_its_session_asks_for_no_other() {
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(options().successor_grace(Duration::from_mins(1)), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    now_or_never(session.destroy()).unwrap();
    assert_eq!(spy.calls(), ["get", "destroy"]);
}
