//! A1.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use express_session_testbed::redis::RedisServer;
use express_session_tests::app::workspace;
use express_session_tests::{Client, Response, RunningApp};
use serde_json::{Value, json};

use crate::attempts::until_refused;
use crate::safe_headers::are_safe;

const SECRET: (&str, &str) = ("SESSION_SECRET", "a secret for tests, thirty-two bytes or more");

fn start() -> (RedisServer, RunningApp) {
    let server = RedisServer::start(&[]).unwrap();
    let app = RunningApp::start("redis-session", &[SECRET, ("REDIS_URL", &server.url())]);
    (server, app)
}

fn credentials(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password })
}

fn answers(response: &Response, status: u16, body: &Value) {
    assert_eq!((response.status, &response.json()), (status, body));
}

#[test]
fn the_articles_flow_works() {
    let (_server, app) = start();
    assert!(app.log().contains("Redis에 연결되었습니다."));
    let mut visitor = Client::new(app.address());
    let protected = "/api/v1/protected";
    let refused = json!({ "status": "fail", "message": "인가되지 않음" });
    answers(&visitor.get(protected), 401, &refused);

    let signup = visitor.post_json("/api/v1/signup", &credentials("kim", "pass"));
    answers(
        &signup,
        201,
        &json!({ "status": "success", "data": { "user": { "id": 1, "username": "kim" } } }),
    );
    let cookie = signup.header("set-cookie").unwrap();
    assert!(cookie.starts_with("connect.sid=s%3A") && cookie.contains("; HttpOnly"), "{cookie}");
    assert!(!cookie.contains("Secure"), "not in development: {cookie}");
    assert_eq!(visitor.get(protected).status, 200);

    let logout = visitor.send("POST", "/api/v1/logout", None);
    let message = "로그아웃이 성공적으로 완료되었습니다";
    answers(&logout, 200, &json!({ "status": "success", "message": message }));
    let removal = logout.header("set-cookie").unwrap();
    assert!(removal.starts_with("connect.sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "{removal}");
    answers(&visitor.get(protected), 401, &refused);

    let unknown = json!({ "status": "fail", "message": "user not found" });
    answers(&visitor.post_json("/api/v1/login", &credentials("lee", "pass")), 404, &unknown);
    let wrong = json!({ "status": "fail", "message": "incorrect password" });
    answers(&visitor.post_json("/api/v1/login", &credentials("kim", "other")), 400, &wrong);
    let welcome = json!({ "status": "success" });
    answers(&visitor.post_json("/api/v1/login", &credentials("kim", "pass")), 200, &welcome);
    assert_eq!(visitor.get(protected).status, 200);
}

#[test]
fn a_name_is_given_away_once() {
    let (_server, app) = start();
    let address = app.address();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    Client::new(address).post_json("/api/v1/signup", &credentials("kim", "pass")).status
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 3, "{statuses:?}");
}

#[test]
fn bad_bodies_are_answered_in_json() {
    let (_server, app) = start();
    let mut visitor = Client::new(app.address());
    let long = "x".repeat(73);
    let name = "이".repeat(65);
    for (username, password) in
        [("", "pass"), ("   ", "pass"), (&name, "pass"), ("a\nb", "pass"), ("kim", ""), ("kim", &long)]
    {
        let refused = visitor.post_json("/api/v1/signup", &credentials(username, password));
        assert_eq!((refused.status, &refused.json()["status"]), (400, &json!("fail")), "{username:?}");
        assert_eq!(refused.header("set-cookie"), None);
    }
    let malformed: [&[u8]; 5] =
        [b"{", b"", b"[]", br#"{"username":"kim"}"#, br#"{"username":1,"password":"pass"}"#];
    for path in ["/api/v1/signup", "/api/v1/login"] {
        for body in malformed {
            let refused = visitor.send("POST", path, Some(("application/json", body)));
            assert_eq!((refused.status, &refused.json()["status"]), (400, &json!("fail")));
        }
        let other_type = visitor.post_form(path, "username=kim&password=pass");
        assert_eq!((other_type.status, &other_type.json()["status"]), (400, &json!("fail")));
    }
    let huge = visitor.post_json("/api/v1/signup", &credentials("kim", &"x".repeat(5000)));
    assert_eq!((huge.status, &huge.json()["status"]), (413, &json!("fail")));
    let nowhere = visitor.get("/api/v1/nowhere");
    assert_eq!((nowhere.status, &nowhere.json()["status"]), (404, &json!("fail")));
}

#[test]
fn login_changes_the_id_and_no_hash_leaves_the_server() {
    let (_server, app) = start();
    let mut visitor = Client::new(app.address());
    let signup = visitor.post_json("/api/v1/signup", &credentials("kim", "pass"));
    assert!(!signup.text().contains("$2"), "{}", signup.text());
    let planted = visitor.cookie("connect.sid").unwrap().to_owned();
    let mut attacker = visitor.another_tab();
    visitor.post_json("/api/v1/login", &credentials("kim", "pass"));
    assert_ne!(visitor.cookie("connect.sid").unwrap(), planted);
    assert_eq!(attacker.get("/api/v1/protected").status, 401);
    assert!(!app.log().contains("pass\"") && !app.log().contains("$2"), "{}", app.log());
}

#[test]
fn in_production_the_cookie_is_secure_and_needs_a_trusted_proxy() {
    let server = RedisServer::start(&[]).unwrap();
    let url = server.url();
    let variables = [SECRET, ("REDIS_URL", url.as_str()), ("NODE_ENV", "production")];
    let app = RunningApp::start("redis-session", &variables);
    let signup = Client::new(app.address()).post_json("/api/v1/signup", &credentials("kim", "pass"));
    assert_eq!((signup.status, signup.header("set-cookie")), (201, None), "never over plain HTTP");

    let app =
        RunningApp::start("redis-session", &[&variables[..], &[("APP__SESSION__PROXY", "true")]].concat());
    let mut visitor = Client::new(app.address()).behind_https_proxy();
    let login = visitor.post_json("/api/v1/login", &credentials("kim", "pass"));
    assert!(login.header("set-cookie").unwrap().contains("; Secure"));
}

#[test]
fn an_outage_is_an_error_in_json_and_ends_without_a_restart_of_the_app() {
    let (mut server, app) = start();
    let mut visitor = Client::new(app.address());
    server.kill().unwrap();
    let failed = visitor.post_json("/api/v1/signup", &credentials("kim", "pass"));
    assert_eq!((failed.status, &failed.json()["status"]), (500, &json!("fail")));
    server.restart().unwrap();
    assert_eq!(visitor.post_json("/api/v1/signup", &credentials("kim", "pass")).status, 201);
}

/// A page that hangs is worse than one that fails: visitors try again, and every try waits.
#[test]
fn a_frozen_server_is_an_error_within_bounds() {
    let (mut server, app) = start();
    let mut visitor = Client::new(app.address());
    assert_eq!(visitor.post_json("/api/v1/signup", &credentials("kim", "pass")).status, 201);
    server.process().signal("STOP").unwrap();
    #[allow(clippy::disallowed_methods, reason = "how long a real server takes")]
    let asked = Instant::now();
    let failed = Client::new(app.address()).post_json("/api/v1/login", &credentials("kim", "pass"));
    assert_eq!((failed.status, &failed.json()["status"]), (500, &json!("fail")));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    server.process().signal("CONT").unwrap();
    assert_eq!(visitor.post_json("/api/v1/login", &credentials("kim", "pass")).status, 200);
}

/// Redis without its replica, as during maintenance: who is logged in sees the pages, and nobody is told that a logout
/// was done.
#[test]
fn while_redis_takes_no_writes_pages_are_served_and_logouts_fail() {
    let (server, app) = start();
    let mut visitor = Client::new(app.address());
    visitor.post_json("/api/v1/signup", &credentials("kim", "pass"));
    let cookie = visitor.cookie("connect.sid").unwrap().to_owned();
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]).unwrap();
    for _ in 0..10 {
        assert_eq!(visitor.get("/api/v1/protected").status, 200);
    }
    let failed = visitor.send("POST", "/api/v1/logout", None);
    assert_eq!((failed.status, &failed.json()["status"]), (500, &json!("fail")));
    visitor.set_cookie("connect.sid", &cookie);
    assert_eq!(visitor.get("/api/v1/protected").status, 200, "it was not ended");
    assert_eq!(app.log().matches("sessions are read and not extended").count(), 1, "{}", app.log());
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]).unwrap();
    assert_eq!(visitor.send("POST", "/api/v1/logout", None).status, 200);
    visitor.set_cookie("connect.sid", &cookie);
    assert_eq!(visitor.get("/api/v1/protected").status, 401);
}

#[test]
fn the_readmes_curl_lines_run_and_print_what_it_says() {
    let (_server, app) = start();
    let readme = std::fs::read_to_string(workspace().join("apps/redis-session/README.md")).unwrap();
    let block = |language: &str| {
        let (_, rest) = readme.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let script = block("sh").replace("http://localhost:3000", &app.url(""));
    let output =
        Command::new("bash").args(["-eu", "-c", &script]).current_dir(app.folder()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), block("text"));
}

#[test]
fn who_tries_too_often_has_to_wait() {
    let (_server, app) = start();
    let mut guesser = Client::new(app.address());
    let long = "x".repeat(73);
    let (refused, answered) =
        until_refused(|_| guesser.post_json("/api/v1/login", &credentials("kim", &long)));
    assert!((20..=25).contains(&answered), "{answered}");
    let message = "too many attempts, please try again later";
    assert_eq!(refused.json(), json!({ "status": "fail", "message": message }));
    let unknown = guesser.post_json("/api/v1/login", &credentials("lee", &long));
    assert_eq!(unknown.status, 404, "others log in");
}

#[test]
fn other_sites_cannot_act_for_a_visitor() {
    let (_server, app) = start();
    let mut visitor = Client::new(app.address());
    visitor.post_json("/api/v1/signup", &credentials("kim", "pass"));
    let mut lured = visitor.another_tab().fetching_from("cross-site");
    assert_eq!(lured.send("POST", "/api/v1/logout", None).status, 403);
    assert_eq!(visitor.get("/api/v1/protected").status, 200);
}

#[test]
fn every_response_is_safe() {
    let (_server, app) = start();
    let mut visitor = Client::new(app.address());
    are_safe(&visitor.get("/api/v1/protected"));
    are_safe(&visitor.post_json("/api/v1/signup", &credentials("kim", "pass")));
    are_safe(&visitor.get("/api/v1/protected"));
    are_safe(&visitor.get("/api/v1/nowhere"));
}

/// The handles of a user's devices, this one's first.
fn devices(visitor: &mut Client) -> Vec<String> {
    let listed = visitor.get("/api/v1/devices");
    assert_eq!(listed.status, 200, "{}", listed.text());
    let mut devices = listed.json()["data"]["devices"].as_array().unwrap().clone();
    devices.sort_by_key(|device| device["current"] != json!(true));
    assert_eq!(devices[0]["current"], json!(true));
    devices.iter().map(|device| device["handle"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn users_see_their_devices_and_end_them() {
    let (_server, app) = start();
    let mut phone = Client::new(app.address());
    assert_eq!(phone.post_json("/api/v1/signup", &credentials("kim", "pass")).status, 201);
    let logged_in = || {
        let mut client = Client::new(app.address());
        assert_eq!(client.post_json("/api/v1/login", &credentials("kim", "pass")).status, 200);
        client
    };
    let (mut laptop, mut lost, mut library) = (logged_in(), logged_in(), logged_in());
    let mut stranger = Client::new(app.address());
    assert_eq!(stranger.get("/api/v1/devices").status, 401);
    assert_eq!(stranger.post_json("/api/v1/signup", &credentials("lee", "pass")).status, 201);

    let named = devices(&mut lost).remove(0);
    assert_eq!(devices(&mut phone).len(), 4);
    let end = format!("/api/v1/devices/{named}");
    assert_eq!(stranger.send("DELETE", &end, None).status, 404, "somebody else's device");
    assert_eq!(phone.send("DELETE", "/api/v1/devices/no-handle", None).status, 404);
    assert_eq!(lost.get("/api/v1/protected").status, 200);
    assert_eq!(phone.send("DELETE", &end, None).status, 200);
    assert_eq!(lost.get("/api/v1/protected").status, 401);

    let ended = phone.send("DELETE", "/api/v1/devices", None);
    answers(&ended, 200, &json!({ "status": "success", "data": { "ended": 2 } }));
    assert_eq!((laptop.get("/api/v1/protected").status, library.get("/api/v1/protected").status), (401, 401));
    let own = devices(&mut phone).remove(0);
    assert_eq!(phone.send("DELETE", &format!("/api/v1/devices/{own}"), None).status, 200);
    assert_eq!(phone.get("/api/v1/protected").status, 401, "to end oneself is a logout");
    assert_eq!(stranger.get("/api/v1/protected").status, 200);
}

#[test]
fn the_page_of_devices_works_without_a_script() {
    let (_server, app) = start();
    let mut other = Client::new(app.address());
    assert_eq!(other.post_json("/api/v1/signup", &credentials("kim", "pass")).status, 201);
    let mut browser = Client::new(app.address()).as_browser();
    are_safe(&browser.get("/devices"));
    assert!(browser.get("/devices").text().contains("action=\"/devices/login\""));
    let wrong = browser.post_form("/devices/login", "username=kim&password=wrong");
    assert!(wrong.status == 401 && wrong.text().contains("role=\"alert\""));
    let welcome = browser.post_form("/devices/login", "username=kim&password=pass");
    assert_eq!((welcome.status, welcome.header("location")), (303, Some("/devices")));

    let page = browser.get("/devices");
    are_safe(&page);
    assert_eq!(page.text().matches("<li>").count(), 2, "{}", page.text());
    assert_eq!(page.text().matches("<em>").count(), 1);
    assert_eq!(browser.post_form("/devices/end-others", "").status, 303);
    assert_eq!(other.get("/api/v1/protected").status, 401);
    let own = devices(&mut browser).remove(0);
    assert_eq!(browser.post_form(&format!("/devices/{own}/end"), "").status, 303);
    assert!(browser.get("/devices").text().contains("action=\"/devices/login\""));
}
