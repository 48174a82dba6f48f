//! Going through all sessions, a page at a time, and adding one that was made elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use express_session_core::{
    Cursor, DEFAULT_PAGE, Expect, Listed, Listing, SessionId, SessionStore as _, SessionStoreAdmin as _,
    StoreError, Successor,
};

use crate::Harness;
use crate::sample::{HOUR, HarnessExt as _, LONG, MINUTE, new_id};

const SECOND: Duration = Duration::from_secs(1);

/// What all pages have, in their order.
async fn listed<H: Harness>(h: &H, limit: usize) -> Vec<Listed> {
    let (mut listing, mut listed) = (Listing::new(h.store(), limit), Vec::new());
    while let Some(page) = listing.next().await.expect("a page can be listed") {
        let ids: BTreeSet<_> = page.iter().map(|listed| &listed.id).collect();
        assert_eq!(ids.len(), page.len(), "a session is on one page twice");
        listed.extend(page);
    }
    listed
}

/// Whatever the size of its pages, a listing gives every live session as `get` finds it, and nothing else.
pub async fn pages_have_the_live_sessions<H: Harness>(h: &H) {
    assert!(listed(h, 10).await.is_empty());
    let mut expected = BTreeMap::new();
    for n in 0..25 {
        let id = new_id();
        h.put(&id, &h.document(&[("n", &n.to_string())])).await;
        expected.insert(id, n.to_string());
    }
    let (destroyed, _) = expected.pop_first().unwrap();
    h.store().destroy(&destroyed).await.unwrap();
    for limit in [0, 1, 7, 24, 25, DEFAULT_PAGE] {
        let mut found = BTreeMap::new();
        for Listed { id, size, stored, .. } in listed(h, limit).await {
            let (stored, got) = (stored.expect("it can be decoded"), h.read(&id).await);
            assert!(stored.revision == got.revision, "a page has another document than `get` finds");
            let kept = h.get_raw(&id).await.expect("a document is stored");
            assert!(size >= kept.len(), "{size} bytes are less than the document's");
            assert_eq!(look(h, &id).await.expect("it is there").size, size);
            let life = stored.life.expect("a life of an hour is known");
            // Some round to seconds.
            assert!(life.left < HOUR + SECOND && life.left + MINUTE > HOUR, "{life:?}");
            assert!(!stored.touched, "a listing touches");
            found.insert(id, stored.document.get_raw("n").unwrap().to_owned());
        }
        assert!(found == expected, "pages of {limit}: {} sessions or others than the 24 stored", found.len());
    }
}

async fn look<H: Harness>(h: &H, id: &SessionId) -> Option<Listed> {
    h.store().look(id).await.expect("a session can be looked at")
}

/// A look at one session finds what `get` finds, with its life; what is broken stays where it is.
pub async fn a_look_tells_what_a_page_tells<H: Harness>(h: &H) {
    let (id, broken) = (new_id(), new_id());
    assert!(look(h, &id).await.is_none(), "nothing is there");
    h.put(&id, &h.document(&[("n", "1")])).await;
    h.put_raw(&broken, b"SECRET, not JSON").await;
    for _ in 0..2 {
        let found = look(h, &id).await.expect("it is there");
        assert!(found.id == id);
        let stored = found.stored.expect("it can be decoded");
        assert!(stored.revision == h.read(&id).await.revision, "another document than `get` finds");
        let left = stored.life.expect("a life of an hour is known").left;
        assert!(left < HOUR + SECOND && left + MINUTE > HOUR, "{left:?}");
        assert!(look(h, &broken).await.expect("something is there").stored.is_err());
    }
    assert!(h.get_raw(&broken).await.is_some_and(|kept| kept == b"SECRET, not JSON"), "it was moved");
    h.age(&id, MINUTE * 40).await;
    look(h, &id).await.expect("it lives for an hour");
    h.age(&id, MINUTE * 21).await;
    assert!(look(h, &id).await.is_none(), "it has expired, and looking extends no life");
}

/// With a small limit there are several pages: nobody gets all sessions at once who did not ask for them.
pub async fn a_page_is_a_part<H: Harness>(h: &H) {
    for _ in 0..200 {
        h.put(&new_id(), &h.document(&[("n", "1")])).await;
    }
    let page = h.store().page(None, 10).await.unwrap();
    assert!(page.next.is_some() && page.sessions.len() < 100, "{} of a page of 10", page.sessions.len());
}

/// What is there all the time is listed, whatever comes, goes and changes meanwhile.
pub async fn a_session_that_stays_is_listed_under_fire<H: Harness>(h: &H) {
    let document = h.document(&[("n", "1")]);
    let stay: BTreeSet<_> = (0..60).map(|_| new_id()).collect();
    let mut come_and_go: Vec<_> = (0..60).map(|_| new_id()).collect();
    for id in stay.iter().chain(&come_and_go) {
        h.put(id, &document).await;
    }
    for limit in [1, 5, 13] {
        let (mut after, mut found, mut step) = (None, BTreeSet::new(), 0);
        let mut changing = stay.iter().cycle();
        loop {
            let page = h.store().page(after.as_ref(), limit).await.unwrap();
            found.extend(page.sessions.into_iter().map(|listed| listed.id));
            let Some(next) = page.next else { break };
            after = Some(next);
            // One goes, one comes, one is written, one is read.
            let gone = step % come_and_go.len();
            h.store().destroy(&come_and_go[gone]).await.unwrap();
            come_and_go[gone] = new_id();
            h.put(&come_and_go[gone], &document).await;
            if let (Some(written), Some(read)) = (changing.next(), changing.next()) {
                h.put(written, &h.document(&[("n", &step.to_string())])).await;
                h.read(read).await;
            }
            step += 1;
        }
        assert!(stay.is_subset(&found), "pages of {limit}: a session that was there is on none of them");
    }
}

/// A listing says what cannot be decoded and why, shows nothing of it, and leaves it where it is.
pub async fn undecodable_bytes_are_listed_with_the_reason<H: Harness>(h: &H) {
    let (broken, sound, falsy) = (new_id(), new_id(), new_id());
    let bytes = br#"{"cookie":null,"user":"SECRET"}"#;
    h.put_raw(&broken, bytes).await;
    h.put_raw(&falsy, b"null").await;
    h.put(&sound, &h.document(&[("n", "1")])).await;
    let listed = listed(h, 10).await;
    assert_eq!(listed.len(), 2, "a falsy document is no session; the others are to be listed");
    for Listed { id, stored, .. } in listed {
        assert_eq!(stored.is_ok(), id == sound);
        let shown = stored.map_or_else(|error| format!("{error} {error:?}"), |_| String::new());
        assert!(!shown.contains("SECRET"), "{shown}");
    }
    assert!(h.get_raw(&broken).await.is_some_and(|kept| kept == bytes), "a listing moves what is broken");
}

/// A place that no listing has named is refused, or is one all the same; it does not make the store fail or loop.
pub async fn a_foreign_cursor_is_no_backend_error<H: Harness>(h: &H) {
    h.put(&new_id(), &h.document(&[("n", "1")])).await;
    for bytes in [&b""[..], b"\xff", b"x", b"0 0 0", b"~~~~~~~~"] {
        match h.store().page(Some(&Cursor::of_bytes(bytes)), 10).await {
            Err(StoreError::InvalidCursor) => {}
            Err(error) => panic!("{bytes:?}: {error:?}"),
            Ok(page) => assert!(page.sessions.len() < 2),
        }
    }
}

/// `add` stores a session once, over nothing but what has expired, and gives it no more life than it is told.
pub async fn adding_never_replaces<H: Harness>(h: &H) {
    let (id, other) = (new_id(), new_id());
    let (first, second) = (h.document(&[("n", "1")]), h.document(&[("n", "2")]));
    let add = async |id: &SessionId, document, life| h.store().add(id, document, life).await.unwrap();
    assert!(add(&id, &first, MINUTE * 10).await, "nothing was there");
    assert!(!add(&id, &second, HOUR).await, "a session was there");
    assert_eq!(h.read(&id).await.document.get_raw("n"), Some("1"), "`add` replaces a session");
    h.put(&other, &second).await;
    assert!(!add(&other, &first, HOUR).await, "a session was there");
    h.age(&id, MINUTE * 11).await;
    assert!(h.find(&id).await.is_none(), "it lives for ten minutes");
    assert!(add(&id, &second, LONG).await, "what was there has expired");
    h.age(&id, HOUR + MINUTE).await;
    assert!(h.find(&id).await.is_none(), "`add` gives more than the life of the cookie");
    let broken = new_id();
    h.put_raw(&broken, b"SECRET, not JSON").await;
    assert!(!add(&broken, &first, HOUR).await, "something was there");
    assert!(!add(&new_id(), &first, Duration::ZERO).await, "a life that is over was stored");
}

/// What is added is a session like others: read, written, touched and ended.
pub async fn what_was_added_is_a_session<H: Harness>(h: &H) {
    let id = new_id();
    let document = h.document(&[("n", "1")]);
    assert!(h.store().add(&id, &document, HOUR).await.unwrap());
    assert_eq!(h.raw_members(&id).await, [("n".to_owned(), "1".to_owned())]);
    let revision = h.read(&id).await.revision;
    let next = h.document(&[("n", "2")]);
    crate::sample::written(h.store().set(&id, &next, Expect::Revision(&revision)).await.unwrap());
    assert!(h.store().destroy(&id).await.unwrap());
    assert!(h.store().add(&id, &document, HOUR).await.unwrap(), "a destroyed session leaves nothing behind");
}

/// A login that has replaced a session is not undone by an `add` of the old one.
pub async fn adding_respects_marks<H: Harness>(h: &H) {
    let (old, new) = (new_id(), new_id());
    let document = h.document(&[("n", "1")]);
    h.put(&old, &document).await;
    let by = Successor { id: &new, grace: MINUTE };
    h.store().supersede(&old, Expect::Any, by).await.unwrap();
    assert!(!h.store().add(&old, &document, HOUR).await.unwrap(), "a superseded session came back");
    assert!(h.find(&old).await.is_none());
    assert_eq!(h.store().successor(&old).await.unwrap(), Some(new), "the mark is gone");
}

/// Of several who add one session, one does.
pub async fn of_several_who_add_one_does<H: Harness>(h: &H) {
    for _ in 0..H::SCALE.races {
        let id = new_id();
        let adding = (0..4).map(|n| {
            let (store, id, document) = (h.store().clone(), id.clone(), h.document(&[("n", &n.to_string())]));
            tokio::spawn(async move { store.add(&id, &document, HOUR).await.unwrap() })
        });
        let mut added = 0;
        for adding in adding.collect::<Vec<_>>() {
            added += u32::from(adding.await.expect("adding does not panic"));
        }
        assert_eq!(added, 1, "of four who added a session");
    }
}
