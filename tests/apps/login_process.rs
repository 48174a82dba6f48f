//! A2.

use express_session_tests::{Client, Response, RunningApp};

fn redirects_to_index(response: &Response) {
    assert_eq!((response.status, response.header("location")), (302, Some("/")));
}

fn is_logged_in(visitor: &mut Client) -> bool {
    visitor.get("/").text().contains("<h1 id=\"user\">hello</h1>")
}

#[test]
fn the_right_password_logs_in_and_logout_ends_it() {
    let app = RunningApp::start("login-process", &[]);
    let mut visitor = Client::new(app.address());
    assert!(visitor.get("/").text().contains("action=\"/login_process\""));
    redirects_to_index(&visitor.post_form("/login_process", "id=hello&password=world"));
    assert!(is_logged_in(&mut visitor));
    redirects_to_index(&visitor.get("/rightLoginCheck"));
    redirects_to_index(&visitor.get("/logout_process"));
    assert!(!is_logged_in(&mut visitor));
    redirects_to_index(&visitor.get("/rightLoginCheck"));
    let log = app.log();
    for line in ["로그인 성공!", "hello 가 접속했습니다", "hello가 로그아웃했습니다.", "잘못된 유저"]
    {
        assert!(log.contains(line), "{line} is missing in:\n{log}");
    }
}

#[test]
fn a_wrong_password_does_not_log_in() {
    let app = RunningApp::start("login-process", &[]);
    let mut visitor = Client::new(app.address());
    let long = format!("id=hello&password={}", "x".repeat(73));
    for form in
        ["id=hello&password=x", "id=nobody&password=world", "id=hello", "id=hello&password=", "", &long]
    {
        redirects_to_index(&visitor.post_form("/login_process", form));
        assert!(!is_logged_in(&mut visitor), "{form}");
    }
    redirects_to_index(&visitor.post_json("/login_process", &serde_json::json!({ "id": "hello" })));
    assert!(app.log().contains("로그인 실패") && !app.log().contains("로그인 실패."));
    assert!(!app.log().contains("world"), "no password in the log");
}

#[test]
fn login_changes_the_id_so_that_a_planted_one_is_worthless() {
    let app = RunningApp::start("login-process", &[]);
    let mut attacker = Client::new(app.address());
    attacker.get("/");
    let planted = attacker.cookie("connect.sid").unwrap().to_owned();
    let mut victim = attacker.another_tab();
    victim.post_form("/login_process", "id=hello&password=world");
    assert_ne!(victim.cookie("connect.sid").unwrap(), planted);
    assert!(is_logged_in(&mut victim));
    assert!(!is_logged_in(&mut attacker));
}

#[test]
fn a_failed_login_is_said_once_and_the_session_knows_nothing_of_it() {
    let app = RunningApp::start("login-process", &[]);
    let mut visitor = Client::new(app.address());
    assert!(!visitor.get("/").text().contains("role=\"alert\""));
    redirects_to_index(&visitor.post_form("/login_process", "id=hello&password=x"));
    assert!(visitor.get("/").text().contains("<p role=\"alert\">로그인 실패"));
    assert!(!visitor.get("/").text().contains("role=\"alert\""), "once");
    visitor.post_form("/login_process", "id=hello&password=x");
    redirects_to_index(&visitor.post_form("/login_process", "id=hello&password=world"));
    assert!(!visitor.get("/").text().contains("role=\"alert\""), "not to who is logged in");
}

#[test]
fn other_sites_cannot_log_a_visitor_in_or_out() {
    let app = RunningApp::start("login-process", &[]);
    let mut visitor = Client::new(app.address());
    visitor.post_form("/login_process", "id=hello&password=world");
    let mut lured = visitor.another_tab().fetching_from("cross-site");
    assert_eq!(lured.get("/logout_process").status, 403);
    assert_eq!(lured.post_form("/login_process", "id=good&password=bye").status, 403);
    assert!(is_logged_in(&mut visitor));
    let mut clicking = visitor.another_tab().fetching_from("same-origin");
    redirects_to_index(&clicking.get("/logout_process"));
    assert!(!is_logged_in(&mut visitor));
}

#[test]
fn a_logout_of_nobody_is_not_logged() {
    let app = RunningApp::start("login-process", &[]);
    redirects_to_index(&Client::new(app.address()).get("/logout_process"));
    assert!(!app.log().contains("로그아웃"), "{}", app.log());
}
