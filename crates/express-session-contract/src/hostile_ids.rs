//! Ids are data, whatever they look like.

use express_session_core::{
    Expect, SessionId, SessionStore as _, SessionStoreAdmin as _, StoreError, TouchOutcome,
};

use crate::Harness;
use crate::listed;
use crate::sample::{HarnessExt as _, id, new_id};

/// Ids that were paths, keys, patterns, statements or device names if a store were careless.
fn hostile() -> Vec<SessionId> {
    let mut texts: Vec<String> = [
        "/",
        "//",
        ".",
        "..",
        "../",
        "../../etc/passwd",
        "/etc/passwd",
        "a/b",
        "a/../b",
        "~",
        "a\\b",
        "..\\..\\x",
        "C:\\x",
        "\0",
        "a\0",
        "a\0b",
        "*",
        "?",
        "[a-z]",
        "h?llo*",
        "{a,b}",
        "'",
        "\"",
        "' OR '1'='1",
        "'; DROP TABLE sessions; --",
        "`",
        "%",
        "_",
        "%s%n",
        "a%00b",
        "%2e%2e%2f",
        "$(id)",
        "`id`",
        "${x}",
        "CON",
        "nul",
        "AUX.json",
        "a:b",
        "sess:a",
        "sess:",
        "-",
        "--help",
        "\r\n",
        "a\r\nDEL b\r\n",
        "\t",
        " ",
        "\u{7f}",
        "\u{e9}",
        "e\u{301}",
        "\u{4e2d}\u{6587}",
        "\u{1f600}",
        "\u{202e}",
        "\u{feff}",
        "null",
        "undefined",
        "0",
        "__proto__",
        "constructor",
        ".json",
        "a.json",
        "a.lock",
        "a.tmp",
        ".hidden",
        "{}",
        "[]",
        "\\",
        "\\'",
    ]
    .map(str::to_owned)
    .into();
    texts.extend([249, 255, 256, 1024, 4095, 4096].map(|len| "x".repeat(len)));
    texts.push(format!("{}y", "x".repeat(4095)));
    texts.push("\u{e9}".repeat(2048));
    texts.into_iter().map(id).collect()
}

/// Those of the hostile ids under which this store can keep a session; it has one under each.
pub(crate) async fn storable_ids<H: Harness>(h: &H) -> Vec<SessionId> {
    let (mut ids, document) = (Vec::new(), h.document(&[("n", "1")]));
    for id in hostile() {
        match h.store().set(&id, &document, Expect::Any).await {
            Ok(_) => ids.push(id),
            Err(StoreError::UnsupportedId(_)) => {}
            Err(error) => panic!("a hostile id made the store fail: {error}"),
        }
    }
    assert!(ids.len() > 10, "the store refuses nearly all ids");
    ids
}

/// Any id is either a session of its own, isolated from all others, or refused by `set` as
/// [`StoreError::UnsupportedId`] and absent for the other verbs.
pub async fn hostile_ids_are_data<H: Harness>(h: &H) {
    all_are_different_sessions(h, &hostile(), false).await;
}

/// Upper and lower case, trailing spaces and Unicode forms of an id do not name the same session.
pub async fn variants_of_an_id_are_different_sessions<H: Harness>(h: &H) {
    let base = new_id();
    let base = format!("aB{}", base.as_str());
    let variants = [
        base.clone(),
        base.to_lowercase(),
        base.to_uppercase(),
        format!("{base} "),
        format!("{base}  "),
        format!(" {base}"),
        format!("{base}\t"),
        format!("{base}\0"),
        format!("{base}."),
        format!("{base}/"),
        format!("./{base}"),
        format!("{base}\u{e9}"),
        format!("{base}e\u{301}"),
        format!("{base}e"),
        format!("{base}\u{df}"),
        format!("{base}ss"),
    ];
    let ids: Vec<_> = variants.into_iter().map(id).collect();
    all_are_different_sessions(h, &ids[..3], true).await;
    all_are_different_sessions(h, &ids, false).await;
}

async fn all_are_different_sessions<H: Harness>(h: &H, ids: &[SessionId], all_supported: bool) {
    let store = h.store();
    store.clear().await.unwrap();
    let known = h.put(&new_id(), &h.document(&[("known", "1")])).await;
    let mut supported = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let shown = number.to_string();
        let document = h.document(&[("number", &shown)]);
        match store.set(id, &document, Expect::Any).await {
            Ok(outcome) => {
                crate::sample::written(outcome);
                supported.push((id, shown));
            }
            Err(error @ StoreError::UnsupportedId(_)) => {
                assert!(!all_supported, "an ordinary id was refused");
                assert_no_leak(&error, id);
                assert_absent(h, id, &known).await;
            }
            Err(error) => panic!("id number {number} ({:?}) gave {error:?}", id.as_str()),
        }
    }
    assert_eq!(
        listed::ids(store).await.unwrap().len(),
        supported.len() + 1,
        "a listing must have each of them once"
    );
    for (id, number) in &supported {
        let found = h.read(id).await.document;
        assert_eq!(found.get_raw("number"), Some(&**number), "{:?} is another session", id.as_str());
        assert_eq!(
            store.touch(id, &found, found.cookie()).await.unwrap(),
            TouchOutcome::Touched,
            "{:?}",
            id.as_str()
        );
    }
    let mut listed = listed::ids(store).await.unwrap();
    listed.sort();
    assert!(
        supported.iter().all(|(id, _)| listed.binary_search(id).is_ok()),
        "a listing must give ids unchanged"
    );
    while let Some((id, _)) = supported.pop() {
        assert!(store.destroy(id).await.unwrap(), "{:?} cannot be destroyed", id.as_str());
        assert!(h.find(id).await.is_none(), "{:?} outlived its destruction", id.as_str());
        assert_eq!(
            listed::ids(store).await.unwrap().len(),
            supported.len() + 1,
            "{:?} destroyed others",
            id.as_str()
        );
    }
}

async fn assert_absent<H: Harness>(h: &H, id: &SessionId, revision: &express_session_core::Revision) {
    let (store, document) = (h.store(), h.document(&[]));
    let shown = id.as_str();
    assert!(h.find(id).await.is_none(), "the unsupported id {shown:?} is there");
    assert_eq!(store.touch(id, &document, document.cookie()).await.unwrap(), TouchOutcome::Gone, "{shown:?}");
    assert!(!store.destroy(id).await.unwrap(), "{shown:?} was destroyed");
    let outcome = store.set(id, &document, Expect::Revision(revision)).await;
    assert!(
        matches!(outcome, Ok(express_session_core::SetOutcome::Gone) | Err(StoreError::UnsupportedId(_))),
        "{shown:?} was written"
    );
}

fn assert_no_leak(error: &StoreError, id: &SessionId) {
    let shown = format!("{error} {error:?}");
    // One character proves nothing: it may be part of any sentence.
    assert!(id.as_str().len() < 6 || !shown.contains(id.as_str()), "the error shows the id");
}
