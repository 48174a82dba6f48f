//! The option `max`.

use std::fs::File;
use std::time::{Duration, SystemTime};

use express_session_core::SessionStoreAdmin as _;

use crate::support::{Fixture, empty};

fn bounded(max: u64) -> Fixture {
    Fixture::with(|options| options.max(max))
}

/// Sets when the session was last written: so many minutes ago.
fn written(fixture: &Fixture, name: &str, minutes_ago: u64) {
    let file = File::options().write(true).open(fixture.file(&format!("{name}.json"))).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_mins(1_000_000 - minutes_ago)).unwrap();
}

fn names(fixture: &Fixture) -> Vec<String> {
    let names = fixture.files().into_keys();
    names.map(|name| name.strip_suffix(".json").map(String::from).unwrap()).collect()
}

#[tokio::test]
async fn the_least_recently_written_session_makes_room() {
    let fixture = bounded(3);
    for (name, minutes_ago) in [("a", 2), ("b", 3), ("c", 1)] {
        fixture.set(name, &empty()).await;
        written(&fixture, name, minutes_ago);
    }
    fixture.set("d", &empty()).await;
    assert_eq!(names(&fixture), ["a", "c", "d"]);
    // In the same millisecond a touch would write nothing.
    fixture.clock.advance(Duration::from_secs(1));
    fixture.touch("a", &empty()).await.unwrap();
    fixture.set("e", &empty()).await;
    assert_eq!(names(&fixture), ["a", "d", "e"], "a touch is a use");
}

#[tokio::test]
async fn a_session_that_is_written_again_takes_no_room() {
    let fixture = bounded(2);
    for _ in 0..3 {
        fixture.set("a", &empty()).await;
        fixture.set("b", &empty()).await;
    }
    assert_eq!(names(&fixture), ["a", "b"]);
}

#[tokio::test]
async fn the_session_that_was_one_too_many_stays() {
    let fixture = bounded(1);
    for name in ["a", "b", "c"] {
        fixture.set(name, &empty()).await;
        written(&fixture, name, 60);
    }
    assert_eq!(names(&fixture), ["c"]);
}

#[tokio::test]
async fn a_destroyed_session_leaves_its_room() {
    use express_session_core::SessionStore as _;
    let fixture = bounded(2);
    for name in ["a", "b", "c", "d"] {
        fixture.set(name, &empty()).await;
        fixture.store.destroy(&crate::support::id(name)).await.unwrap();
    }
    fixture.set("e", &empty()).await;
    fixture.set("f", &empty()).await;
    assert_eq!(names(&fixture), ["e", "f"]);
}

/// The folder is not listed for each of them.
#[tokio::test]
async fn a_tenth_of_the_bound_is_freed_at_once() {
    let fixture = bounded(50);
    for number in 0..51 {
        fixture.set(&format!("session-{number}"), &empty()).await;
    }
    assert_eq!(names(&fixture).len(), 45);
}

#[tokio::test]
async fn what_others_have_written_counts_from_the_next_sweep_on() {
    let fixture = bounded(3);
    fixture.set("a", &empty()).await;
    let text = fixture.text("a.json");
    for name in ["b", "c"] {
        fixture.put(&format!("{name}.json"), &text);
    }
    written(&fixture, "b", 60);
    assert_eq!(fixture.store.sweep().await.unwrap(), 0);
    fixture.set("d", &empty()).await;
    assert_eq!(names(&fixture), ["a", "c", "d"]);
}

#[tokio::test]
async fn what_was_there_before_the_start_counts() {
    let fixture = Fixture::new();
    for name in ["a", "b"] {
        fixture.set(name, &empty()).await;
        written(&fixture, name, 60);
    }
    let fixture = fixture.reopened(|options| options.max(2));
    fixture.set("c", &empty()).await;
    assert_eq!(names(&fixture).len(), 2);
}

#[tokio::test]
async fn a_session_that_is_being_written_is_passed_over() {
    let fixture = bounded(2);
    for (name, minutes_ago) in [("a", 2), ("b", 1)] {
        fixture.set(name, &empty()).await;
        written(&fixture, name, minutes_ago);
    }
    let lock = File::open(fixture.file("a.json")).unwrap();
    lock.lock().unwrap();
    fixture.set("c", &empty()).await;
    assert_eq!(names(&fixture), ["a", "b", "c"]);
    drop(lock);
    fixture.set("d", &empty()).await;
    assert_eq!(names(&fixture), ["c", "d"]);
}
