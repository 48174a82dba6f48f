//! A touch extends a session's life, and does nothing else.

use express_session_core::{SessionStore as _, TouchAfter, TouchHint, TouchOutcome};

use crate::Harness;
use crate::sample::{HOUR, HarnessExt as _, LONG, MINUTE, new_id};

/// After a touch a session has its full life again.
pub async fn touch_extends_life<H: Harness>(h: &H) {
    let id = new_id();
    h.put(&id, &h.document(&[("n", "1")])).await;
    h.age(&id, MINUTE * 40).await;
    let document = h.document(&[("n", "1")]);
    let outcome = h.store().touch(&id, &document, document.cookie()).await.unwrap();
    assert_eq!(outcome, TouchOutcome::Touched);
    h.age(&id, MINUTE * 40).await;
    assert!(h.find(&id).await.is_some(), "a touched session must live its full life again");
    h.age(&id, HOUR).await;
    assert!(h.find(&id).await.is_none(), "a touched session must not live for ever");
}

/// The data in the document stay as they are, to the letter: also a formatting that is not ours.
pub async fn touch_never_rewrites_data<H: Harness>(h: &H) {
    let id = new_id();
    let cookie = h.cookie(Some(HOUR)).encode();
    let foreign = format!(
        "{{ \"cookie\" : {cookie},\n  \"price\" : 1.50, \"e\":\"\\u00e9\\ud800\",\"list\":[ 1,\t2 ],\"x\":1e2,\
         \"cookies\":{{\"cookie\":1}},\"last\":-0}}"
    );
    h.put_raw(&id, foreign.as_bytes()).await;
    let before = h.raw_members(&id).await;
    assert_eq!(before.len(), 6, "the planted document was not stored as it is");
    let document = h.document(&[("price", "2"), ("new", "3")]);
    let outcome = h.store().touch(&id, &document, document.cookie()).await.unwrap();
    assert_eq!(outcome, TouchOutcome::Touched);
    assert_eq!(h.raw_members(&id).await, before, "the touch rewrote data");
}

/// A slow request that only touches does not undo what another has written meanwhile.
pub async fn touch_does_not_bring_back_what_others_replaced<H: Harness>(h: &H) {
    let id = new_id();
    h.put(&id, &h.document(&[("old", "1")])).await;
    let slow = h.read(&id).await.document;
    h.put(&id, &h.document(&[("new", "2")])).await;
    h.store().touch(&id, &slow, slow.cookie()).await.unwrap();
    assert_eq!(h.members(&h.read(&id).await.document), [("new".to_owned(), "2".to_owned())]);
}

/// A touch of an absent, destroyed or expired session says `Gone` and leaves it so.
pub async fn touch_never_creates<H: Harness>(h: &H) {
    let document = h.document(&[("n", "1")]);
    let (absent, destroyed, expired) = (new_id(), new_id(), new_id());
    h.put(&destroyed, &document).await;
    h.store().destroy(&destroyed).await.unwrap();
    h.put(&expired, &document).await;
    h.age(&expired, LONG).await;
    let document = h.document(&[("n", "1")]);
    for (id, state) in [(absent, "an absent"), (destroyed, "a destroyed"), (expired, "an expired")] {
        let outcome = h.store().touch(&id, &document, document.cookie()).await.unwrap();
        assert_eq!(outcome, TouchOutcome::Gone, "{state} session was touched");
        assert!(h.find(&id).await.is_none(), "the touch created {state} session");
    }
}

/// `get_and_touch` finds what `get` finds, whatever it does to the session's life.
pub async fn get_and_touch_reads_what_get_reads<H: Harness>(h: &H) {
    let cookie = h.cookie(Some(HOUR));
    for touch_after in [TouchAfter::Always, TouchAfter::Elapsed(MINUTE * 10), TouchAfter::Share(0.5)] {
        let hint = TouchHint { cookie: &cookie, touch_after };
        assert!(h.store().get_and_touch(&new_id(), hint).await.unwrap().is_none(), "an unknown id");
        let id = new_id();
        h.put(&id, &h.document(&[("n", "1"), ("m", "[1,2]")])).await;
        let plain = h.read(&id).await;
        let touched = h.store().get_and_touch(&id, hint).await.unwrap().expect("the session is there");
        assert_eq!(h.members(&touched.document), h.members(&plain.document));
        assert_eq!(
            h.members(&h.read(&id).await.document),
            h.members(&plain.document),
            "reading changed the data"
        );
        h.store()
            .set(&id, &touched.document, express_session_core::Expect::Revision(&touched.revision))
            .await
            .map(crate::sample::written)
            .expect("the revision of get_and_touch lets a write through");
    }
    let id = new_id();
    h.put(&id, &h.document(&[("n", "1")])).await;
    h.age(&id, LONG).await;
    let cookie = h.cookie(Some(HOUR));
    let hint = TouchHint { cookie: &cookie, touch_after: TouchAfter::Always };
    let expired = h.store().get_and_touch(&id, hint).await.unwrap();
    assert!(expired.is_none(), "get_and_touch brought an expired session back");
}

/// If `get_and_touch` says that it has touched, the session lives as long as after a touch. If it does not,
/// the touch that follows must still work.
pub async fn get_and_touch_has_extended_life_if_it_says_so<H: Harness>(h: &H) {
    let id = new_id();
    h.put(&id, &h.document(&[("n", "1")])).await;
    h.age(&id, MINUTE * 40).await;
    let cookie = h.cookie(Some(HOUR));
    let hint = TouchHint { cookie: &cookie, touch_after: TouchAfter::Always };
    let stored = h.store().get_and_touch(&id, hint).await.unwrap().expect("the session is there");
    if !stored.touched {
        let document = stored.document;
        let mut cookie = document.cookie().clone();
        cookie.touch(h.clock().now());
        assert_eq!(h.store().touch(&id, &document, &cookie).await.unwrap(), TouchOutcome::Touched);
    }
    h.age(&id, MINUTE * 40).await;
    assert!(h.find(&id).await.is_some(), "get_and_touch claimed a touch it had not made");
    h.age(&id, HOUR).await;
    assert!(h.find(&id).await.is_none(), "get_and_touch gave a longer life than a touch does");
}
