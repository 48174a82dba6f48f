//! Expiry is a matter of the read, not of the sweep.

use std::time::Duration;

use express_session_core::{Expect, SessionId, SessionStore as _, TouchAfter, TouchHint, TouchOutcome};

use crate::Harness;
use crate::listed;
use crate::sample::{HOUR, HarnessExt as _, LONG, MINUTE, assert_gone, new_id, written};

/// A session that has expired but was not swept is absent for every verb.
pub async fn an_expired_session_is_absent_before_any_sweep<H: Harness>(h: &H) {
    let ids: Vec<_> = (0..6).map(|_| new_id()).collect();
    let mut revisions = Vec::new();
    for id in &ids {
        revisions.push(h.put(id, &h.document(&[("n", "1")])).await);
    }
    for id in &ids {
        h.age(id, HOUR + MINUTE).await;
    }
    let store = h.store();
    let document = h.document(&[("n", "2")]);
    let listed = listed::ids(store).await.unwrap();
    assert!(!ids.iter().any(|id| listed.contains(id)), "a page has expired sessions");
    assert!(store.get(&ids[0]).await.unwrap().is_none(), "`get` found an expired session");
    let outcome = store.set(&ids[1], &document, Expect::Revision(&revisions[1])).await.unwrap();
    assert_gone(&outcome, "to an expired session");
    assert_eq!(store.touch(&ids[2], &document, document.cookie()).await.unwrap(), TouchOutcome::Gone);
    assert!(!store.destroy(&ids[3]).await.unwrap(), "an expired session was destroyed as if it were alive");
    for id in &ids {
        assert!(store.get(id).await.unwrap().is_none(), "an expired session came back");
    }
}

/// `get` leaves the end of a session's life where it was.
pub async fn reading_does_not_extend_life<H: Harness>(h: &H) {
    let id = new_id();
    h.put(&id, &h.document(&[("n", "1")])).await;
    h.age(&id, MINUTE * 40).await;
    assert!(h.find(&id).await.is_some(), "the session must live for an hour");
    h.age(&id, MINUTE * 21).await;
    assert!(h.find(&id).await.is_none(), "reading extended the session's life");
}

/// A write starts the session's life anew, by the cookie it carries.
pub async fn writing_gives_the_full_life<H: Harness>(h: &H) {
    let id = new_id();
    let revision = h.put(&id, &h.document(&[("n", "1")])).await;
    h.age(&id, MINUTE * 40).await;
    let document = h.document(&[("n", "2")]);
    written(h.store().set(&id, &document, Expect::Revision(&revision)).await.unwrap());
    h.age(&id, MINUTE * 40).await;
    assert!(h.find(&id).await.is_some(), "a written session must have its full life");
    h.put(&id, &h.document_for(Some(HOUR * 3), &[("n", "3")])).await;
    h.age(&id, MINUTE * 170).await;
    assert!(h.find(&id).await.is_some(), "a new max_age must count from the write that brings it");
    h.age(&id, MINUTE * 11).await;
    assert!(h.find(&id).await.is_none(), "a session must not outlive its max_age");
}

/// A session cookie (no `max_age`) does not make the stored session immortal.
pub async fn a_session_without_max_age_expires_too<H: Harness>(h: &H) {
    let id = new_id();
    h.put(&id, &h.document_for(None, &[("n", "1")])).await;
    assert!(h.find(&id).await.is_some());
    h.age(&id, LONG).await;
    assert!(h.find(&id).await.is_none(), "a session without max_age must have a default life");
}

/// A life of less than a second is neither no life nor an eternal one.
pub async fn a_life_below_one_second_is_a_life<H: Harness>(h: &H) {
    let id = new_id();
    let mut seen = false;
    // On a machine under load the read may really be too late, so there are a few attempts.
    for _ in 0..10 {
        h.put(&id, &h.document_for(Some(Duration::from_millis(700)), &[("n", "1")])).await;
        seen = seen || h.find(&id).await.is_some();
    }
    assert!(seen, "a life of 700 ms was cut down to nothing");
    h.age(&id, Duration::from_secs(3)).await;
    assert!(h.find(&id).await.is_none(), "a life of 700 ms has no end");
}

/// Expiry does not block an id: a blind write makes a new session of it, without the old data.
pub async fn an_expired_id_can_be_written_anew<H: Harness>(h: &H) {
    let id = new_id();
    h.put(&id, &h.document(&[("old", "1")])).await;
    h.age(&id, LONG).await;
    h.put(&id, &h.document(&[("new", "2")])).await;
    assert_eq!(h.members(&h.read(&id).await.document), [("new".to_owned(), "2".to_owned())]);
}

/// A life that is cut short ends then, and a touch, a read that touches, or a write makes it a full one. What is stored is
/// what `set` stores.
pub async fn a_life_that_is_cut_short_ends_unless_somebody_comes_back<H: Harness>(h: &H) {
    let short = async |id: &SessionId, expect: Expect<'_>| {
        let document = h.document(&[("n", "1")]);
        written(h.store().set_for(id, &document, expect, MINUTE * 10).await.unwrap());
        let stored = h.read(id).await.document;
        assert_eq!(stored.cookie(), document.cookie(), "the cookie was cut short");
        assert_eq!(h.raw_members(id).await, [("n".to_owned(), "1".to_owned())]);
        h.age(id, MINUTE * 9).await;
        h.read(id).await
    };
    let once = new_id();
    short(&once, Expect::Any).await;
    h.age(&once, MINUTE * 2).await;
    assert!(h.find(&once).await.is_none(), "a session that was to live ten minutes is there after eleven");

    let twice = new_id();
    let stored = short(&twice, Expect::Any).await;
    short(&twice, Expect::Revision(&stored.revision)).await;
    h.age(&twice, MINUTE * 2).await;
    assert!(h.find(&twice).await.is_none(), "the second write of a first request gave the full life");

    let (touched, read, replaced) = (new_id(), new_id(), new_id());
    let document = short(&touched, Expect::Any).await.document;
    let mut cookie = document.cookie().clone();
    cookie.touch(h.clock().now());
    let outcome = h.store().touch(&touched, &document, &cookie).await.unwrap();
    assert_eq!(outcome, TouchOutcome::Touched);
    lives_an_hour(h, &touched, "touch").await;

    short(&read, Expect::Any).await;
    let (cookie, touch_after) = (h.cookie(Some(HOUR)), TouchAfter::Share(0.1));
    let hint = TouchHint { cookie: &cookie, touch_after };
    let stored = h.store().get_and_touch(&read, hint).await.unwrap().expect("the session is there");
    if !stored.touched {
        assert!(touch_after.is_due(stored.life), "a short life must look like one that is nearly over");
        let mut cookie = stored.document.cookie().clone();
        cookie.touch(h.clock().now());
        h.store().touch(&read, &stored.document, &cookie).await.unwrap();
    }
    lives_an_hour(h, &read, "reading").await;

    let revision = short(&replaced, Expect::Any).await.revision;
    let document = h.document(&[("n", "2")]);
    written(h.store().set(&replaced, &document, Expect::Revision(&revision)).await.unwrap());
    lives_an_hour(h, &replaced, "a write").await;
}

async fn lives_an_hour<H: Harness>(h: &H, id: &SessionId, after: &str) {
    h.age(id, MINUTE * 50).await;
    assert!(h.find(id).await.is_some(), "{after} must give the full life");
    h.age(id, MINUTE * 11).await;
    assert!(h.find(id).await.is_none(), "{after} gave more than the full life");
}

/// Nobody lives longer than his cookie because he may live long, and nobody is brought back.
pub async fn a_life_is_cut_short_and_never_made_longer<H: Harness>(h: &H) {
    let id = new_id();
    let document = h.document(&[("n", "1")]);
    let revision = written(h.store().set_for(&id, &document, Expect::Any, HOUR * 3).await.unwrap());
    lives_an_hour(h, &id, "a life that is longer than the cookie's").await;
    let outcome = h.store().set_for(&id, &document, Expect::Revision(&revision), MINUTE).await.unwrap();
    assert_gone(&outcome, "to an expired session");
    assert!(h.find(&id).await.is_none());
}
