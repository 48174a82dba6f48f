//! Two requests that change one session, where keys belong together.

use express_session_core::{OnConflict, Session, SessionError};

use crate::support::now_or_never;
use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;

const RECORD: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"role":"admin"}"#;
const OTHER_USER: &str = r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"role":"admin","user":"bob"}"#;
const TOUCHED: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"role":"admin" }"#;

/// A request during which somebody else stores `meanwhile`.
fn request(on_conflict: OnConflict, meanwhile: &'static str) -> (Session, Spy) {
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(quiet().on_conflict(on_conflict), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    spy.meddle(|docs| _ = docs.insert("SID".into(), meanwhile.into()));
    (session, spy)
}

#[test]
fn keys_are_merged_where_nothing_is_said() {
    let (session, spy) = request(OnConflict::Merge, OTHER_USER);
    session.remove("role");
    now_or_never(session.finish()).unwrap();
    let stored = spy.doc("SID").unwrap();
    assert!(stored.contains("bob") && !stored.contains("admin"), "{stored}");
}

#[test]
fn a_strict_session_refuses_to_merge_and_keeps_what_is_stored() {
    let (session, spy) = request(OnConflict::Fail, OTHER_USER);
    session.remove("role");
    assert!(matches!(now_or_never(session.save()), Err(SessionError::Conflict)));
    assert!(matches!(now_or_never(session.finish()), Err(SessionError::Conflict)));
    assert_eq!(spy.doc("SID").unwrap(), OTHER_USER);

    let (session, spy) = request(OnConflict::Fail, OTHER_USER);
    session.remove("role");
    session.renew();
    assert!(matches!(now_or_never(session.finish()), Err(SessionError::Conflict)));
    assert_eq!(spy.docs().into_iter().collect::<Vec<_>>(), [("SID".to_owned(), OTHER_USER.to_owned())]);
}

#[test]
fn a_strict_session_minds_only_changes_that_meet() {
    // Ours meets none of theirs: the other one stored the same data.
    let (session, spy) = request(OnConflict::Fail, TOUCHED);
    session.insert("n", 1).unwrap();
    now_or_never(session.finish()).unwrap();
    assert!(spy.doc("SID").unwrap().contains("\"n\":1"));
    // We changed nothing.
    let (session, spy) = request(OnConflict::Fail, OTHER_USER);
    now_or_never(session.finish()).unwrap();
    assert!(spy.doc("SID").unwrap().contains("bob"));
    // What is computed from what is stored now is exact.
    let (session, spy) = request(OnConflict::Fail, OTHER_USER);
    assert_eq!(now_or_never(session.update("n", |n: Option<u8>| n.unwrap_or(0) + 1)).unwrap(), 1);
    now_or_never(session.finish()).unwrap();
    assert!(spy.doc("SID").unwrap().contains("bob"));
}
