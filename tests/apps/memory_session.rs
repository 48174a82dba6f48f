//! A0, section 3.

use express_session_tests::{Client, RunningApp};

use crate::counting;

#[test]
fn the_page_counts_this_visitors_views() {
    let app = RunningApp::start("memory-session", &[]);
    let mut visitor = Client::new(app.address());
    let first = visitor.get("/");
    assert_eq!((first.status, first.text()), (200, "View: 1"));
    assert_eq!(visitor.get("/").text(), "View: 2");
    assert_eq!(visitor.another_tab().get("/").text(), "View: 3");
    assert_eq!(Client::new(app.address()).get("/").text(), "View: 1");
}

#[test]
fn the_cookie_is_the_articles() {
    let app = RunningApp::start("memory-session", &[]);
    let mut visitor = Client::new(app.address());
    let first = visitor.get("/");
    let cookie = first.header("set-cookie").unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("connect.sid=s%3A"), "{cookie}");
    assert!(attributes.starts_with("Path=/; Expires=") && attributes.ends_with(" GMT; HttpOnly"), "{cookie}");
    // Saved anew by each visit, and with a maxAge the cookie is sent anew with it, as in express.
    assert!(visitor.get("/").header("set-cookie").is_some());
}

#[test]
fn a_browser_gets_the_same_text_with_style() {
    let app = RunningApp::start("memory-session", &[]);
    let page = Client::new(app.address()).as_browser().get("/");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("<main>View: 1</main>"), "{}", page.text());
}

#[test]
fn the_log_shows_the_session_as_the_article_prints_it() {
    let app = RunningApp::start("memory-session", &[]);
    let mut visitor = Client::new(app.address());
    visitor.get("/");
    visitor.get("/");
    let log = app.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("Session {")).collect();
    let [first, second] = lines[..] else { panic!("one line for each visit:\n{log}") };
    assert!(first.contains(r#"Session {"cookie":{"originalMaxAge":86400000,"expires":"2"#), "{first}");
    // As in the article, the line comes before the visit is counted.
    assert!(first.ends_with(r#"Z","httpOnly":true,"path":"/"}}"#), "{first}");
    assert!(second.ends_with(r#","num":1}"#), "{second}");
    assert!(!log.contains(&visitor.cookie("connect.sid").unwrap()[4..20]), "no id in the log");
}

#[test]
fn a_page_says_which_language_it_is_in() {
    let app = RunningApp::start("memory-session", &[]);
    let page = Client::new(app.address()).as_browser().get("/");
    assert!(page.text().starts_with("<!doctype html><html lang=\"en\">"), "{}", page.text());
    let app = RunningApp::start("login-process", &[]);
    let page = Client::new(app.address()).as_browser().get("/");
    assert!(page.text().starts_with("<!doctype html><html lang=\"ko\">"), "{}", page.text());
}

#[test]
fn sixty_four_connections_count_exactly() {
    let app = RunningApp::start("memory-session", &[]);
    counting::is_exact_under_load(&mut Client::new(app.address()), "/");
}

#[test]
fn a_forged_cookie_begins_a_new_session() {
    let app = RunningApp::start("memory-session", &[]);
    let mut visitor = Client::new(app.address());
    visitor.get("/");
    let mut forger = visitor.another_tab();
    let altered = visitor.cookie("connect.sid").unwrap().replace("s%3A", "s%3Ax");
    forger.set_cookie("connect.sid", &altered);
    assert_eq!(forger.get("/").text(), "View: 1");
    assert_eq!(visitor.get("/").text(), "View: 2");
}
