//! Which cookie counts, and when one is sent.

use std::time::Duration;

use express_session_core::{CookieOptions, Options, OptionsBuilder, Secrets, SessionId};

use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{SECRET, now_or_never};

const RECORD: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"user":"me"}"#;

fn cookie(id: &str) -> String {
    format!("connect.sid={}", Secrets::new([SECRET]).unwrap().cookie_value(id))
}

/// The id that a request with these `Cookie` headers gets; N1 is a new one.
fn id_for(spy: &Spy, headers: &[String]) -> String {
    let head = headers.iter().fold(Head::new(), |head, value| head.header("cookie", value.as_str()));
    let session = now_or_never(manager(quiet(), spy).unwrap().begin(&head)).unwrap().unwrap();
    session.id().as_str().to_owned()
}

#[test]
fn the_first_cookie_that_verifies_and_loads_counts() {
    let spy = || Spy::new().with("SID", RECORD).with("other", RECORD).with("broken", "{\"cookie\":");
    let (sid, other) = (cookie("SID"), cookie("other"));
    for stale in ["connect.sid=", "connect.sid=s%3ASID.forged", &cookie("unknown"), &cookie("broken")] {
        assert_eq!(id_for(&spy(), &[format!("{stale}; {sid}; {other}")]), "SID", "{stale}");
        assert_eq!(id_for(&spy(), &[stale.to_owned(), other.clone(), sid.clone()]), "other", "two lines");
    }
    assert_eq!(id_for(&spy(), &[format!("{}; {}", cookie("unknown"), cookie("broken"))]), "N1");
}

#[test]
fn the_same_id_is_looked_up_once() {
    let spy = Spy::new();
    id_for(&spy, &vec![cookie("unknown"); 5]);
    assert_eq!(spy.calls(), ["get"]);
}

#[test]
fn only_so_many_cookies_are_looked_at() {
    let unknown = |n: usize| (0..n).map(|i| cookie(&format!("unknown{i}"))).collect::<Vec<_>>().join("; ");
    let spy = Spy::new().with("SID", RECORD);
    assert_eq!(id_for(&spy, &[format!("{}; {}", unknown(7), cookie("SID"))]), "SID");
    assert_eq!(spy.calls().len(), 8);
    spy.forget_calls();
    assert_eq!(id_for(&spy, &[format!("{}; {}", unknown(8), cookie("SID"))]), "N1");
    assert_eq!(spy.calls().len(), 8);
}

#[test]
fn junk_of_the_cookies_name_does_not_hide_the_real_one() {
    let junk = |value: &str, n: usize| vec![format!("connect.sid={value}"); n].join("; ");
    let forged = format!("s%3ASID.{}", "A".repeat(43));
    let spy = Spy::new().with("SID", RECORD);
    for junk in [junk("junk", 500), junk("s%3Ajunk.short", 500), junk(&forged, 31)] {
        assert_eq!(id_for(&spy, &[junk, cookie("SID")]), "SID");
    }
    assert_eq!(
        id_for(&spy, &[junk(&forged, 32), cookie("SID")]),
        "N1",
        "signatures are not checked without end"
    );
}

#[test]
fn ids_are_data_whatever_they_hold() {
    for id in ["../../etc/passwd", "a\0b", "'; DROP TABLE sessions", "sess:*", "é日本", &"x".repeat(1000)]
    {
        let spy = Spy::new().with(id, RECORD);
        assert_eq!(id_for(&spy, &[cookie(id)]), id);
    }
    assert_eq!(id_for(&Spy::new(), &[cookie(&"x".repeat(SessionId::MAX_LEN + 1))]), "N1");
}

fn rotated() -> OptionsBuilder {
    Options::express(["new secret", "old secret"])
        .allow_weak_secret(true)
        .resave(false)
        .save_uninitialized(false)
}

#[test]
fn a_cookie_signed_with_a_retired_secret_is_reissued_if_asked_for() {
    for (reissue, secret, sent) in
        [(false, "old secret", false), (true, "old secret", true), (true, "new secret", false)]
    {
        let spy = Spy::new().with("SID", RECORD);
        let manager = manager(rotated().reissue(reissue), &spy).unwrap();
        let head = Head::new().with_session_signed("SID", secret);
        let session = now_or_never(manager.begin(&head)).unwrap().unwrap();
        assert_eq!(session.id().as_str(), "SID");
        let cookie = now_or_never(session.finish()).unwrap().set_cookie;
        assert_eq!(cookie.is_some(), sent, "reissue {reissue}, {secret}");
        if let Some(cookie) = cookie {
            let value = Secrets::new(["new secret"]).unwrap().cookie_value("SID");
            assert_eq!(cookie, format!("connect.sid={value}; Path=/; HttpOnly"));
        }
        assert_eq!(spy.calls(), ["get", "touch"], "the session itself is not rewritten");
    }
}

/// As in Express, whose sessions are stored without a cookie, or not at all.
#[test]
fn a_secure_cookie_is_not_sent_over_http() {
    for (tls, save, sent) in
        [(false, true, false), (true, true, true), (true, false, true), (false, false, false)]
    {
        let spy = Spy::new();
        let options = quiet().cookie(CookieOptions::new().secure(true)).save_without_cookie(save);
        let session =
            now_or_never(manager(options, &spy).unwrap().begin(&Head::new().tls(tls))).unwrap().unwrap();
        session.insert("n", 1).unwrap();
        let finished = now_or_never(session.finish()).unwrap();
        assert_eq!(finished.set_cookie.is_some(), sent, "tls {tls}");
        let stored = spy.doc("N1").is_some_and(|document| document.contains("\"secure\":true"));
        assert_eq!(stored, sent || save, "tls {tls}, save {save}");
    }
}

#[test]
fn what_a_handler_saved_without_a_cookie_is_taken_back() {
    let spy = Spy::new();
    let options = quiet().cookie(CookieOptions::new().secure(true)).save_without_cookie(false);
    let manager = manager(options, &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new())).unwrap().unwrap();
    now_or_never(session.update("n", |n: Option<u8>| n.unwrap_or(0) + 1)).unwrap();
    assert_eq!(spy.docs().len(), 1);
    assert_eq!(now_or_never(session.finish()).unwrap().set_cookie, None);
    assert!(spy.docs().is_empty());

    // A client that has such a cookie keeps its session, whatever the connection.
    let spy = Spy::new().with("SID", r#"{"cookie":{"secure":true,"path":"/","httpOnly":true},"n":1}"#);
    let options = quiet().save_without_cookie(false);
    let manager = crate::support::options::manager(options, &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.insert("n", 2).unwrap();
    now_or_never(session.finish()).unwrap();
    assert!(spy.doc("SID").unwrap().contains("\"n\":2"));
}

#[test]
fn a_lifetime_changed_by_a_handler_is_saved_and_sent_and_lasts() {
    let spy = Spy::new().with("SID", RECORD);
    let head = Head::new().with_session("SID");
    let manager = manager(quiet(), &spy).unwrap();
    let session = now_or_never(manager.begin(&head)).unwrap().unwrap();
    session.cookie_mut().set_max_age(Some(Duration::from_hours(1)));
    let cookie = now_or_never(session.finish()).unwrap().set_cookie.unwrap();
    assert!(cookie.contains("; Expires=Wed, 02 Jan 2030 04:04:05 GMT"), "{cookie}");
    spy.clock.advance(Duration::from_mins(59));
    spy.forget_calls();
    let session = now_or_never(manager.begin(&head)).unwrap().unwrap();
    assert_eq!(session.cookie().original_max_age(), Some(3_600_000.0));
    assert_eq!(now_or_never(session.finish()).unwrap().set_cookie, None, "once is enough");
    assert_eq!(spy.calls(), ["get", "touch"]);
}

#[test]
fn a_cookie_changed_and_saved_explicitly_is_sent_at_the_end() {
    let spy = Spy::new().with("SID", RECORD);
    let session = now_or_never(manager(quiet(), &spy).unwrap().begin(&Head::new().with_session("SID")))
        .unwrap()
        .unwrap();
    session.cookie_mut().set_path(Some("/app"));
    now_or_never(session.save()).unwrap();
    assert!(now_or_never(session.finish()).unwrap().set_cookie.unwrap().contains("; Path=/app"));
    assert_eq!(spy.calls(), ["get", "set"]);
}

#[test]
fn an_equal_cookie_is_no_change() {
    let spy = Spy::new().with("SID", RECORD);
    let session = now_or_never(manager(quiet(), &spy).unwrap().begin(&Head::new().with_session("SID")))
        .unwrap()
        .unwrap();
    session.cookie_mut().set_path(Some("/"));
    assert_eq!(now_or_never(session.finish()).unwrap().set_cookie, None);
    assert_eq!(spy.calls(), ["get", "touch"]);
}

#[test]
fn a_renewed_session_keeps_its_data_and_ends_the_old_id() {
    let spy = Spy::new().with("SID", RECORD);
    let manager = manager(quiet(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.renew();
    assert!(!session.is_new());
    session.insert("admin", true).unwrap();
    let sent = now_or_never(session.finish()).unwrap().set_cookie.unwrap();
    assert!(sent.starts_with(&cookie("N1")), "the new id is sent");
    assert_eq!(spy.docs().into_keys().collect::<Vec<_>>(), ["N1"]);
    assert!(spy.doc("N1").unwrap().ends_with(r#""user":"me","admin":true}"#));
    let stolen = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    assert!(stolen.is_new(), "whoever knew the old id has nothing");
}

#[test]
fn a_renewed_session_takes_along_what_others_have_changed_meanwhile() {
    let spy = Spy::new().with("SID", RECORD);
    let session = now_or_never(manager(quiet(), &spy).unwrap().begin(&Head::new().with_session("SID")))
        .unwrap()
        .unwrap();
    session.renew();
    session.insert("a", 1).unwrap();
    spy.meddle(|docs| drop(docs.insert("SID".into(), RECORD.replace("\"me\"", "\"me\",\"b\":2").into())));
    now_or_never(session.finish()).unwrap();
    assert!(spy.doc("N1").unwrap().ends_with(r#""user":"me","b":2,"a":1}"#));
}

#[test]
fn a_new_session_that_is_renewed_was_never_stored_under_its_first_id() {
    let spy = Spy::new();
    let session = now_or_never(manager(quiet(), &spy).unwrap().begin(&Head::new())).unwrap().unwrap();
    session.renew();
    session.insert("a", 1).unwrap();
    assert!(now_or_never(session.finish()).unwrap().set_cookie.is_some());
    assert_eq!(spy.calls(), ["set"]);
    assert_eq!(spy.docs().into_keys().collect::<Vec<_>>(), ["N2"]);
}

#[test]
fn a_client_cannot_choose_an_id() {
    let spy = Spy::new();
    let session = now_or_never(manager(quiet(), &spy).unwrap().begin(&Head::new().with_session("chosen")))
        .unwrap()
        .unwrap();
    session.insert("a", 1).unwrap();
    now_or_never(session.finish()).unwrap();
    assert_eq!(spy.docs().into_keys().collect::<Vec<_>>(), ["N1"]);
}
