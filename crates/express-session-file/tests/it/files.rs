//! Names, permissions and folders.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use express_session_core::{Expect, SessionStore as _, SessionStoreAdmin as _, StoreError};
use express_session_file::{FileError, FileOptions, FileStore, RETRY_PAUSE};

use crate::support::{Fixture, NOW, document, empty, id, written};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn new_files_and_folders_are_for_their_owner_only() {
    let fixture = Fixture::new();
    fixture.set("sid", &empty()).await;
    assert_eq!(mode(&fixture.folder()), 0o700);
    assert_eq!(mode(&fixture.file("sid.json")), 0o600);
}

/// As in Node: a file that a group may read stays so, a folder too.
#[tokio::test]
async fn existing_rights_are_kept() {
    let fixture = Fixture::new();
    fixture.set("sid", &empty()).await;
    fs::set_permissions(fixture.file("sid.json"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(fixture.folder(), fs::Permissions::from_mode(0o750)).unwrap();
    let again = FileStore::new(FileOptions::new().path(fixture.folder())).unwrap();
    again.set(&id("sid"), &empty(), Expect::Any).await.unwrap();
    assert_eq!(mode(&fixture.file("sid.json")), 0o640);
    assert_eq!(mode(&fixture.folder()), 0o750);
}

#[tokio::test]
async fn writing_leaves_nothing_but_the_session_file() {
    let fixture = Fixture::new();
    let revision = fixture.set("sid", &empty()).await;
    fixture.touch("sid", &empty()).await.unwrap();
    fixture.store.set(&id("sid"), &empty(), Expect::Revision(&revision)).await.unwrap();
    fixture.store.set(&id("sid"), &empty(), Expect::Any).await.unwrap();
    assert_eq!(fs::read_dir(fixture.folder()).unwrap().count(), 1);
    fixture.store.destroy(&id("sid")).await.unwrap();
    assert_eq!(fs::read_dir(fixture.folder()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_folder_removed_while_running_comes_back_with_the_next_new_session() {
    let fixture = Fixture::new();
    let revision = fixture.set("sid", &empty()).await;
    fs::remove_dir_all(fixture.folder()).unwrap();
    assert!(fixture.store.get(&id("sid")).await.unwrap().is_none());
    assert_eq!(fixture.store.length().await.unwrap(), 0);
    assert_eq!(fixture.store.sweep().await.unwrap(), 0);
    let outcome = fixture.store.set(&id("sid"), &empty(), Expect::Revision(&revision)).await.unwrap();
    assert!(matches!(outcome, express_session_core::SetOutcome::Gone));
    fixture.set("new", &empty()).await;
    assert!(fixture.store.get(&id("new")).await.unwrap().is_some());
    assert_eq!(mode(&fixture.folder()), 0o700);
}

/// The revision is the bytes of the file, not the text that was read from them.
#[tokio::test]
async fn a_file_that_is_not_utf_8_is_read_and_written_over() {
    let fixture = Fixture::new();
    fixture.put("sid.json", b"{\"cookie\":{},\"name\":\"caf\xe9\"}");
    let stored = fixture.store.get(&id("sid")).await.unwrap().unwrap();
    assert_eq!(stored.document.get::<String>("name").unwrap().as_deref(), Some("caf\u{fffd}"));
    written(
        fixture.store.set(&id("sid"), &stored.document, Expect::Revision(&stored.revision)).await.unwrap(),
    );
}

#[tokio::test]
async fn a_symbolic_link_is_not_followed() {
    let fixture = Fixture::new();
    fixture.set("victim", &empty()).await;
    std::os::unix::fs::symlink(fixture.file("victim.json"), fixture.file("link.json")).unwrap();
    assert!(matches!(fixture.store.get(&id("link")).await, Err(StoreError::Backend(_))));
    let result = fixture.store.set(&id("link"), &empty(), Expect::Any).await;
    assert!(matches!(result, Err(StoreError::Backend(_))));
}

#[tokio::test]
async fn errors_name_neither_path_nor_id() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.file("top-secret-id.json")).unwrap();
    let error = fixture.store.get(&id("top-secret-id")).await.unwrap_err();
    let mut shown = format!("{error:?}");
    let mut layer: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = layer {
        shown += &error.to_string();
        layer = error.source();
    }
    assert!(!shown.contains("top-secret") && !shown.contains("sessions"), "{shown}");
}

#[test]
fn a_folder_below_a_file_cannot_be_opened() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let result = FileStore::new(FileOptions::new().path(dir.path().join("file/sessions")));
    assert!(matches!(result, Err(FileError::Io { .. })));
}

#[tokio::test]
async fn missing_folders_are_created_with_their_parents() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/c");
    FileStore::new(FileOptions::new().path(&path)).unwrap();
    assert!(path.is_dir());
}

/// The first read finds nothing, as the folder is empty when `get` starts.
#[tokio::test]
async fn retries_are_a_grace_for_files_that_appear_late() {
    let fixture = Fixture::with(|options| options.retries(1000));
    let late = tokio::spawn({
        let store = fixture.store.clone();
        async move { store.get(&id("late")).await.unwrap().is_some() }
    });
    tokio::time::sleep(RETRY_PAUSE).await;
    fixture.set("late", &empty()).await;
    assert!(late.await.unwrap());
}

#[tokio::test]
async fn retries_come_to_an_end() {
    let fixture = Fixture::with(|options| options.retries(2));
    assert!(fixture.store.get(&id("unknown")).await.unwrap().is_none());
}

/// Node reads `__lastAccess` plus the ttl, so the session ends at the same time there; its touch, as ours, is the present
/// instant again.
#[tokio::test]
async fn a_life_that_is_cut_short_is_a_last_access_in_the_past() {
    let minutes = Duration::from_mins;
    for (cookie, ttl) in
        [(r#""originalMaxAge":3600000"#, 60), (r#""originalMaxAge":null,"expires":null"#, 120)]
    {
        let fixture = Fixture::with(|options| options.ttl(minutes(120)));
        let document = document(&format!(r#"{{"cookie":{{{cookie},"httpOnly":true,"path":"/"}},"n":1}}"#));
        let last_access = |ago: Duration| {
            let instant = NOW.0 - i64::try_from(ago.as_millis()).unwrap();
            let text = document.text().strip_suffix('}').unwrap();
            assert_eq!(fixture.text("sid.json"), format!(r#"{text},"__lastAccess":{instant}}}"#));
        };
        written(fixture.store.set_for(&id("sid"), &document, Expect::Any, minutes(10)).await.unwrap());
        last_access(minutes(ttl - 10));
        fixture.touch("sid", &document).await.unwrap();
        last_access(Duration::ZERO);
        written(fixture.store.set_for(&id("sid"), &document, Expect::Any, minutes(500)).await.unwrap());
        last_access(Duration::ZERO);
    }
}

#[tokio::test]
async fn a_store_is_ready_for_as_long_as_its_folder_is_there() {
    let fixture = Fixture::with(|options| options);
    fixture.store.ready().await.unwrap();
    assert!(fs::read_dir(fixture.folder()).unwrap().next().is_none(), "nothing is left behind");
    fs::remove_dir(fixture.folder()).unwrap();
    let error = fixture.store.ready().await.unwrap_err();
    assert_eq!(error.to_string(), "cannot write to the session folder");
}

/// Root writes everywhere but where the system lets nobody.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_an_error_at_the_start() {
    let result = FileStore::new(FileOptions::new().path("/proc/self/fdinfo"));
    let Err(error @ FileError::Io { .. }) = result else { panic!("opened: {result:?}") };
    assert_eq!(error.to_string(), "cannot write to the session folder");
}
