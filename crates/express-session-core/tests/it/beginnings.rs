//! The two beginnings of options, as a visitor and the store see them.

use std::time::Duration;

use express_session_core::{
    CookieOptions, CookieRejection, Life, Options, OptionsBuilder, SameSite, SameSiteOption, Secrets, Secure,
    SetCookieError,
};

use crate::support::now_or_never;
use crate::support::options::{manager, numbered_ids};
use crate::support::request::Head;
use crate::support::spy::Spy;

const STRONG: &str = "Xq3vN8sT1kLw9RzB5yHc7JdF2gMp4UeA";

fn new() -> OptionsBuilder {
    numbered_ids(Options::new([STRONG]))
}

fn express() -> OptionsBuilder {
    numbered_ids(Options::express([STRONG]))
}

/// What the first request of a visitor gets: the attributes of the cookie, and the stored document.
fn first(options: OptionsBuilder, head: &Head, puts: bool) -> (Option<String>, Option<String>) {
    let spy = Spy::new();
    let session = now_or_never(manager(options, &spy).unwrap().begin(head)).unwrap().unwrap();
    if puts {
        session.insert("n", 1).unwrap();
    }
    let finished = now_or_never(session.finish()).unwrap();
    assert_eq!(finished.cookie_error, None);
    let attributes = finished.set_cookie.map(|cookie| cookie.split_once("; ").unwrap().1.to_owned());
    (attributes, spy.doc("N1"))
}

#[test]
fn new_remembers_nobody_without_data() {
    assert_eq!(first(new(), &Head::new(), false), (None, None));
    let (cookie, document) = first(express(), &Head::new(), false);
    assert!(cookie.is_some() && document.is_some());
}

#[test]
fn new_is_lax_and_as_secure_as_the_connection() {
    let (cookie, document) = first(new(), &Head::new(), true);
    assert_eq!(cookie.unwrap(), "Path=/; HttpOnly; SameSite=Lax");
    let expected = r#"{"cookie":{"originalMaxAge":null,"expires":null,"secure":false,"httpOnly":true,"path":"/","sameSite":"lax"},"n":1}"#;
    assert_eq!(document.unwrap(), expected);
    let (cookie, document) = first(new(), &Head::new().tls(true), true);
    assert_eq!(cookie.unwrap(), "Path=/; HttpOnly; Secure; SameSite=Lax");
    assert!(document.unwrap().contains(r#""secure":true"#));
}

#[test]
fn express_sends_and_stores_what_express_session_does() {
    let (cookie, document) = first(express(), &Head::new().tls(true), true);
    assert_eq!(cookie.unwrap(), "Path=/; HttpOnly");
    let expected = r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"n":1}"#;
    assert_eq!(document.unwrap(), expected);
}

#[test]
fn what_a_cookie_does_not_mention_keeps_the_default() {
    let cookie = |cookie| first(new().cookie(cookie), &Head::new().tls(true), true).0.unwrap();
    assert_eq!(cookie(CookieOptions::new().path("/")), "Path=/; HttpOnly; Secure; SameSite=Lax");
    assert_eq!(cookie(CookieOptions::new().secure(false)), "Path=/; HttpOnly; SameSite=Lax");
    assert_eq!(cookie(CookieOptions::new().same_site(SameSiteOption::Unset)), "Path=/; HttpOnly; Secure");
    let chosen = |https| {
        let options = new().cookie_with(|_| CookieOptions::new().http_only(false));
        first(options, &Head::new().tls(https), true).0.unwrap()
    };
    assert_eq!(chosen(true), "Path=/; Secure; SameSite=Lax");
    assert_eq!(chosen(false), "Path=/; SameSite=Lax");
}

#[test]
fn a_chosen_cookie_that_browsers_reject_is_stored_and_not_sent() {
    let rejected = || CookieOptions::new().same_site(SameSite::None).secure(Secure::No);
    let spy = Spy::new();
    let options = new().cookie_with(move |_| rejected());
    let session = now_or_never(manager(options, &spy).unwrap().begin(&Head::new())).unwrap().unwrap();
    session.insert("n", 1).unwrap();
    let finished = now_or_never(session.finish()).unwrap();
    assert_eq!(finished.set_cookie, None);
    assert_eq!(finished.cookie_error, Some(SetCookieError::Rejected(CookieRejection::SameSiteNone)));
    assert!(spy.doc("N1").is_some());
    let (cookie, _) =
        first(new().allow_rejected_cookie(true).cookie_with(move |_| rejected()), &Head::new(), true);
    assert_eq!(cookie.unwrap(), "Path=/; HttpOnly; SameSite=None");
}

#[test]
fn new_extends_a_session_that_was_read_once_a_tenth_of_its_life_has_passed() {
    let ttl = Duration::from_secs(100);
    for (elapsed, calls) in [(9, &["get"][..]), (10, &["get", "touch"])] {
        let life = Life { ttl, left: ttl.saturating_sub(Duration::from_secs(elapsed)) };
        let document = r#"{"cookie":{"originalMaxAge":100000,"expires":"2031-01-02T03:04:05.678Z","httpOnly":true,"path":"/"}}"#;
        let spy = Spy::new().with("SID", document).knowing_life(life);
        let signed = Secrets::new([STRONG]).unwrap().cookie_value("SID");
        let head = Head::new().header("cookie", format!("connect.sid={signed}"));
        let session = now_or_never(manager(new(), &spy).unwrap().begin(&head)).unwrap().unwrap();
        now_or_never(session.finish()).unwrap();
        assert_eq!(spy.calls(), calls, "{elapsed} seconds");
    }
}
