//! What an app says when it cannot start, and how it ends.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Output;
use std::thread;

use express_session_tests::app::{run_to_end, workspace};
use express_session_tests::{Client, RunningApp};

/// The one line on standard error; the exit code is not 0 and nothing else was printed.
fn complaint(output: &Output) -> &str {
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let text = std::str::from_utf8(&output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "one line:\n{text}");
    text.trim_end()
}

#[test]
fn a_port_in_use_is_said_with_what_to_do() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run_to_end("memory-session", &[], &[("PORT", &port)]);
    assert_eq!(
        complaint(&output),
        format!(
            "memory-session: port {port} on 127.0.0.1 is in use: stop the program that has it, or choose another by \
             the environment variable PORT or server.port in the configuration file"
        )
    );
}

#[test]
fn a_missing_secret_is_said_with_where_to_put_it() {
    let output = run_to_end("visit-counter", &[], &[]);
    let line = complaint(&output);
    assert!(line.starts_with("visit-counter: no session secret is set"), "{line}");
    assert!(line.contains("the environment variable COOKIE_SECRET"), "{line}");
    assert!(line.contains("`secret` under [session] in"), "{line}");
    assert!(line.contains("config/visit-counter.toml"), "{line}");
}

#[test]
fn a_short_secret_is_refused_and_not_shown() {
    let output = run_to_end("visit-counter", &[], &[("COOKIE_SECRET", "hush-hush")]);
    let line = complaint(&output);
    assert!(line.contains("9 bytes, at least 32 are needed"), "{line}");
    assert!(!line.contains("hush"), "{line}");
}

#[test]
fn an_empty_secret_is_refused_even_in_a_demo() {
    let output = run_to_end("memory-session", &[], &[("SESSION_SECRET", "")]);
    assert!(complaint(&output).contains("session secret number 1 is empty"));
}

#[test]
fn a_bad_value_is_said_with_its_key_and_where_it_comes_from() {
    let output = run_to_end("memory-session", &[], &[("APP__SERVER__PORT", "eighty")]);
    let line = complaint(&output);
    assert!(line.contains("[server]") && line.contains("\"eighty\"") && line.contains("`port`"), "{line}");
    assert!(line.contains("the environment variable APP__SERVER__PORT"), "{line}");

    let output = run_to_end("memory-session", &[], &[("PORT", "80800")]);
    let line = complaint(&output);
    assert!(line.contains("`port`") && line.contains("the environment variable PORT"), "{line}");
    let output = run_to_end("memory-session", &[], &[("APP__SESSION__COOKIE__SECURE", "perhaps")]);
    let line = complaint(&output);
    assert!(line.contains("[session]"), "{line}");
    assert!(line.contains("the environment variable APP__SESSION__COOKIE__SECURE"), "{line}");
    assert!(line.contains("`true`, `false`, `auto`"), "{line}");
    let output = run_to_end("memory-session", &[], &[("APP__SESSION__UNSET", "forget")]);
    assert!(complaint(&output).contains("unknown variant `forget`, expected `keep` or `destroy`"));
    let output = run_to_end("memory-session", &[], &[("APP__SESSION__OWNER_LIMIT__END_OLDEST", "0")]);
    let line = complaint(&output);
    assert!(line.contains("the environment variable APP__SESSION__OWNER_LIMIT__END_OLDEST"), "{line}");
    let output = run_to_end("memory-session", &[], &[("APP__SESSION__MAX_AGE", "abc")]);
    let line = complaint(&output);
    assert!(
        line.contains("the environment variable APP__SESSION__MAX_AGE") && line.contains("`max_age`"),
        "{line}"
    );
    let output = run_to_end("memory-session", &[], &[("APP__SESSION__ABSOLUTE_TIMEOUT_MS", "0")]);
    let line = complaint(&output);
    assert!(line.contains("the environment variable APP__SESSION__ABSOLUTE_TIMEOUT_MS"), "{line}");
    let output = run_to_end("memory-session", &[], &[("RUST_LOG", "a=b=c")]);
    assert!(complaint(&output).contains("RUST_LOG"));
    let output = run_to_end("login-process", &[], &[("APP__USERS__FILE", "no/such/file.json")]);
    let line = complaint(&output);
    assert!(line.contains("no/such/file.json is not here"), "{line}");
    assert!(line.contains("the environment variable APP__USERS__FILE"), "{line}");
}

#[test]
fn a_misspelt_key_is_not_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let usual = fs::read_to_string(workspace().join("config/memory-session.toml")).unwrap();
    fs::write(&file, format!("{usual}\n[session]\nre_save = true\n")).unwrap();
    let output = run_to_end("memory-session", &["--config", file.to_str().unwrap()], &[]);
    let line = complaint(&output);
    assert!(line.contains("mine.toml [session]") && line.contains("re_save"), "{line}");
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_said_without_its_text() {
    let output = run_to_end("memory-session", &["--config", "missing.toml"], &[]);
    assert_eq!(complaint(&output), "memory-session: --config missing.toml: there is no such file");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.toml");
    fs::write(&file, "[session]\nsecret = \"hush\n").unwrap();
    let output = run_to_end("memory-session", &["--config", file.to_str().unwrap()], &[]);
    let line = complaint(&output);
    assert!(line.contains("broken.toml") && line.contains("line 2") && !line.contains("hush"), "{line}");
}

#[test]
fn a_section_that_the_app_does_not_have_is_not_ignored() {
    let output = run_to_end("memory-session", &[], &[("APP__STORE__PATH", "elsewhere")]);
    let line = complaint(&output);
    assert!(line.contains("unknown field `store`"), "{line}");
}

#[test]
fn help_lists_what_can_be_set() {
    let output = run_to_end("page-views-mysql", &["--help"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    for word in [
        "--config <FILE>",
        "DATABASE_URL",
        "SESSION_SECRET",
        "first_life_ms",
        "cookie.same_site",
        "client_timeout_ms",
        "store.url",
        "config/README.md",
    ] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
}

#[test]
fn an_app_for_every_address_prints_one_that_answers() {
    let app = RunningApp::start("memory-session", &[("APP__SERVER__HOST", "0.0.0.0")]);
    assert!(app.log().contains("listening on http://localhost:"), "{}", app.log());
    assert_eq!(Client::new(app.address()).get("/").text(), "View: 1");
}

#[test]
fn several_secrets_can_be_set_by_either_variable() {
    let (new, old) =
        ("a new secret for tests, 32 bytes or more", "the old secret for tests, 32 bytes or more");
    let list = serde_json::json!([new, old]).to_string();
    for variable in ["SESSION_SECRET", "APP__SESSION__SECRET"] {
        let app = RunningApp::start("file-session", &[(variable, old)]);
        let mut visitor = Client::new(app.address());
        visitor.get("/");
        let cookie = visitor.cookie("connect.sid").unwrap().to_owned();
        let (_, _, folder) = app.stop("TERM");
        let app = RunningApp::start_in(folder, "file-session", &[(variable, &list)]);
        let mut visitor = Client::new(app.address());
        visitor.set_cookie("connect.sid", &cookie);
        assert_eq!(visitor.get("/").text(), "View: 2", "{variable}: the old secret still verifies");
        let mut newcomer = Client::new(app.address());
        newcomer.get("/");
        let cookie = newcomer.cookie("connect.sid").unwrap().to_owned();
        let (_, _, folder) = app.stop("TERM");
        let app = RunningApp::start_in(folder, "file-session", &[(variable, new)]);
        let mut newcomer = Client::new(app.address());
        newcomer.set_cookie("connect.sid", &cookie);
        assert_eq!(newcomer.get("/").text(), "View: 2", "{variable}: the new one signs");
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let app = RunningApp::start("memory-session", &[("APP__SESSION__NAME", "other")]);
    let response = Client::new(app.address()).get("/");
    assert!(response.header("set-cookie").unwrap().starts_with("other="));
}

#[test]
fn both_signals_end_the_app_cleanly() {
    for signal in ["TERM", "INT"] {
        let app = RunningApp::start("memory-session", &[]);
        // A connection kept open must not keep the app from ending.
        let mut visitor = Client::new(app.address());
        visitor.get("/");
        let (status, log, _) = app.stop(signal);
        assert!(status.success(), "{signal}: {status}\n{log}");
    }
}

#[test]
fn requests_that_run_when_the_signal_comes_are_answered() {
    let app = RunningApp::start("login-process", &[]);
    // bcrypt takes long enough for the signal to come in between.
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let mut visitor = Client::new(app.address());
            visitor.get("/");
            thread::spawn(move || visitor.post_form("/login_process", "id=hello&password=world").status)
        })
        .collect();
    // All have arrived, and are being worked on, when the first has been answered.
    let mut requests = requests.into_iter();
    assert_eq!(requests.next().unwrap().join().unwrap(), 302);
    let (status, log, _) = app.stop("TERM");
    for request in requests {
        assert_eq!(request.join().unwrap(), 302);
    }
    assert!(status.success(), "{log}");
}
