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
    assert!(line.contains("the environment"), "{line}");

    let output = run_to_end("memory-session", &[], &[("PORT", "80800")]);
    assert!(complaint(&output).contains("`port`"));
    let output = run_to_end("memory-session", &[], &[("APP__SESSION__COOKIE__SECURE", "perhaps")]);
    assert!(complaint(&output).contains("[session]"));
    let output = run_to_end("memory-session", &[], &[("RUST_LOG", "a=b=c")]);
    assert!(complaint(&output).contains("RUST_LOG"));
    let output = run_to_end("login-process", &[], &[("APP__USERS__FILE", "no/such/file.json")]);
    assert!(complaint(&output).contains("no/such/file.json is not here"));
}

#[test]
fn a_misspelt_key_is_not_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let usual = fs::read_to_string(workspace().join("config/memory-session.toml")).unwrap();
    fs::write(&file, usual.replace("# resave =", "re_save =")).unwrap();
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
