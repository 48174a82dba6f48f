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
    for line in ["로그인 성공!", "hello 가 접속했습니다", "로그아웃", "잘못된 유저"] {
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
    assert!(app.log().contains("로그인 실패."));
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
