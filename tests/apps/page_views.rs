//! A4.

use express_session_tests::{Client, RunningApp};

use crate::counting;

#[test]
fn a_newcomer_is_welcomed_and_then_counted() {
    let app = RunningApp::start("page-views", &[]);
    let mut visitor = Client::new(app.address());
    assert_eq!(visitor.get("/").text(), "Welcome to this page for the first time!");
    assert_eq!(visitor.get("/").text(), "Views 2");
    assert_eq!(visitor.get("/").text(), "Views 3");
}

#[test]
fn sixty_four_connections_count_exactly() {
    let app = RunningApp::start("page-views", &[]);
    let mut visitor = Client::new(app.address());
    visitor.get("/");
    counting::is_exact_under_load(&mut visitor, "/");
}
