//! Several callers at once, without requests around them.

use express_session_core::{Expect, SessionStore as _, SetOutcome, TouchOutcome};

use crate::Harness;
use crate::sample::{HarnessExt as _, new_id};

/// Of several writers that read the same revision, one writes; the others meet a conflict.
pub async fn of_several_writers_with_one_revision_one_gets_through<H: Harness>(h: &H) {
    for _ in 0..H::SCALE.races {
        let id = new_id();
        let revision = h.put(&id, &h.document(&[("winner", "null")])).await;
        let tasks: Vec<_> = (0..8)
            .map(|writer| {
                let (store, id, revision) = (h.store().clone(), id.clone(), revision.clone());
                let document = h.document(&[("winner", &writer.to_string())]);
                tokio::spawn(async move {
                    match store.set(&id, &document, Expect::Revision(&revision)).await.unwrap() {
                        SetOutcome::Written(_) => Some(writer.to_string()),
                        SetOutcome::Conflict(_) => None,
                        SetOutcome::Gone => panic!("a writer was told that the session is gone"),
                    }
                })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            winners.extend(task.await.expect("the writer does not panic"));
        }
        assert_eq!(winners.len(), 1, "{} writers got through with one revision", winners.len());
        let stored = h.read(&id).await.document;
        assert_eq!(stored.get_raw("winner"), Some(&*winners[0]), "the winner's record is not stored");
    }
}

/// Of several callers that destroy a session at once, one is told that there was one.
pub async fn of_several_callers_one_destroys<H: Harness>(h: &H) {
    for _ in 0..H::SCALE.races {
        let id = new_id();
        h.put(&id, &h.document(&[("n", "1")])).await;
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (store, id) = (h.store().clone(), id.clone());
                tokio::spawn(async move { store.destroy(&id).await.unwrap() })
            })
            .collect();
        let mut destroyed = 0;
        for task in tasks {
            destroyed += u32::from(task.await.expect("the caller does not panic"));
        }
        assert_eq!(destroyed, 1, "{destroyed} callers were told that they destroyed the session");
    }
}

/// While a session is written over and over, readers see one whole record or another.
pub async fn readers_never_see_a_mixture<H: Harness>(h: &H) {
    let id = new_id();
    let generation = |n: usize| {
        let text = format!("\"{}\"", n.to_string().repeat(2000));
        h.document(&[("first", &text), ("middle", "0"), ("last", &text)])
    };
    let records: Vec<_> = (0..10).map(generation).collect();
    h.put(&id, &records[0]).await;
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, id) = (h.store().clone(), id.clone());
            tokio::spawn(async move {
                for _ in 0..H::SCALE.races {
                    let document =
                        store.get(&id).await.unwrap().expect("the session is always there").document;
                    let (first, last) = (document.get_raw("first"), document.get_raw("last"));
                    assert!(first.is_some() && first == last, "a reader saw parts of two records");
                }
            })
        })
        .collect();
    for round in 0..H::SCALE.races {
        h.put(&id, &records[round % records.len()]).await;
        let touched = h.store().touch(&id, &records[0], records[0].cookie()).await.unwrap();
        assert_eq!(touched, TouchOutcome::Touched);
    }
    for reader in readers {
        reader.await.expect("readers see whole records");
    }
}

/// A write whose future is dropped midway has happened or not, and nothing is locked for ever after.
pub async fn a_dropped_write_happened_entirely_or_not_at_all<H: Harness>(h: &H) {
    let id = new_id();
    let text = |n: usize| format!("\"{}\"", n.to_string().repeat(3000));
    h.put(&id, &h.document(&[("first", &text(0)), ("last", &text(0))])).await;
    for round in 0..H::SCALE.races {
        let (store, write_id) = (h.store().clone(), id.clone());
        let document = h.document(&[("first", &text(round)), ("last", &text(round))]);
        let write = tokio::spawn(async move { store.set(&write_id, &document, Expect::Any).await.map(drop) });
        for _ in 0..round % 5 {
            tokio::task::yield_now().await;
        }
        write.abort();
        let _ = write.await;
        let document = h.read(&id).await.document;
        let (first, last) = (document.get_raw("first"), document.get_raw("last"));
        assert!(first.is_some() && first == last, "a dropped write left parts of two records");
    }
    h.put(&id, &h.document(&[("n", "1")])).await;
    assert_eq!(h.read(&id).await.document.get_raw("n"), Some("1"), "the id is unusable afterwards");
}

/// However many writes with a revision and touches are under way while a session is destroyed, it stays so.
pub async fn a_destroyed_session_stays_destroyed_under_fire<H: Harness>(h: &H) {
    for _ in 0..H::SCALE.races {
        let id = new_id();
        let revision = h.put(&id, &h.document(&[("n", "1")])).await;
        let tasks: Vec<_> = (0..6)
            .map(|number| {
                let (store, id, mut revision) = (h.store().clone(), id.clone(), revision.clone());
                let document = h.document(&[("n", &number.to_string())]);
                tokio::spawn(async move {
                    for _ in 0..5 {
                        match store.set(&id, &document, Expect::Revision(&revision)).await.unwrap() {
                            SetOutcome::Written(newer) => revision = newer,
                            SetOutcome::Conflict(newer) => revision = newer.revision,
                            SetOutcome::Gone => return,
                        }
                        store.touch(&id, &document, document.cookie()).await.unwrap();
                    }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let destroyed = h.store().destroy(&id).await.unwrap();
        assert!(destroyed, "there was a session to destroy");
        for task in tasks {
            task.await.expect("the writer does not panic");
        }
        assert!(h.find(&id).await.is_none(), "a destroyed session came back");
    }
}
