//! What session-file-store was recorded doing, step by step, in `tests/vectors/file.json`.

use express_session_core::{
    Data, Document, SessionStore as _, SessionStoreAdmin as _, StoreError, TouchOutcome, UnixMillis,
};
use serde_json::Value;

use crate::support::{Fixture, NOW, content, document, empty, id, vectors};

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

fn fixture(vector: &Value) -> Fixture {
    let options = &vector["store_options"];
    let fixture = Fixture::with(|mut it| {
        if let Some(ttl) = options.get("ttl") {
            let ttl = ttl.as_u64().or_else(|| ttl.as_str()?.parse().ok()).unwrap();
            it = it.ttl(std::time::Duration::from_secs(ttl));
        }
        if let Some(extension) = options.get("fileExtension") {
            it = it.file_extension(extension.as_str().unwrap());
        }
        it
    });
    for (name, file) in vector["files_before"].as_object().unwrap() {
        fixture.put(name, content(file));
    }
    fixture
}

fn assert_files(fixture: &Fixture, vector: &Value) {
    let expected: std::collections::BTreeMap<_, _> = (vector["files_after"].as_object().unwrap().iter())
        .map(|(name, file)| (name.clone(), content(file)))
        .collect();
    assert_eq!(fixture.files(), expected, "{}", vector["name"]);
}

/// The session that Node was given, before Node put `__lastAccess` in.
fn given(argument: &Value) -> Document {
    document(&argument.to_string())
}

#[tokio::test]
async fn the_store_does_what_session_file_store_does() {
    let vectors = vectors();
    let mut done = 0;
    for vector in vectors["store_api"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        let Some(method) = vector["method"].as_str().filter(|_| vector.get("files_before").is_some()) else {
            continue;
        };
        if DIFFERENT.iter().any(|(different, _)| *different == name) {
            continue;
        }
        let fixture = fixture(vector);
        let store = &fixture.store;
        let sid = || id(vector["args"][0].as_str().unwrap());
        match method {
            "get" => {
                let found = store.get(&sid()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
                let expected = vector["data"].as_object().map(|data| Value::from(data.clone()));
                let encode = |document| Data::of(document).encode();
                let data = found.map(|it| serde_json::from_str(encode(it.document).text()).unwrap());
                // Cookie defaults are put in by express there, by encoding here.
                if name != "get: invalid UTF-8 becomes U+FFFD" {
                    assert_eq!(data, expected, "{name}");
                }
            }
            "set" => {
                fixture.set("sid", &given(&vector["args"][1])).await;
            }
            "touch" => {
                let given = match vector["args"][1].get("cookie") {
                    Some(_) => given(&vector["args"][1]),
                    // Node keeps the file's cookie if the session has none; here it always has one.
                    None => store.get(&sid()).await.unwrap().unwrap().document,
                };
                let outcome = store.touch(&sid(), &given, given.cookie()).await.unwrap();
                assert_eq!(outcome, TouchOutcome::Touched, "{name}");
            }
            "destroy" => {
                store.destroy(&sid()).await.unwrap();
            }
            "length" => assert_eq!(Some(store.length().await.unwrap()), vector["data"].as_u64(), "{name}"),
            "clear" => store.clear().await.unwrap(),
            // `list` and `expired` are not verbs of ours; what they tell is in `length` and `get`.
            "list" | "expired" => continue,
            other => panic!("an unknown method: {other}"),
        }
        assert_files(&fixture, vector);
        done += 1;
    }
    assert!(done >= 30, "only {done} vectors were checked");
}

#[tokio::test]
async fn files_that_node_deletes_are_reported_once_and_kept() {
    let vectors = vectors();
    let mut done = 0;
    for vector in vectors["store_api"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        if vector["method"] != "get" || !name.contains("SyntaxError") {
            continue;
        }
        let fixture = fixture(vector);
        assert!(matches!(fixture.store.get(&id("sid")).await, Err(StoreError::Corrupt(_))), "{name}");
        assert!(fixture.store.get(&id("sid")).await.unwrap().is_none(), "{name}");
        done += 1;
    }
    assert_eq!(done, 4);
}

#[tokio::test]
async fn a_touch_of_an_expired_file_leaves_it_as_it_is() {
    let vectors = vectors();
    let name = "touch: expired file: rewritten with cookie and __lastAccess only";
    let all = vectors["store_api"].as_array().unwrap();
    let vector = all.iter().find(|vector| vector["name"] == name).unwrap();
    let fixture = fixture(vector);
    let outcome = fixture.touch("sid", &empty()).await.unwrap();
    assert_eq!(outcome, TouchOutcome::Gone);
    assert_eq!(fixture.text("sid.json"), vector["files_before"]["sid.json"].as_str().unwrap());
}

#[tokio::test]
async fn without_an_extension_only_names_that_end_in_a_number_are_not_sessions() {
    let vectors = vectors();
    let all = vectors["store_api"].as_array().unwrap();
    let vector = all.iter().find(|vector| vector["name"] == "clear, fileExtension \"\"").unwrap();
    let fixture = fixture(vector);
    assert_eq!(fixture.store.length().await.unwrap(), 5);
    fixture.store.clear().await.unwrap();
    assert_eq!(fixture.files().into_keys().collect::<Vec<_>>(), ["e.json.12345"]);
}

/// Every step of every recorded life, with the store calls that the recording lists: the bytes are Node's.
#[tokio::test]
async fn recorded_lives_leave_the_same_bytes() {
    let vectors = vectors();
    let mut steps_checked = 0;
    for life in vectors["lifecycle"].as_array().unwrap() {
        let options = &life["store_options"];
        // Encrypted files differ in their random parts; custom encoders are not supported.
        if !options["secret"].is_null()
            || !options["encoder"].is_null()
            || !options["fallbackSessionFn"].is_null()
        {
            continue;
        }
        let extension = options.get("fileExtension").map_or(".json", |it| it.as_str().unwrap());
        for step in life["steps"].as_array().unwrap() {
            for (name, file) in step["files_after"].as_object().unwrap() {
                let Some(text) = file.as_str() else { continue };
                steps_checked += u32::from(replays(name, extension, text).await);
            }
        }
    }
    assert!(steps_checked >= 40, "only {steps_checked} files were checked");
}

/// Writes what a recorded file says, at the instant it says; first without `__lastAccess`, if it is last there.
async fn replays(name: &str, extension: &str, text: &str) -> bool {
    let fixture = Fixture::with(|options| options.file_extension(extension));
    let session = name.strip_suffix(extension).unwrap();
    let mut data = Data::of(document(text));
    let accessed: i64 = data.get("__lastAccess").unwrap().unwrap();
    fixture.clock.set(UnixMillis(accessed));
    let is_last = data.entries().last().is_some_and(|(key, _)| key == "__lastAccess");
    if is_last {
        data.remove("__lastAccess");
    }
    let fresh = data.encode();
    fixture.set(session, &fresh).await;
    assert_eq!(fixture.text(name), text);
    // And once more, a millisecond later: everything keeps its place.
    fixture.clock.set(UnixMillis(accessed + 1));
    let touched = fixture.touch(session, &fresh).await.unwrap();
    assert_eq!(touched, TouchOutcome::Touched);
    assert_eq!(fixture.text(name), text.replace(&accessed.to_string(), &(accessed + 1).to_string()));
    is_last || accessed >= NOW.0
}
