//! A3.

use express_session_tests::{Client, RunningApp};

use crate::counting;

const SECRET: (&str, &str) = ("COOKIE_SECRET", "a secret for tests, thirty-two bytes or more");

#[test]
fn visits_are_counted_under_a_cookie_of_another_name() {
    let app = RunningApp::start("visit-counter", &[SECRET]);
    let mut visitor = Client::new(app.address());
    let first = visitor.get("/session");
    assert_eq!(first.text(), "1번 접속");
    assert!(first.header("set-cookie").unwrap().starts_with("sessionId=s%3A"));
    let second = visitor.get("/session");
    assert_eq!(second.text(), "2번 접속");
    // Without a maxAge the browser has the cookie already.
    assert_eq!(second.header("set-cookie"), None);
}

#[test]
fn a_path_that_puts_nothing_into_the_session_gives_no_cookie() {
    let app = RunningApp::start("visit-counter", &[SECRET]);
    let response = Client::new(app.address()).get("/");
    assert_eq!((response.status, response.header("set-cookie")), (404, None));
}

#[test]
fn sixty_four_connections_count_exactly() {
    let app = RunningApp::start("visit-counter", &[SECRET]);
    counting::is_exact_under_load(&mut Client::new(app.address()), "/session");
}
