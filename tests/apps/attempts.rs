//! Who tries too often to log in has to wait.

use express_session_tests::{Client, Response, RunningApp};

/// Tries until it is refused; the refusal, and how many attempts were answered before.
pub(crate) fn until_refused(mut attempt: impl FnMut(u32) -> Response) -> (Response, u32) {
    for answered in 0..100 {
        let response = attempt(answered);
        if response.status == 429 {
            let seconds: u32 = response.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
            assert_eq!(response.header("set-cookie"), None);
            return (response, answered);
        }
    }
    panic!("nobody is refused");
}

#[test]
fn a_user_can_be_guessed_at_a_few_times_only() {
    let app = RunningApp::start("login-process", &[]);
    let mut guesser = Client::new(app.address());
    guesser.get("/");
    let (page, answered) = until_refused(|_| guesser.post_form("/login_process", "id=hello&password=no"));
    assert!((20..=25).contains(&answered), "{answered}");
    assert!(page.text().contains("Too many attempts"), "{}", page.text());
    let right = guesser.post_form("/login_process", "id=hello&password=world");
    assert_eq!(right.status, 429, "a refusal says nothing about the password");
    assert_eq!(guesser.post_form("/login_process", "id=good&password=bye").status, 302, "others log in");
    assert!(guesser.get("/").text().contains(">good<"));
}

#[test]
fn an_address_cannot_try_one_user_after_the_other() {
    let app = RunningApp::start("login-process", &[]);
    let mut guesser = Client::new(app.address());
    guesser.get("/");
    // Too long a password is refused without a comparison, so that the test is quick; it counts all the same.
    let long = "x".repeat(73);
    let (_, answered) = until_refused(|number| {
        guesser.post_form("/login_process", &format!("id=user{number}&password={long}"))
    });
    assert!((60..=70).contains(&answered), "{answered}");
}
