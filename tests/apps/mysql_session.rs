//! A0, section 5.

use express_session_testbed::MariaDb;
use express_session_tests::{Client, Response, RunningApp, mariadb};

use crate::attempts::until_refused;
use crate::safe_headers::are_safe;

/// The app on a database of its own.
fn start(database: &str) -> RunningApp {
    let server = MariaDb::shared();
    mariadb::create_database(server, database);
    RunningApp::start("mysql-session", &[("DATABASE_URL", &server.url(database))])
}

fn redirects(response: &Response, to: &str) {
    assert_eq!((response.status, response.header("location")), (302, Some(to)));
}

fn rows(database: &str) -> String {
    let statement = format!("SELECT COUNT(*) FROM {database}.sessions");
    mariadb::run(MariaDb::shared(), &statement).trim().to_owned()
}

#[test]
fn the_articles_login_flow_works() {
    let app = start("login_flow");
    let mut visitor = Client::new(app.address());
    let anonymous = visitor.get("/");
    redirects(&anonymous, "/login");
    assert_eq!(anonymous.header("set-cookie"), None, "nothing to remember, no cookie");
    let page = visitor.get("/login");
    for part in [
        "<title>login</title>",
        "action=\"/login\" method=\"post\"",
        "name=\"id\" placeholder=\"아이디\"",
        "type=\"password\" name=\"pw\" placeholder=\"비밀번호\"",
        "type=\"submit\"",
    ] {
        assert!(page.text().contains(part), "{part}");
    }
    assert_eq!(rows("login_flow"), "0");

    redirects(&visitor.post_form("/login", "id=hello&pw=world"), "/");
    let main = visitor.get("/");
    assert!(main.text().contains("<title>main</title>") && main.text().contains(">logout</a>"));
    redirects(&visitor.get("/login"), "/");
    let data = mariadb::run(MariaDb::shared(), "SELECT data FROM login_flow.sessions");
    assert!(data.contains(r#""user":"hello"}"#), "{data}");

    redirects(&visitor.get("/logout"), "/");
    redirects(&visitor.get("/"), "/login");
    assert_eq!(rows("login_flow"), "0");
}

#[test]
fn wrong_logins_lead_back_and_store_nothing() {
    let app = start("wrong_logins");
    let mut visitor = Client::new(app.address());
    let long = format!("id=hello&pw={}", "x".repeat(73));
    for form in ["id=hello&pw=bye", "id=nobody&pw=world", "id=hello", "", "id[]=hello&pw=world", &long] {
        redirects(&visitor.post_form("/login", form), "/login");
    }
    redirects(&visitor.get("/"), "/login");
    assert_eq!(rows("wrong_logins"), "0");
    redirects(&visitor.post_form("/login", "id=good&pw=bye"), "/");
}

#[test]
fn login_changes_the_id() {
    let app = start("login_changes");
    let mut visitor = Client::new(app.address());
    visitor.post_form("/login", "id=hello&pw=world");
    let mut before = visitor.another_tab();
    let first = visitor.cookie("connect.sid").unwrap().to_owned();
    visitor.post_form("/login", "id=hello&pw=world");
    assert_ne!(visitor.cookie("connect.sid").unwrap(), first);
    redirects(&before.get("/"), "/login");
}

#[test]
fn an_outage_is_an_error_page_and_ends_without_a_restart_of_the_app() {
    // What is committed is in the hands of the operating system, and survives the server's death.
    let mut server = MariaDb::start(&["--innodb-flush-log-at-trx-commit=2"]).unwrap();
    mariadb::create_database(&server, "session_test");
    let app = RunningApp::start("mysql-session", &[("DATABASE_URL", &server.url("session_test"))]);
    let mut visitor = Client::new(app.address());
    visitor.post_form("/login", "id=hello&pw=world");
    server.kill().unwrap();
    assert_eq!(visitor.get("/").status, 500);
    let mut newcomer = Client::new(app.address());
    let failed = newcomer.post_form("/login", "id=hello&pw=world");
    assert_eq!((failed.status, failed.text()), (500, "<h1>500 error</h1>"));
    assert_eq!(failed.header("set-cookie"), None, "no cookie for what was not stored");
    server.restart().unwrap();
    assert_eq!(visitor.get("/").status, 200, "still logged in");
    redirects(&newcomer.post_form("/login", "id=hello&pw=world"), "/");
}

#[test]
fn an_unreadable_page_is_the_articles_error_page() {
    let server = MariaDb::shared();
    mariadb::create_database(server, "no_pages");
    let url = server.url("no_pages");
    let app =
        RunningApp::start("mysql-session", &[("DATABASE_URL", &url), ("APP__WEBPAGE", "no/such/folder")]);
    let page = Client::new(app.address()).get("/login");
    assert_eq!((page.status, page.text()), (500, "<h1>500 error</h1>"));
}

#[test]
fn a_failed_login_is_said_once_and_stores_nothing() {
    let app = start("failed_login_notice");
    let mut visitor = Client::new(app.address());
    assert!(!visitor.get("/login").text().contains("role=\"alert\""));
    redirects(&visitor.post_form("/login", "id=hello&pw=no"), "/login");
    let page = visitor.get("/login");
    assert!(page.text().contains("<p role=\"alert\">로그인 실패"));
    assert!(page.text().contains("<title>login</title>"));
    assert!(!visitor.get("/login").text().contains("role=\"alert\""), "once");
    assert_eq!(rows("failed_login_notice"), "0");
}

#[test]
fn other_sites_cannot_log_a_visitor_in_or_out() {
    let app = start("cross_site");
    let mut visitor = Client::new(app.address());
    visitor.post_form("/login", "id=hello&pw=world");
    let mut lured = visitor.another_tab().fetching_from("cross-site");
    assert_eq!(lured.get("/logout").status, 403);
    assert_eq!(lured.post_form("/login", "id=good&pw=bye").status, 403);
    assert_eq!(visitor.get("/").status, 200);
}

#[test]
fn who_tries_too_often_has_to_wait() {
    let app = start("attempts");
    let mut guesser = Client::new(app.address());
    let (_, answered) = until_refused(|_| guesser.post_form("/login", "id=hello&pw=no"));
    assert!((20..=25).contains(&answered), "{answered}");
    redirects(&guesser.post_form("/login", "id=good&pw=bye"), "/");
}

#[test]
fn every_response_is_safe() {
    let app = start("safe_headers");
    let mut visitor = Client::new(app.address());
    are_safe(&visitor.get("/"));
    are_safe(&visitor.get("/login"));
    are_safe(&visitor.post_form("/login", "id=hello&pw=world"));
    are_safe(&visitor.get("/"));
}
