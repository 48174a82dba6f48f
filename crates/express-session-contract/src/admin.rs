//! Destroy, and what operators do.

use express_session_core::{SessionStore as _, SessionStoreAdmin as _};

use crate::Harness;
use crate::sample::{HarnessExt as _, LONG, new_id};

/// `destroy` of a live session is true, of a missing one false, and never an error.
pub async fn destroy_says_whether_there_was_a_session<H: Harness>(h: &H) {
    let (id, other) = (new_id(), new_id());
    assert!(!h.store().destroy(&id).await.unwrap(), "there was nothing to destroy");
    h.put(&id, &h.document(&[("n", "1")])).await;
    h.put(&other, &h.document(&[("n", "2")])).await;
    assert!(h.store().destroy(&id).await.unwrap(), "there was a session to destroy");
    assert!(h.find(&id).await.is_none(), "the session outlived its destruction");
    assert!(!h.store().destroy(&id).await.unwrap(), "the session was already destroyed");
    assert!(h.find(&other).await.is_some(), "another session was destroyed");
}

/// `length` counts what is there.
pub async fn length_counts_the_sessions<H: Harness>(h: &H) {
    assert_eq!(h.store().length().await.unwrap(), 0);
    let ids: Vec<_> = (0..7).map(|_| new_id()).collect();
    for id in &ids {
        h.put(id, &h.document(&[("n", "1")])).await;
        h.put(id, &h.document(&[("n", "2")])).await;
    }
    assert_eq!(h.store().length().await.unwrap(), 7);
    h.store().destroy(&ids[0]).await.unwrap();
    assert_eq!(h.store().length().await.unwrap(), 6);
}

/// `clear` leaves an empty store that goes on working.
pub async fn clear_removes_everything<H: Harness>(h: &H) {
    h.store().clear().await.unwrap();
    let ids: Vec<_> = (0..7).map(|_| new_id()).collect();
    for id in &ids {
        h.put(id, &h.document(&[("n", "1")])).await;
    }
    h.store().clear().await.unwrap();
    assert_eq!(h.store().length().await.unwrap(), 0);
    for id in &ids {
        assert!(h.find(id).await.is_none(), "a session outlived `clear`");
    }
    h.put(&ids[0], &h.document(&[("n", "2")])).await;
    assert_eq!(h.store().length().await.unwrap(), 1);
}

/// `sweep` removes what has expired, says how many, and touches nothing that lives.
pub async fn sweep_removes_the_expired_and_nothing_else<H: Harness>(h: &H) {
    let (live, expired): (Vec<_>, Vec<_>) = (0..10).map(|_| (new_id(), new_id())).unzip();
    for (live, expired) in live.iter().zip(&expired) {
        h.put(live, &h.document_for(Some(LONG * 2), &[("n", "1")])).await;
        h.put(expired, &h.document(&[("n", "2")])).await;
    }
    for id in &expired {
        h.age(id, std::time::Duration::from_hours(2)).await;
    }
    let swept = h.store().sweep().await.unwrap();
    let left = if H::EXPIRES_BY_ITSELF { 0 } else { 10 };
    assert_eq!(swept, left, "`sweep` did not report what there was to remove");
    assert_eq!(h.store().sweep().await.unwrap(), 0, "the second sweep found something that the first left");
    assert_eq!(h.store().length().await.unwrap(), 10);
    for (live, expired) in live.iter().zip(&expired) {
        assert!(h.find(live).await.is_some(), "`sweep` removed a live session");
        assert!(h.get_raw(expired).await.is_none(), "`sweep` left an expired document");
    }
}
