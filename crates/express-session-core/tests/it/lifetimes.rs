//! How sessions live on: touches, the ones that are skipped, and the end for good.

use std::time::Duration;

use express_session_core::{CookieOptions, Finished, Life, OptionsBuilder, Session, TouchAfter, UnixMillis};

use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{NOW, now_or_never};

const HOUR: Duration = Duration::from_hours(1);
const RECORD: &str = r#"{"cookie":{"originalMaxAge":3600000,"expires":"2030-01-02T03:34:05.678Z","httpOnly":true,"path":"/"},"n":1}"#;

fn options() -> OptionsBuilder {
    quiet().cookie(CookieOptions::new().max_age(HOUR))
}

fn request(options: OptionsBuilder, spy: &Spy, work: impl FnOnce(&Session)) -> Finished {
    let manager = manager(options, spy).unwrap();
    now_or_never(async {
        let session = manager.begin(&Head::new().with_session("SID")).await.unwrap().unwrap();
        work(&session);
        session.finish().await.unwrap()
    })
}

fn aged(minutes: u64) -> Spy {
    let life = Life { ttl: HOUR, left: HOUR.saturating_sub(Duration::from_mins(minutes)) };
    Spy::new().with("SID", RECORD).knowing_life(life)
}

#[test]
fn touches_are_skipped_until_they_are_due() {
    let after = |touch_after| move || options().touch_after(touch_after);
    let elapsed = after(TouchAfter::Elapsed(Duration::from_mins(10)));
    let share = after(TouchAfter::Share(0.5));
    for (options, minutes, due) in [
        (&elapsed as &dyn Fn() -> OptionsBuilder, 9, false),
        (&elapsed, 10, true),
        (&share, 29, false),
        (&share, 30, true),
        (&options as &dyn Fn() -> OptionsBuilder, 0, true),
    ] {
        let spy = aged(minutes);
        request(options(), &spy, |_| {});
        let expected: &[&str] = if due { &["get", "touch"] } else { &["get"] };
        assert_eq!(spy.calls(), expected, "{minutes} minutes");
    }
}

#[test]
fn a_store_that_does_not_know_the_age_is_touched() {
    let spy = Spy::new().with("SID", RECORD);
    request(options().touch_after(TouchAfter::Elapsed(HOUR)), &spy, |_| {});
    assert_eq!(spy.calls(), ["get", "touch"]);
}

#[test]
fn a_handlers_touch_is_never_skipped_and_a_change_always_saved() {
    let throttled = || options().touch_after(TouchAfter::Share(1.0));
    let spy = aged(1);
    request(throttled(), &spy, Session::touch);
    assert_eq!(spy.calls(), ["get", "touch"]);
    let spy = aged(1);
    request(throttled(), &spy, |session| session.insert("n", 2).unwrap());
    assert_eq!(spy.calls(), ["get", "set"]);
}

#[test]
fn a_read_that_extends_makes_a_read_only_request_one_call() {
    let spy = Spy::new().with("SID", RECORD).touching_on_read();
    request(options(), &spy, |_| {});
    assert_eq!(spy.calls(), ["get"]);
    request(options().rolling(true), &spy, |_| {}).set_cookie.unwrap();
    assert_eq!(spy.calls(), ["get", "get"]);
    spy.forget_calls();
    request(options(), &spy, |session| session.insert("n", 2).unwrap());
    assert_eq!(spy.calls(), ["get", "set"]);
}

#[test]
fn with_resave_the_read_does_not_extend_what_the_write_will() {
    let spy = Spy::new().with("SID", RECORD).touching_on_read();
    request(options().resave(true), &spy, |_| {});
    assert_eq!(spy.calls(), ["get", "set"]);
}

#[test]
fn an_idle_session_ends_and_a_used_one_goes_on() {
    let spy = Spy::new().with("SID", RECORD);
    for _ in 0..5 {
        spy.clock.advance(Duration::from_mins(29));
        request(options(), &spy, |session| assert!(!session.is_new()));
    }
    spy.clock.advance(HOUR);
    request(options(), &spy, |session| assert!(session.is_new()));
}

fn absolute() -> OptionsBuilder {
    options().absolute_timeout(HOUR)
}

fn created_at(spy: &Spy) -> Option<i64> {
    let record = express_session_core::Document::decode(spy.doc("SID")?.as_bytes()).unwrap().unwrap();
    record.get("__createdAt").unwrap()
}

#[test]
fn the_absolute_timeout_ends_a_session_however_active_it_is() {
    let spy = Spy::new().with("SID", RECORD.replace("\"n\":1", &format!("\"__createdAt\":{}", NOW.0)));
    for _ in 0..3 {
        spy.clock.advance(Duration::from_mins(19));
        request(absolute(), &spy, |session| assert_eq!(session.id().as_str(), "SID"));
        assert_eq!(created_at(&spy), Some(NOW.0));
    }
    assert!(!spy.calls().contains(&"set"));
    spy.clock.advance(Duration::from_mins(3));
    request(absolute(), &spy, |session| assert!(session.is_new()));
    assert!(spy.docs().is_empty(), "for good");
}

/// The reading clock and the deciding one are the same, so the boundary is exact.
#[test]
fn the_absolute_timeout_is_exact() {
    for (ms_left, alive) in [(1, true), (0, false), (-1, false)] {
        let created = NOW.0 - 3_600_000 + ms_left;
        let spy = Spy::new().with("SID", RECORD.replace("\"n\":1", &format!("\"__createdAt\":{created}")));
        request(absolute(), &spy, |session| assert_eq!(!session.is_new(), alive, "{ms_left}"));
    }
}

#[test]
fn a_session_without_a_creation_time_starts_to_count_when_it_is_first_seen() {
    for n in ["\"n\":1", "\"n\":1,\"__createdAt\":\"garbage\""] {
        let spy = Spy::new().with("SID", RECORD.replace("\"n\":1", n));
        request(absolute(), &spy, |_| {});
        assert_eq!(spy.calls(), ["get", "set"]);
        assert_eq!(created_at(&spy), Some(NOW.0));
        request(absolute(), &spy, |_| {});
        assert_eq!(spy.calls(), ["get", "set", "get", "touch"], "only once");
        spy.clock.set(UnixMillis(NOW.0 + 3_600_000));
        spy.meddle(|docs| {
            let later = String::from_utf8(docs["SID"].clone()).unwrap().replace("2030-01-02", "2031-01-02");
            docs.insert("SID".into(), later.into());
        });
        request(absolute(), &spy, |session| assert!(session.is_new()));
    }
}

#[test]
fn a_handler_cannot_lose_the_creation_time() {
    let spy = Spy::new().with("SID", RECORD.replace("\"n\":1", r#""__createdAt":5,"n":1"#));
    spy.clock.set(UnixMillis(1000));
    request(absolute(), &spy, Session::clear);
    assert_eq!(created_at(&spy), Some(5));
    // It stays with the data under a new id.
    request(absolute(), &spy, Session::renew);
    let doc = spy.doc("N1").unwrap();
    assert!(doc.contains(r#""__createdAt":5"#), "{doc}");
}

#[test]
fn a_new_session_keeps_its_creation_time_only_if_it_is_asked_for() {
    for (options, kept) in [(options(), false), (absolute(), true)] {
        let spy = Spy::new();
        request(options, &spy, |session| session.insert("n", 1).unwrap());
        assert_eq!(spy.doc("N1").unwrap().contains("__createdAt"), kept);
    }
    let spy = Spy::new();
    let finished = request(absolute(), &spy, |_| {});
    assert_eq!((spy.calls(), finished.set_cookie), (vec!["get"], None), "nothing was put into it");
}
