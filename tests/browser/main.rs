//! Every article's app in a real browser.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

use express_session_testbed::MariaDb;
use express_session_tests::{Browser, RunningApp, mariadb};

/// The content security policy lets the page's own style through.
fn has_its_style(browser: &mut Browser) {
    assert_eq!(browser.script("return getComputedStyle(document.body).textAlign"), "center");
}

#[test]
fn the_counter_survives_a_reload_and_a_reopened_browser() {
    let app = RunningApp::start("memory-session", &[]);
    let mut browser = Browser::start();
    browser.go(&app.url("/"));
    assert_eq!(browser.visible_text(), "View: 1");
    browser.reload();
    assert_eq!(browser.visible_text(), "View: 2");
    browser.new_window();
    browser.go(&app.url("/"));
    assert_eq!(browser.visible_text(), "View: 3");
    browser.reopen();
    browser.go(&app.url("/"));
    assert_eq!(browser.visible_text(), "View: 4");
}

#[test]
fn a_script_in_the_page_cannot_read_the_cookie() {
    let app = RunningApp::start("page-views", &[]);
    let mut browser = Browser::start();
    browser.go(&app.url("/"));
    assert_eq!(browser.visible_text(), "Welcome to this page for the first time!");
    assert_eq!(browser.script("return document.cookie"), "");
    browser.reload();
    assert_eq!(browser.visible_text(), "Views 2");
}

#[test]
fn a_session_without_max_age_ends_with_the_browser() {
    let app = RunningApp::start(
        "visit-counter",
        &[("COOKIE_SECRET", "a secret for tests, thirty-two bytes or more")],
    );
    let mut browser = Browser::start();
    for visit in ["1번 접속", "2번 접속"] {
        browser.go(&app.url("/session"));
        assert_eq!(browser.visible_text(), visit);
    }
    browser.reopen();
    browser.go(&app.url("/session"));
    assert_eq!(browser.visible_text(), "1번 접속");
}

#[test]
fn login_stays_over_a_reload_and_the_back_button_does_not_undo_a_logout() {
    let app = RunningApp::start("login-process", &[]);
    let mut browser = Browser::start();
    browser.go(&app.url("/"));
    browser.type_into("[name=id]", "hello");
    browser.type_into("[name=password]", "wrong");
    browser.click("[type=submit]");
    assert!(browser.visible_text().contains("로그인 실패"), "{}", browser.visible_text());
    has_its_style(&mut browser);
    browser.type_into("[name=id]", "hello");
    browser.type_into("[name=password]", "world");
    browser.click("[type=submit]");
    assert_eq!(browser.url(), app.url("/"));
    assert!(browser.visible_text().starts_with("hello"), "{}", browser.visible_text());
    browser.reload();
    assert!(browser.visible_text().starts_with("hello"));
    browser.click("[href='/logout_process']");
    assert!(!browser.visible_text().contains("hello"));
    browser.back();
    browser.wait_until("!document.body.innerText.includes('hello')");
}

#[test]
fn the_mysql_login_stays_over_a_reload_and_the_back_button_does_not_undo_a_logout() {
    let server = MariaDb::start(&[]).unwrap();
    mariadb::create_database(&server, "session_test");
    let app = RunningApp::start("mysql-session", &[("DATABASE_URL", &server.url("session_test"))]);
    let mut browser = Browser::start();
    browser.go(&app.url("/"));
    assert_eq!((browser.url(), browser.title()), (app.url("/login"), "login".to_owned()));
    browser.type_into("[placeholder=아이디]", "hello");
    browser.type_into("[placeholder=비밀번호]", "wrong");
    browser.click("[type=submit]");
    assert_eq!(browser.url(), app.url("/login"));
    assert!(browser.visible_text().contains("로그인 실패"), "{}", browser.visible_text());
    has_its_style(&mut browser);
    browser.type_into("[name=id]", "hello");
    browser.type_into("[name=pw]", "world");
    browser.click("[type=submit]");
    assert_eq!((browser.url(), browser.title()), (app.url("/"), "main".to_owned()));
    browser.reload();
    assert_eq!(browser.title(), "main");
    browser.go(&app.url("/login"));
    assert_eq!(browser.url(), app.url("/"), "who is logged in needs no login page");
    browser.click("[href='/logout']");
    assert_eq!((browser.url(), browser.title()), (app.url("/login"), "login".to_owned()));
    browser.back();
    browser.wait_until("document.title === 'login'");
}
