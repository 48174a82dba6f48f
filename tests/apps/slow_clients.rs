//! A client that sends a byte now and then gets no connection for ever.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use express_session_tests::RunningApp;

/// The app waits this long for a head or a body, and a second longer before it ends a connection.
const LIMIT: (&str, &str) = ("APP__SERVER__CLIENT_TIMEOUT_MS", "1000");
const AT_LEAST: Duration = Duration::from_millis(900);

/// Longer than the app may take, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two drops; a read that finds nothing for so long is the clock.
const PACE: Duration = Duration::from_millis(100);

/// Sends `start`, then `drop` again and again, until the app ends the connection; what it answered, and how long it took.
#[allow(clippy::disallowed_methods, reason = "another process is waited for, in real time")]
fn drip(app: &RunningApp, start: &str, drop: &str) -> (String, Duration) {
    let mut connection = TcpStream::connect(app.address()).unwrap();
    connection.set_read_timeout(Some(PACE)).unwrap();
    let began = Instant::now();
    connection.write_all(start.as_bytes()).unwrap();
    let (mut answer, mut piece) = (Vec::new(), [0; 1024]);
    loop {
        assert!(
            began.elapsed() < PATIENCE,
            "the connection goes on for ever: {:?}",
            String::from_utf8_lossy(&answer)
        );
        match connection.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
                // It fails once the app has ended the connection, which the next read finds out.
                let _ = connection.write_all(drop.as_bytes());
            }
        }
    }
    (String::from_utf8(answer).unwrap(), began.elapsed())
}

fn is_ended((answer, took): (String, Duration), begins_with: &str) {
    assert!(answer.starts_with(begins_with), "{answer:?}");
    assert!(took >= AT_LEAST, "a client may take its time: {took:?}");
}

#[test]
fn a_slow_head_is_answered_with_408() {
    let app = RunningApp::start("login-process", &[LIMIT]);
    is_ended(drip(&app, "GET / HTTP/1.1\r\nhost: a\r\nx: ", "x"), "HTTP/1.1 408 ");
}

#[test]
fn a_slow_head_on_a_connection_that_was_used_before_ends_it() {
    let app = RunningApp::start("login-process", &[LIMIT]);
    let first = "GET /rightLoginCheck HTTP/1.1\r\nhost: a\r\n\r\n";
    is_ended(drip(&app, &format!("{first}GET / HTTP/1.1\r\nhost: a\r\nx: "), "x"), "HTTP/1.1 302 ");
}

#[test]
fn a_slow_body_is_answered_with_408_and_is_no_login() {
    let app = RunningApp::start("login-process", &[LIMIT]);
    let head =
        "POST /login_process HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    is_ended(drip(&app, &format!("{head}content-length: 9999\r\n\r\nid="), "x"), "HTTP/1.1 408 ");
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n3\r\nid=\r\n");
    is_ended(drip(&app, &chunked, "1\r\nx\r\n"), "HTTP/1.1 408 ");
}

#[test]
fn a_slow_body_that_nobody_reads_ends_the_connection() {
    let app = RunningApp::start("login-process", &[LIMIT]);
    let head = "GET /rightLoginCheck HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    is_ended(drip(&app, head, "1\r\nx\r\n"), "HTTP/1.1 302 ");
}

#[test]
fn a_client_that_says_nothing_is_given_up() {
    let app = RunningApp::start("login-process", &[LIMIT]);
    let mut connection = TcpStream::connect(app.address()).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408 "), "{answer:?}");
}

#[test]
fn no_time_at_all_is_refused() {
    let output = express_session_tests::app::run_to_end(
        "login-process",
        &[],
        &[("APP__SERVER__CLIENT_TIMEOUT_MS", "0")],
    );
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("server.client_timeout_ms is 0"), "{text}");
}
