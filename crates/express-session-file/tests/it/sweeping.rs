//! What the sweep removes and what it leaves.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use express_session_core::{Clock as _, SessionStore as _, SessionStoreAdmin as _, SystemClock};
use express_session_file::{FileOptions, FileStore, QUARANTINE_FOLDER};

use crate::support::{Fixture, document, files, id};

fn age(path: &std::path::Path, by: Duration) {
    let at = SystemTime::from(SystemClock.now()) - by;
    File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
}

#[tokio::test]
async fn expired_and_falsy_files_go_live_and_foreign_ones_stay() {
    let fixture = Fixture::new();
    let minute = document(r#"{"cookie":{"originalMaxAge":60000},"n":1}"#);
    let hour = document(r#"{"cookie":{"originalMaxAge":3600000},"n":1}"#);
    fixture.set("dead", &minute).await;
    fixture.set("live", &hour).await;
    fixture.put("falsy.json", "null");
    fixture.put("corrupt.json", "{");
    fixture.put("other.sess", "{");
    fixture.put("notes.2024", "keep");
    fixture.clock.advance(Duration::from_millis(60_001));
    assert_eq!(fixture.store.sweep().await.unwrap(), 2);
    assert_eq!(fixture.files().into_keys().collect::<Vec<_>>(), ["live.json", "notes.2024", "other.sess"]);
    assert_eq!(files(&fixture.file(QUARANTINE_FOLDER)).len(), 1);
}

#[tokio::test]
async fn left_over_temporary_files_are_swept_when_nobody_can_be_writing_them() {
    let fixture = Fixture::new();
    for name in [".tmp-0-1", ".tmp-0-2", "sid.json.123", "sid.json.456", "other.txt.789"] {
        fixture.put(name, "{");
    }
    for (name, minutes) in
        [(".tmp-0-1", 6), ("sid.json.123", 61), ("sid.json.456", 6), ("other.txt.789", 999)]
    {
        age(&fixture.file(name), Duration::from_mins(minutes));
    }
    assert_eq!(fixture.store.sweep().await.unwrap(), 0);
    assert_eq!(
        fixture.files().into_keys().collect::<Vec<_>>(),
        [".tmp-0-2", "other.txt.789", "sid.json.456"]
    );
}

#[tokio::test]
async fn more_than_one_batch_and_fan_out() {
    for fan_out in [false, true] {
        let fixture = Fixture::with(|options| options.fan_out(fan_out));
        let minute = document(r#"{"cookie":{"originalMaxAge":60000},"n":1}"#);
        for number in 0..200 {
            fixture.set(&format!("s{number}"), &minute).await;
        }
        assert_eq!(express_session_contract::ids(&fixture.store).await.unwrap().len(), 200);
        assert_eq!(fixture.files().is_empty(), fan_out);
        fixture.clock.advance(Duration::from_mins(2));
        assert_eq!(fixture.store.sweep().await.unwrap(), 200);
        assert_eq!(fixture.store.length().await.unwrap(), 0);
    }
}

/// The background thread sweeps by itself, and lets go of the folder when the store is dropped.
#[tokio::test]
async fn the_background_sweep_runs_and_ends_with_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let options = FileOptions::new().path(dir.path()).ttl(Duration::from_millis(1));
    let store = FileStore::new(options.reap_interval(Duration::from_millis(5))).unwrap();
    store.set(&id("sid"), &document(r#"{"cookie":{}}"#), express_session_core::Expect::Any).await.unwrap();
    let file = dir.path().join("sid.json");
    while file.exists() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(store);
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none());
}
