//! A4, section 1.2.

use express_session_testbed::MariaDb;
use express_session_tests::{Client, RunningApp, mariadb};

use crate::counting;

#[test]
fn a_newcomer_is_welcomed_and_counted_exactly_over_a_restart_of_the_app() {
    let server = MariaDb::shared();
    mariadb::create_database(server, "session");
    let url = server.url("session");
    let app = RunningApp::start("page-views-mysql", &[("DATABASE_URL", &url)]);
    let mut visitor = Client::new(app.address());
    assert_eq!(visitor.get("/").text(), "Welcome to this page for the first time!");
    assert_eq!(visitor.get("/").text(), "Views 2");
    counting::is_exact_under_load(&mut visitor, "/");
    let cookie = visitor.cookie("connect.sid").unwrap().to_owned();
    app.stop("TERM");

    let app = RunningApp::start("page-views-mysql", &[("DATABASE_URL", &url)]);
    let mut visitor = Client::new(app.address());
    visitor.set_cookie("connect.sid", &cookie);
    // 2 seen above, one to learn the number, 64 × 20 at once, one to check.
    assert_eq!(visitor.get("/").text(), "Views 1285");
}
