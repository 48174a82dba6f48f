//! Compare-and-set: written, conflict or gone, and nothing in between.

use express_session_core::{Data, Expect, SessionStore as _};

use crate::Harness;
use crate::sample::{HarnessExt as _, LONG, assert_gone, conflict, new_id, written};

/// A write that names the revision `get` gave is carried out.
pub async fn the_revision_that_was_read_lets_a_write_through<H: Harness>(h: &H) {
    let id = new_id();
    h.put(&id, &h.document(&[("n", "1")])).await;
    let stored = h.read(&id).await;
    let mut data = Data::of(stored.document);
    data.insert("n", 2).unwrap();
    let outcome = h.store().set(&id, &data.encode(), Expect::Revision(&stored.revision)).await.unwrap();
    written(outcome);
    assert_eq!(h.read(&id).await.document.get_raw("n"), Some("2"));
}

/// `Written` carries the revision of what is stored now, so a chain of writes needs no read in between.
pub async fn the_revision_that_was_written_lets_the_next_write_through<H: Harness>(h: &H) {
    let id = new_id();
    let mut revision = h.put(&id, &h.document(&[("n", "0")])).await;
    for n in 1..=5 {
        let document = h.document(&[("n", &n.to_string())]);
        let outcome = h.store().set(&id, &document, Expect::Revision(&revision)).await.unwrap();
        revision = written(outcome);
        assert!(h.read(&id).await.revision == revision, "get and set must name the same bytes alike");
    }
    assert_eq!(h.read(&id).await.document.get_raw("n"), Some("5"));
}

/// A write that names an older revision is a conflict; what the other writer stored stays as it is.
pub async fn a_stale_revision_is_a_conflict_and_writes_nothing<H: Harness>(h: &H) {
    let id = new_id();
    let stale = h.put(&id, &h.document(&[("n", "1")])).await;
    h.put(&id, &h.document(&[("theirs", "2")])).await;
    let before = h.get_raw(&id).await;
    let ours = h.document(&[("ours", "3")]);
    conflict(h.store().set(&id, &ours, Expect::Revision(&stale)).await.unwrap());
    assert!(h.get_raw(&id).await == before, "a write that met a conflict must not change what is stored");
}

/// A conflict carries the record that is stored, and a revision with which the next attempt succeeds.
pub async fn a_conflict_carries_what_is_needed_to_try_again<H: Harness>(h: &H) {
    let id = new_id();
    let stale = h.put(&id, &h.document(&[("n", "1")])).await;
    h.put(&id, &h.document(&[("n", "2"), ("theirs", "true")])).await;
    let ours = h.document(&[("n", "9")]);
    let current = conflict(h.store().set(&id, &ours, Expect::Revision(&stale)).await.unwrap());
    let expected = [("n".to_owned(), "2".to_owned()), ("theirs".to_owned(), "true".to_owned())];
    assert_eq!(h.members(&current.document), expected, "the conflict carries another record than is stored");
    written(h.store().set(&id, &ours, Expect::Revision(&current.revision)).await.unwrap());
    assert_eq!(h.read(&id).await.document.get_raw("n"), Some("9"));
}

/// A write by somebody who knows nothing of revisions (a Node server) is noticed all the same.
pub async fn a_foreign_write_is_a_conflict<H: Harness>(h: &H) {
    let id = new_id();
    let document = h.document(&[("n", "1")]);
    h.put(&id, &document).await;
    let ours = h.read(&id).await;
    let theirs = h.document(&[("n", "1"), ("node", "true")]);
    h.put_raw(&id, theirs.text().as_bytes()).await;
    let outcome = h.store().set(&id, &document, Expect::Revision(&ours.revision)).await.unwrap();
    let current = conflict(outcome);
    assert_eq!(current.document.get_raw("node"), Some("true"));
    assert_eq!(h.read(&id).await.document.get_raw("node"), Some("true"), "the foreign write was lost");
}

/// Once destroyed, a session is not brought back by a write that expected it.
pub async fn a_write_to_a_destroyed_session_is_gone<H: Harness>(h: &H) {
    let id = new_id();
    let document = h.document(&[("n", "1")]);
    let revision = h.put(&id, &document).await;
    h.store().destroy(&id).await.unwrap();
    let outcome = h.store().set(&id, &document, Expect::Revision(&revision)).await.unwrap();
    assert_gone(&outcome, "to a destroyed session");
    assert!(h.find(&id).await.is_none(), "the write brought a destroyed session back");
}

/// Once expired, a session is not brought back by a write that expected it, swept or not.
pub async fn a_write_to_an_expired_session_is_gone<H: Harness>(h: &H) {
    let id = new_id();
    let revision = h.put(&id, &h.document(&[("n", "1")])).await;
    h.age(&id, LONG).await;
    let document = h.document(&[("n", "2")]);
    let outcome = h.store().set(&id, &document, Expect::Revision(&revision)).await.unwrap();
    assert_gone(&outcome, "to an expired session");
    assert!(h.find(&id).await.is_none(), "the write brought an expired session back");
}

/// A revision of one session does not let a write create another.
pub async fn a_write_to_a_session_that_never_was_is_gone<H: Harness>(h: &H) {
    let document = h.document(&[("n", "1")]);
    let revision = h.put(&new_id(), &document).await;
    let id = new_id();
    let outcome = h.store().set(&id, &document, Expect::Revision(&revision)).await.unwrap();
    assert_gone(&outcome, "to a session that never was");
    assert!(h.find(&id).await.is_none(), "the write created a session");
}

/// `Expect::Any` is express's `set`: it creates, replaces, and always says `Written`.
pub async fn a_blind_write_replaces_anything<H: Harness>(h: &H) {
    let id = new_id();
    let first = h.put(&id, &h.document(&[("a", "1")])).await;
    let second = h.put(&id, &h.document(&[("b", "2")])).await;
    assert!(first != second, "different bytes must have different revisions");
    assert_eq!(h.members(&h.read(&id).await.document), [("b".to_owned(), "2".to_owned())]);
    h.store().destroy(&id).await.unwrap();
    h.put(&id, &h.document(&[("c", "3")])).await;
    assert_eq!(h.members(&h.read(&id).await.document), [("c".to_owned(), "3".to_owned())]);
}
