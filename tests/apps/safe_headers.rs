//! What every response of every app tells browsers and caches.

use express_session_tests::{Client, Response, RunningApp};

const SECRET: (&str, &str) = ("COOKIE_SECRET", "a secret for tests, thirty-two bytes or more");

/// Nothing is kept, guessed or framed, and nothing runs but what the page was written with.
pub(crate) fn are_safe(response: &Response) {
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let policy = response.header("content-security-policy").expect("a content security policy");
    for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
}

#[test]
fn pages_redirects_and_errors_are_safe() {
    for (app, paths) in [
        ("memory-session", &["/", "/nowhere"][..]),
        ("file-session", &["/"]),
        ("page-views", &["/"]),
        ("visit-counter", &["/session", "/nowhere"]),
        ("login-process", &["/", "/rightLoginCheck", "/logout_process", "/nowhere"]),
    ] {
        let app = RunningApp::start(app, &[SECRET]);
        let mut visitors = [Client::new(app.address()), Client::new(app.address()).as_browser()];
        for visitor in &mut visitors {
            for path in paths {
                are_safe(&visitor.get(path));
            }
        }
    }
}

#[test]
fn the_page_names_its_own_style_and_script() {
    let app = RunningApp::start("login-process", &[]);
    let page = Client::new(app.address()).get("/");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("style-src 'sha256-") && policy.contains("script-src 'sha256-"), "{policy}");
    assert!(policy.contains("form-action 'self'"), "{policy}");
}
