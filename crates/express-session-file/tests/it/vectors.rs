//! What session-file-store was recorded doing, step by step, in `tests/vectors/file.json`.

use express_session_core::{
    Data, Document, SessionStore as _, SessionStoreAdmin as _, StoreError, TouchOutcome,
};
use express_session_testbed::vectors::{
    are_foreign, bytes, list, name, replay_async, row, text, untranslatable,
};
use serde_json::Value;

use crate::support::{Fixture, document, empty, id, options_of};

/// Cases in which Node is wrong on purpose of nobody: what ours does instead is tested by name elsewhere.
/// DIFFERENCE: each with its reason.
const DIFFERENT: [(&str, &str); 14] = [
    ("get: originalMaxAge as text: string concatenation", "a lifetime that is no number is not a session"),
    ("get: cookie missing: ttl rule, returned without cookie", "a 500 in express: not a session"),
    ("get: JSON array", "a 500 in express: not a session"),
    ("get: ttl NaN: always expired", "a Duration cannot be NaN"),
    ("get: ttl null: always expired", "a Duration cannot be null"),
    ("get: ttl negative: always expired", "a Duration cannot be negative"),
    ("get: empty file: SyntaxError, file deleted", "quarantine instead"),
    ("get: corrupt file: SyntaxError, file deleted", "quarantine instead"),
    ("get: trailing garbage: SyntaxError, file deleted", "quarantine instead"),
    ("get: BOM: SyntaxError, file deleted", "quarantine instead"),
    ("touch: expired file: rewritten with cookie and __lastAccess only", "a touch never loses data"),
    ("touch: missing file: ENOENT", "gone is an outcome, not an error"),
    ("length, fileExtension \"\"", "temporary files of Node's are not sessions"),
    ("clear, fileExtension \"\"", "temporary files of Node's are not sessions"),
];

fn fixture(row: &Value) -> Fixture {
    let fixture = Fixture::with(|it| options_of(it, &row["store_options"]));
    for (name, file) in row["files_before"].as_object().unwrap() {
        fixture.put(name, bytes(file));
    }
    fixture
}

fn assert_files(fixture: &Fixture, row: &Value) {
    let expected: std::collections::BTreeMap<_, _> = (row["files_after"].as_object().unwrap().iter())
        .map(|(name, file)| (name.clone(), bytes(file)))
        .collect();
    assert_eq!(fixture.files(), expected);
}

/// The session that Node was given, before Node put `__lastAccess` in.
fn given(argument: &Value) -> Document {
    document(&argument.to_string())
}

#[tokio::test]
async fn the_store_does_what_session_file_store_does() {
    let mut done = 0;
    replay_async("file.json", "store_api", async |row| {
        let Some(method) = row["method"].as_str().filter(|_| row.get("files_before").is_some()) else {
            return;
        };
        if !DIFFERENT.iter().any(|(different, _)| *different == name(row)) {
            done += u32::from(call(row, method).await);
        }
    })
    .await;
    assert!(done >= 30 || are_foreign(), "only {done} rows were checked");
}

/// Whether the recorded call is a verb of ours; it then has the recorded result.
async fn call(row: &Value, method: &str) -> bool {
    let fixture = fixture(row);
    let store = &fixture.store;
    let sid = || id(list(row, "args")[0].as_str().unwrap());
    match method {
        "get" => {
            let found = store.get(&sid()).await.unwrap();
            let expected = row["data"].as_object().map(|data| Value::from(data.clone()));
            let encode = |document| Data::of(document).encode();
            let data = found.map(|it| serde_json::from_str(encode(it.document).text()).unwrap());
            // Cookie defaults are put in by express there, by encoding here.
            if name(row) != "get: invalid UTF-8 becomes U+FFFD" {
                assert_eq!(data, expected);
            }
        }
        "set" => {
            fixture.set("sid", &given(&row["args"][1])).await;
        }
        "touch" => {
            let given = match row["args"][1].get("cookie") {
                Some(_) => given(&row["args"][1]),
                // Node keeps the file's cookie if the session has none; here it always has one.
                None => store.get(&sid()).await.unwrap().unwrap().document,
            };
            let outcome = store.touch(&sid(), &given, given.cookie()).await.unwrap();
            assert_eq!(outcome, TouchOutcome::Touched);
        }
        "destroy" => {
            store.destroy(&sid()).await.unwrap();
        }
        "length" => assert_eq!(Some(store.length().await.unwrap()), row["data"].as_u64()),
        "clear" => store.clear().await.unwrap(),
        // `list` and `expired` are not verbs of ours; what they tell is in `length` and `get`.
        "list" | "expired" => return false,
        other => untranslatable(format_args!("unknown method {other}")),
    }
    assert_files(&fixture, row);
    true
}

#[tokio::test]
async fn files_that_node_deletes_are_reported_once_and_kept() {
    let mut done = 0;
    replay_async("file.json", "store_api", async |row| {
        if row["method"] != "get" || !name(row).contains("SyntaxError") {
            return;
        }
        let fixture = fixture(row);
        assert!(matches!(fixture.store.get(&id("sid")).await, Err(StoreError::Corrupt(_))));
        assert!(fixture.store.get(&id("sid")).await.unwrap().is_none());
        done += 1;
    })
    .await;
    assert!(done == 4 || are_foreign(), "{done}");
}

#[tokio::test]
async fn a_touch_of_an_expired_file_leaves_it_as_it_is() {
    let name = "touch: expired file: rewritten with cookie and __lastAccess only";
    let row = row("file.json", "store_api", name);
    let fixture = fixture(&row);
    let outcome = fixture.touch("sid", &empty()).await.unwrap();
    assert_eq!(outcome, TouchOutcome::Gone);
    assert_eq!(fixture.text("sid.json"), text(&row["files_before"], "sid.json"));
}

#[tokio::test]
async fn without_an_extension_only_names_that_end_in_a_number_are_not_sessions() {
    let fixture = fixture(&row("file.json", "store_api", "clear, fileExtension \"\""));
    assert_eq!(fixture.store.length().await.unwrap(), 5);
    fixture.store.clear().await.unwrap();
    assert_eq!(fixture.files().into_keys().collect::<Vec<_>>(), ["e.json.12345"]);
}
