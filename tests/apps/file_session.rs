//! A0, section 4.

use std::fs;
use std::path::Path;

use express_session_tests::{Client, RunningApp};

use crate::counting;

fn session_files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("sessions")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let sessions = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    sessions.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn the_folder_appears_with_one_file_per_session() {
    let app = RunningApp::start("file-session", &[]);
    let mut visitors = [Client::new(app.address()), Client::new(app.address())];
    for visitor in &mut visitors {
        let first = visitor.get("/");
        assert_eq!(first.text(), "View: 1");
        let cookie = first.header("set-cookie").unwrap();
        assert!(
            cookie.ends_with("; Path=/; HttpOnly"),
            "a cookie for as long as the browser is open: {cookie}"
        );
        assert_eq!(visitor.get("/").text(), "View: 2");
    }
    let files = session_files(app.folder());
    assert_eq!(files.len(), 2, "{files:?}");
    for visitor in &visitors {
        let signed = visitor.cookie("connect.sid").unwrap().strip_prefix("s%3A").unwrap();
        let id = signed.split('.').next().unwrap();
        assert!(files.contains(&format!("{id}.json")), "{files:?}");
        let text = fs::read_to_string(app.folder().join("sessions").join(format!("{id}.json"))).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["num"], 2);
        assert!(document["__lastAccess"].is_u64());
        let cookie =
            r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"num":2,"#;
        assert!(text.starts_with(cookie), "what the article does not set is not there: {text}");
    }
}

#[test]
fn counting_goes_on_after_a_restart_of_the_server() {
    let app = RunningApp::start("file-session", &[]);
    let mut visitor = Client::new(app.address());
    visitor.get("/");
    let cookie = visitor.cookie("connect.sid").unwrap().to_owned();
    let (status, log, folder) = app.stop("TERM");
    assert!(status.success(), "{log}");

    let app = RunningApp::start_in(folder, "file-session", &[]);
    let mut visitor = Client::new(app.address());
    visitor.set_cookie("connect.sid", &cookie);
    assert_eq!(visitor.get("/").text(), "View: 2");
}

#[test]
fn sixty_four_connections_count_exactly() {
    let app = RunningApp::start("file-session", &[]);
    counting::is_exact_under_load(&mut Client::new(app.address()), "/");
}
