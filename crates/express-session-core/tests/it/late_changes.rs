//! What is changed after the end of a request, as by a streamed body, is lost unless it is saved: with one warning.

use std::time::Duration;

use express_session_core::{CookieOptions, Session};

use crate::support::log::log_of;
use crate::support::now_or_never;
use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;

const RECORD: &str = r#"{"cookie":{"originalMaxAge":null,"expires":null},"n":1}"#;

/// The warnings about late changes of a request that works before and after its end.
fn warnings(before: impl FnOnce(&Session), after: impl FnOnce(&Session), known: bool) -> Vec<String> {
    let log = log_of(|| {
        let spy = Spy::new().with("SID", RECORD);
        let head = if known { Head::new().with_session("SID") } else { Head::new() };
        let options = quiet().cookie(CookieOptions::new().max_age(Duration::from_mins(1)));
        let session = now_or_never(manager(options, &spy).unwrap().begin(&head)).unwrap().unwrap();
        before(&session);
        now_or_never(session.finish()).unwrap();
        let other_handle = session.clone();
        after(&other_handle);
    });
    log.into_iter().filter(|line| line.contains("after its response had started")).collect()
}

fn insert(session: &Session) {
    session.insert("secret-key", "private words").unwrap();
}

#[test]
fn one_warning_names_save_and_shows_no_data() {
    for known in [true, false] {
        let warnings = warnings(
            |_| {},
            |session| {
                insert(session);
                session.insert("more", 1).unwrap();
            },
            known,
        );
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("WARN") && warnings[0].contains("save()"), "{warnings:?}");
        for secret in ["secret-key", "private", "SID", "N1"] {
            assert!(!warnings[0].contains(secret), "{warnings:?}");
        }
    }
}

#[test]
fn a_late_renew_and_a_late_lifetime_are_lost_too() {
    assert_eq!(warnings(|_| {}, Session::renew, true).len(), 1);
    let longer = |session: &Session| session.cookie_mut().set_max_age(Some(Duration::from_hours(9)));
    assert_eq!(warnings(insert, longer, true).len(), 1);
}

#[test]
fn what_was_saved_ended_or_never_changed_is_no_loss() {
    let save = |session: &Session| {
        insert(session);
        now_or_never(session.save()).unwrap();
    };
    let put_back = |session: &Session| {
        insert(session);
        session.remove("secret-key");
    };
    let quiet: [fn(&Session); 5] = [
        |_| {},
        insert,
        Session::renew,
        Session::unset,
        |session| {
            now_or_never(session.destroy()).unwrap();
        },
    ];
    for before in quiet {
        assert_eq!(warnings(before, |_| {}, true), [""; 0]);
        assert_eq!(warnings(before, |_| {}, false), [""; 0]);
    }
    assert_eq!(warnings(|_| {}, save, true), [""; 0]);
    assert_eq!(warnings(|_| {}, put_back, true), [""; 0]);
    assert_eq!(warnings(|_| {}, |session| now_or_never(session.destroy()).unwrap(), true), [""; 0]);
    // Only its cookie: a new session without data is not stored, and nothing is lost that anybody has put in later.
    let cookie = |session: &Session| session.cookie_mut().set_max_age(None);
    assert_eq!(warnings(cookie, |_| {}, false), [""; 0]);
}
