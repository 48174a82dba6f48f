//! What is written is what is read.

use express_session_core::{Data, Document, Expect, SessionStore as _};

use crate::Harness;
use crate::sample::{HOUR, HarnessExt as _, assert_gone, new_id};

/// `get` gives the record `set` was given: every key, in order, with its exact text, and the same cookie.
pub async fn a_record_comes_back_exactly_as_it_was_written<H: Harness>(h: &H) {
    let id = new_id();
    // Texts that neither we nor Node would write: whoever parses a value to write it anew is found out.
    let text = format!(
        r#"{{"cookie":{},"views":1,"price":1.50,"big":123456789012345678901234567890,"tiny":1e-07,
        "user":{{"name":"Zo\u00eb","roles":[ "a", "b" ],"empty":{{ }}}},"quote":"\"\\\u0001\n\/"}}"#,
        h.cookie(Some(HOUR)).encode()
    );
    let document = Document::decode(text.as_bytes()).unwrap().unwrap();
    let mut data = Data::of(document);
    data.cookie_mut().set_path(Some("/app"));
    let document = data.encode();
    h.put(&id, &document).await;
    let read = h.read(&id).await.document;
    assert_eq!(h.members(&read), h.members(&document), "the data changed on the way through the store");
    assert_eq!(
        read.cookie().encode(),
        document.cookie().encode(),
        "the cookie changed on the way through the store"
    );
    assert_eq!(h.raw_members(&id).await, h.members(&document), "the stored document holds other data");
}

/// An id that was never written is `None`, not an error.
pub async fn an_unknown_id_is_none<H: Harness>(h: &H) {
    h.put(&new_id(), &h.document(&[("n", "1")])).await;
    assert!(h.find(&new_id()).await.is_none(), "an unknown id must not be a session");
}

/// A megabyte of data, and text outside ASCII, with NUL, U+2028, emoji and half a surrogate pair, come back.
pub async fn large_and_unusual_data_come_back<H: Harness>(h: &H) {
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    let samples = [
        large.as_str(),
        "\"\u{e9}\u{4e2d}\u{6587} \u{1f600} \u{202e}\"",
        "\"line\u{2028}paragraph\u{2029}bom\u{feff}del\u{7f}\u{85}\"",
        r#""nul\u0000and\u001f""#,
        r#""half \ud800 a pair""#,
        "\"'; DROP TABLE sessions; -- \\\\ % _ \"",
        "\"\"",
        "null",
    ];
    for sample in samples {
        let id = new_id();
        let document = h.document(&[("k\u{e9}y \u{2028}\0", sample)]);
        h.put(&id, &document).await;
        let read = h.read(&id).await.document;
        let shown: String = sample.chars().take(40).collect();
        assert!(h.members(&read) == h.members(&document), "{shown} came back changed");
    }
}

/// A stored `null`, `false`, `0` or `""`, as Node may leave it, is no session: absent, not an error.
pub async fn a_null_document_is_no_session<H: Harness>(h: &H) {
    for falsy in ["null", "false", "0", "\"\""] {
        let id = new_id();
        let document = h.document(&[("n", "1")]);
        let revision = h.put(&id, &document).await;
        h.put_raw(&id, falsy.as_bytes()).await;
        assert!(h.find(&id).await.is_none(), "a stored {falsy} must be no session");
        let outcome = h.store().set(&id, &document, Expect::Revision(&revision)).await.unwrap();
        assert_gone(&outcome, "over a falsy document");
        h.put(&id, &document).await;
        assert!(h.find(&id).await.is_some(), "a blind write must replace a stored {falsy}");
    }
}
