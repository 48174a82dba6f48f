//! The files that superseded sessions leave behind: what they are called, what they say, and when they go.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use express_session_core::{
    Expect, SessionId, SessionStore as _, SessionStoreAdmin as _, Successor, SupersedeOutcome,
};

use crate::encryption::{QUICK, open};
use crate::support::{Fixture, empty, id};

const GRACE: Duration = Duration::from_mins(1);
/// SHA-256 of `old.json`.
const MARK: &str = ".ended-3b44bdbe535eeb337e41890e3971e82421a29ec7d70f34eeb3e6c4771fb62355-";

async fn supersede(fixture: &Fixture, old: &str, expect: Expect<'_>) -> SupersedeOutcome {
    let by = id("top-secret-new");
    fixture.store.supersede(&id(old), expect, Successor { id: &by, grace: GRACE }).await.unwrap()
}

async fn successor(fixture: &Fixture, old: &str) -> Option<SessionId> {
    fixture.store.successor(&id(old)).await.unwrap()
}

fn assert_done(outcome: &SupersedeOutcome) {
    assert!(matches!(outcome, SupersedeOutcome::Superseded), "{outcome:?}");
}

#[tokio::test]
async fn a_mark_is_one_small_file_for_its_owner_only() {
    let fixture = Fixture::new();
    let revision = fixture.set("old", &empty()).await;
    assert_done(&supersede(&fixture, "old", Expect::Revision(&revision)).await);
    assert_done(&supersede(&fixture, "old", Expect::Any).await);
    assert_eq!(fixture.files().into_keys().collect::<Vec<_>>(), [MARK]);
    assert_eq!(fixture.text(MARK), r#"{"until":1893553505678,"successor":"top-secret-new"}"#);
    assert_eq!(fs::metadata(fixture.file(MARK)).unwrap().permissions().mode() & 0o777, 0o600);
    let outcome = supersede(&fixture, "old", Expect::Revision(&revision)).await;
    assert!(matches!(outcome, SupersedeOutcome::Gone), "{outcome:?}");
}

/// The id of a live session is in it.
#[tokio::test]
async fn in_an_encrypted_folder_a_mark_is_encrypted() {
    let fixture = Fixture::with(|options| options.encryption(QUICK()));
    assert_done(&supersede(&fixture, "old", Expect::Any).await);
    let text = fixture.text(MARK);
    assert!(!text.contains("top-secret") && !text.contains("1893553505678"), "{text}");
    assert_eq!(open("secret", text.as_bytes()), r#"{"until":1893553505678,"successor":"top-secret-new"}"#);
    assert_eq!(successor(&fixture, "old").await, Some(id("top-secret-new")));
}

#[tokio::test]
async fn a_sweep_takes_a_mark_when_its_time_is_over_and_not_before() {
    for (fan_out, encrypted) in [(false, false), (true, false), (false, true)] {
        let fixture = Fixture::with(|options| {
            let options = options.fan_out(fan_out);
            if encrypted { options.encryption(QUICK()) } else { options }
        });
        assert_done(&supersede(&fixture, "old", Expect::Any).await);
        fixture.clock.advance(GRACE);
        assert_eq!(fixture.store.sweep().await.unwrap(), 0);
        assert_eq!(successor(&fixture, "old").await, Some(id("top-secret-new")), "the last millisecond");
        fixture.clock.advance(Duration::from_millis(1));
        assert_eq!(successor(&fixture, "old").await, None);
        assert_eq!(fixture.store.sweep().await.unwrap(), 0, "it is no session");
        let entries = walk(&fixture.folder());
        assert!(entries.is_empty(), "{entries:?}");
    }
}

/// The names of all files below a folder.
fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            names.extend(walk(&entry.path()));
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names
}

/// Another secret, a file cut off by a power cut.
#[tokio::test]
async fn a_mark_that_nobody_can_read_is_none_and_goes() {
    let fixture = Fixture::new();
    for text in ["", "{", "{}", r#"{"until":9999999999999}"#, r#"{"until":"x","successor":"a"}"#] {
        fixture.put(MARK, text);
        assert_eq!(successor(&fixture, "old").await, None);
        assert_eq!(fixture.store.sweep().await.unwrap(), 0);
        assert!(fixture.files().is_empty(), "{text}");
    }
}

#[tokio::test]
async fn clear_takes_marks_with_it() {
    let fixture = Fixture::new();
    assert_done(&supersede(&fixture, "old", Expect::Any).await);
    fixture.put("notes.2024", "keep");
    fixture.store.clear().await.unwrap();
    assert_eq!(successor(&fixture, "old").await, None);
    assert_eq!(fixture.files().into_keys().collect::<Vec<_>>(), ["notes.2024"]);
}

/// To a Node server with such an option every file in the folder is a session.
#[tokio::test]
async fn without_a_file_extension_there_are_no_marks() {
    let fixture = Fixture::with(|options| options.file_extension(""));
    let revision = fixture.set("old", &empty()).await;
    assert_done(&supersede(&fixture, "old", Expect::Revision(&revision)).await);
    assert_eq!(successor(&fixture, "old").await, None);
    assert!(fixture.files().is_empty());
}

#[tokio::test]
async fn an_id_that_no_file_can_have_is_absent() {
    let fixture = Fixture::new();
    let revision = fixture.set("a", &empty()).await;
    for name in ["../a", "a/../a", "nul"] {
        assert_done(&supersede(&fixture, name, Expect::Any).await);
        let outcome = supersede(&fixture, name, Expect::Revision(&revision)).await;
        assert!(matches!(outcome, SupersedeOutcome::Gone), "{outcome:?}");
        assert_eq!(successor(&fixture, name).await, None);
    }
    assert_eq!(fixture.files().into_keys().collect::<Vec<_>>(), ["a.json"]);
}

#[tokio::test]
async fn a_link_in_the_place_of_a_mark_is_replaced_and_not_followed() {
    let fixture = Fixture::new();
    fixture.set("victim", &empty()).await;
    let before = fixture.text("victim.json");
    std::os::unix::fs::symlink(fixture.file("victim.json"), fixture.file(MARK)).unwrap();
    assert_done(&supersede(&fixture, "old", Expect::Any).await);
    assert_eq!(fixture.text("victim.json"), before);
    assert_eq!(successor(&fixture, "old").await, Some(id("top-secret-new")));
}
