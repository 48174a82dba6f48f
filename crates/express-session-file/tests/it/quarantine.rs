//! Files that are not sessions.

use express_session_core::{Expect, SessionStore as _, SessionStoreAdmin as _, StoreError};
use express_session_file::QUARANTINE_FOLDER;

use crate::support::{Fixture, empty, files, id};

#[tokio::test]
async fn a_corrupt_file_is_reported_once_kept_and_then_absent() {
    let fixture = Fixture::new();
    for (number, bytes) in ["", "{", "{\"cookie\":", "[]", "{}"].iter().enumerate() {
        fixture.put("sid.json", bytes);
        assert!(matches!(fixture.store.get(&id("sid")).await, Err(StoreError::Corrupt(_))), "{bytes}");
        assert!(fixture.store.get(&id("sid")).await.unwrap().is_none(), "{bytes}");
        assert_eq!(files(&fixture.file(QUARANTINE_FOLDER)).len(), number + 1, "{bytes}");
    }
    assert_eq!(fixture.store.length().await.unwrap(), 0);
    fixture.set("sid", &empty()).await;
    fixture.store.clear().await.unwrap();
    assert_eq!(files(&fixture.file(QUARANTINE_FOLDER)).len(), 5, "`clear` leaves the quarantine alone");
}

#[tokio::test]
async fn a_file_moved_back_is_a_session_again() {
    let fixture = Fixture::with(|options| options.secret("right"));
    fixture.set("sid", &empty()).await;
    let wrong = express_session_file::FileStore::new(
        express_session_file::FileOptions::new().path(fixture.folder()).secret("wrong"),
    )
    .unwrap();
    assert!(matches!(wrong.get(&id("sid")).await, Err(StoreError::Corrupt(_))));
    let (name, _) = files(&fixture.file(QUARANTINE_FOLDER)).pop_first().unwrap();
    let (original, _) = name.rsplit_once('.').unwrap();
    std::fs::rename(fixture.file(QUARANTINE_FOLDER).join(&name), fixture.file(original)).unwrap();
    assert!(fixture.store.get(&id("sid")).await.unwrap().is_some());
}

#[tokio::test]
async fn writes_that_meet_a_corrupt_file() {
    let fixture = Fixture::new();
    let revision = fixture.set("sid", &empty()).await;
    fixture.put("sid.json", "{");
    let result = fixture.store.set(&id("sid"), &empty(), Expect::Revision(&revision)).await;
    assert!(matches!(result, Err(StoreError::Corrupt(_))));
    fixture.put("sid.json", "{");
    assert!(matches!(fixture.touch("sid", &empty()).await, Err(StoreError::Corrupt(_))));
    assert_eq!(files(&fixture.file(QUARANTINE_FOLDER)).len(), 2);
    fixture.put("sid.json", "{");
    assert!(!fixture.store.destroy(&id("sid")).await.unwrap());
    assert!(fixture.files().is_empty(), "destroy removes whatever is there");
}
