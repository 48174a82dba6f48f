//! Bytes that are not a session: said, not guessed, and not lost.

use std::error::Error;

use express_session_core::{Expect, SessionId, SessionStore as _, StoreError};

use crate::Harness;
use crate::listed::all;
use crate::sample::{HarnessExt as _, new_id};

const UNDECODABLE: [&str; 10] = [
    "SECRET, not JSON",
    r#"{"cookie":{"originalMaxAge":null},"user":"SECRET"#,
    r#"{"cookie":{"originalMaxAge":null}} SECRET"#,
    r#"["SECRET"]"#,
    r#""SECRET""#,
    "12345",
    r#"{"user":"SECRET"}"#,
    r#"{"cookie":null,"user":"SECRET"}"#,
    r#"{"cookie":"SECRET"}"#,
    r#"{"cookie":{"originalMaxAge":"SECRET"}}"#,
];

/// `get` says [`StoreError::Corrupt`], without quoting them, and the bytes stay where they are or go into
/// quarantine.
pub async fn undecodable_bytes_are_corrupt_and_not_lost<H: Harness>(h: &H) {
    for bytes in UNDECODABLE {
        let id = new_id();
        h.put_raw(&id, bytes.as_bytes()).await;
        let error = match h.store().get(&id).await {
            Err(error @ StoreError::Corrupt(_)) => error,
            Err(other) => panic!("{bytes}: expected Corrupt, got {other:?}"),
            Ok(found) => panic!("{bytes}: expected Corrupt, got a session: {}", found.is_some()),
        };
        assert_no_leak(&error, &id);
        assert_not_lost(h, &id, bytes).await;
    }
    let id = new_id();
    h.put(&id, &h.document(&[("n", "1")])).await;
    let all = all(h.store()).await.unwrap();
    assert!(all.len() == 1 && all[0].0 == id, "a listing must tell what can be decoded from what cannot");
}

/// A write that expects a session says `Corrupt` (or `Gone`, after a quarantine), and writes nothing.
pub async fn undecodable_bytes_are_not_overwritten_by_a_conditional_write<H: Harness>(h: &H) {
    for bytes in UNDECODABLE {
        let id = new_id();
        let document = h.document(&[("n", "1")]);
        let revision = h.put(&id, &document).await;
        h.put_raw(&id, bytes.as_bytes()).await;
        match h.store().set(&id, &document, Expect::Revision(&revision)).await {
            Err(StoreError::Corrupt(_)) | Ok(express_session_core::SetOutcome::Gone) => {}
            Err(other) => panic!("{bytes}: expected Corrupt, got {other:?}"),
            Ok(_) => panic!("{bytes}: expected Corrupt, got written or a conflict"),
        }
        assert_not_lost(h, &id, bytes).await;
        // A touch may fail or not, but it neither destroys the bytes nor makes a session of them.
        let _ = h.store().touch(&id, &document, document.cookie()).await;
        assert_not_lost(h, &id, bytes).await;
    }
}

/// The id is not lost for good: `destroy` removes what is there, and a blind write replaces it.
pub async fn undecodable_bytes_can_be_destroyed_or_replaced<H: Harness>(h: &H) {
    for bytes in UNDECODABLE {
        let (destroyed, replaced) = (new_id(), new_id());
        h.put_raw(&destroyed, bytes.as_bytes()).await;
        h.store().destroy(&destroyed).await.expect("undecodable bytes can be destroyed");
        assert!(h.find(&destroyed).await.is_none(), "{bytes}: still there after destroy");
        h.put_raw(&replaced, bytes.as_bytes()).await;
        h.put(&replaced, &h.document(&[("n", "1")])).await;
        assert_eq!(h.read(&replaced).await.document.get_raw("n"), Some("1"), "{bytes}");
    }
}

async fn assert_not_lost<H: Harness>(h: &H, id: &SessionId, bytes: &str) {
    let kept = h.get_raw(id).await.as_deref() == Some(bytes.as_bytes())
        || h.quarantined(id).await.as_deref() == Some(bytes.as_bytes());
    assert!(kept, "{bytes}: the store lost the bytes it could not decode");
}

fn assert_no_leak(error: &StoreError, id: &SessionId) {
    let mut shown = format!("{error:?}");
    let mut layer: Option<&dyn Error> = Some(error);
    while let Some(error) = layer {
        shown.push_str(&error.to_string());
        layer = error.source();
    }
    assert!(!shown.contains("SECRET") && !shown.contains(id.as_str()), "the error shows data: {shown}");
}
