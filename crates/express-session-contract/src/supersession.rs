//! An id whose session another one has taken the place of: a mark, and no session.

use std::time::Duration;

use express_session_core::{
    Expect, SessionId, SessionStore as _, SessionStoreAdmin as _, Successor, SupersedeOutcome, TouchOutcome,
};

use crate::Harness;
use crate::hostile_ids::storable_ids;
use crate::listed::ids;
use crate::sample::{HarnessExt as _, MINUTE, assert_gone, new_id};

async fn supersede<H: Harness>(
    h: &H,
    id: &SessionId,
    expect: Expect<'_>,
    by: &SessionId,
) -> SupersedeOutcome {
    h.store().supersede(id, expect, Successor { id: by, grace: MINUTE }).await.expect("supersede succeeds")
}

async fn successor<H: Harness>(h: &H, id: &SessionId) -> Option<SessionId> {
    h.store().successor(id).await.expect("successor succeeds")
}

/// A superseded session is absent to every verb, in no listing, and names its successor.
pub async fn a_superseded_session_is_absent_and_names_its_successor<H: Harness>(h: &H) {
    let (id, by) = (new_id(), new_id());
    let document = h.document(&[("secret", "1")]);
    let revision = h.put(&id, &document).await;
    assert_eq!(successor(h, &id).await, None, "a session that is there has no successor");
    let outcome = supersede(h, &id, Expect::Revision(&revision), &by).await;
    assert!(matches!(outcome, SupersedeOutcome::Superseded), "{outcome:?}");

    assert_eq!(successor(h, &id).await, Some(by.clone()));
    assert_eq!(successor(h, &by).await, None);
    assert!(h.find(&id).await.is_none(), "get finds a mark");
    assert_gone(
        &h.store().set(&id, &document, Expect::Revision(&revision)).await.unwrap(),
        "to a superseded session",
    );
    let touched = h.store().touch(&id, &document, &h.cookie(Some(MINUTE))).await.unwrap();
    assert_eq!(touched, TouchOutcome::Gone, "touch finds a mark");
    assert!(!h.store().destroy(&id).await.unwrap(), "destroy takes a mark for a session");
    assert!(ids(h.store()).await.unwrap().is_empty(), "a page has a mark");
    assert_eq!(h.store().length().await.unwrap(), 0, "length counts a mark");
}

/// Superseding a session that somebody has written meanwhile is a conflict: nothing is lost, and nothing marked.
pub async fn superseding_by_a_stale_revision_is_a_conflict_and_changes_nothing<H: Harness>(h: &H) {
    let id = new_id();
    let stale = h.put(&id, &h.document(&[("n", "1")])).await;
    h.put(&id, &h.document(&[("n", "2")])).await;
    let before = h.get_raw(&id).await;
    let SupersedeOutcome::Conflict(newer) = supersede(h, &id, Expect::Revision(&stale), &new_id()).await
    else {
        panic!("expected a conflict");
    };
    assert_eq!(newer.document.get_raw("n"), Some("2"), "the conflict carries another record than is stored");
    assert!(h.get_raw(&id).await == before, "a conflict must not change what is stored");
    assert_eq!(successor(h, &id).await, None);
    let outcome = supersede(h, &id, Expect::Revision(&newer.revision), &new_id()).await;
    assert!(matches!(outcome, SupersedeOutcome::Superseded), "{outcome:?}");
}

/// A session that was destroyed or has expired is not superseded: whoever ended it has decided.
pub async fn a_session_that_is_gone_is_not_superseded<H: Harness>(h: &H) {
    let (destroyed, expired) = (new_id(), new_id());
    let document = h.document_for(Some(MINUTE), &[("n", "1")]);
    for id in [&destroyed, &expired] {
        let revision = h.put(id, &document).await;
        if *id == destroyed {
            h.store().destroy(id).await.unwrap();
        } else {
            h.age(id, MINUTE * 2).await;
        }
        let outcome = supersede(h, id, Expect::Revision(&revision), &new_id()).await;
        assert!(matches!(outcome, SupersedeOutcome::Gone), "{outcome:?}");
        assert_eq!(successor(h, id).await, None, "a session that was gone was marked");
    }
}

/// Without an expectation the mark is left whether there is a session or not, and the last one counts.
pub async fn superseding_anything_leaves_a_mark_also_without_a_session<H: Harness>(h: &H) {
    let (id, first, second) = (new_id(), new_id(), new_id());
    for by in [&first, &second] {
        let outcome = supersede(h, &id, Expect::Any, by).await;
        assert!(matches!(outcome, SupersedeOutcome::Superseded), "{outcome:?}");
        assert_eq!(successor(h, &id).await.as_ref(), Some(by));
    }
    h.put(&id, &h.document(&[("n", "1")])).await;
    supersede(h, &id, Expect::Any, &first).await;
    assert!(h.find(&id).await.is_none());
    assert_eq!(successor(h, &id).await, Some(first));
}

/// A mark counts for its grace and not longer; without a grace there is none.
pub async fn a_mark_lasts_for_its_grace<H: Harness>(h: &H) {
    let (id, by) = (new_id(), new_id());
    h.put(&id, &h.document(&[("n", "1")])).await;
    supersede(h, &id, Expect::Any, &by).await;
    h.age(&id, MINUTE / 2).await;
    assert_eq!(successor(h, &id).await, Some(by.clone()), "a mark must last for its grace");
    h.age(&id, MINUTE).await;
    assert_eq!(successor(h, &id).await, None, "a mark must not last longer than its grace");

    let id = new_id();
    h.put(&id, &h.document(&[("n", "1")])).await;
    let none = Successor { id: &by, grace: Duration::ZERO };
    h.store().supersede(&id, Expect::Any, none).await.unwrap();
    assert!(h.find(&id).await.is_none());
    assert_eq!(successor(h, &id).await, None, "a mark without a grace");
}

/// A sweep leaves marks that count where they are, and does not count them.
pub async fn sweep_leaves_marks<H: Harness>(h: &H) {
    let (id, by) = (new_id(), new_id());
    h.put(&id, &h.document(&[("n", "1")])).await;
    supersede(h, &id, Expect::Any, &by).await;
    assert_eq!(h.store().sweep().await.unwrap(), 0, "sweep counts a mark");
    assert_eq!(successor(h, &id).await, Some(by), "sweep removes a mark that counts");
}

/// An id with a mark can be written anew, as any other.
pub async fn a_superseded_id_can_be_written_anew<H: Harness>(h: &H) {
    let id = new_id();
    h.put(&id, &h.document(&[("n", "1")])).await;
    supersede(h, &id, Expect::Any, &new_id()).await;
    let revision = h.put(&id, &h.document(&[("n", "2")])).await;
    assert_eq!(h.read(&id).await.document.get_raw("n"), Some("2"));
    assert!(h.read(&id).await.revision == revision);
}

/// Of several who supersede one revision at the same time, one gets through, and the mark names its successor.
pub async fn of_several_who_supersede_one_gets_through<H: Harness>(h: &H) {
    for _ in 0..H::SCALE.races {
        let id = new_id();
        let revision = h.put(&id, &h.document(&[("n", "1")])).await;
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (store, id, revision, by) = (h.store().clone(), id.clone(), revision.clone(), new_id());
                tokio::spawn(async move {
                    let successor = Successor { id: &by, grace: MINUTE };
                    let outcome = store.supersede(&id, Expect::Revision(&revision), successor).await.unwrap();
                    matches!(outcome, SupersedeOutcome::Superseded).then_some(by)
                })
            })
            .collect();
        let mut through = Vec::new();
        for task in tasks {
            through.extend(task.await.expect("supersede succeeds"));
        }
        assert_eq!(through.len(), 1, "one of several must get through");
        assert_eq!(successor(h, &id).await, through.pop());
    }
}

/// Ids are data here too: every id that can be stored can be superseded and be a successor, and the marks of two ids are
/// two marks.
pub async fn hostile_ids_can_be_superseded<H: Harness>(h: &H) {
    let ids = storable_ids(h).await;
    for (id, by) in ids.iter().zip(ids.iter().skip(1)) {
        supersede(h, id, Expect::Any, by).await;
    }
    for (id, by) in ids.iter().zip(ids.iter().skip(1)) {
        assert!(h.find(id).await.is_none());
        assert!(successor(h, id).await.as_ref() == Some(by), "the mark of an id names another successor");
    }
}
