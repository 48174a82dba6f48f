//! What the tests share: a spy store, a fake request, option objects of Node servers.

pub(crate) mod js;
pub(crate) mod options;
pub(crate) mod request;
pub(crate) mod spy;

use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use express_session_core::UnixMillis;
use serde_json::Value;

/// 2030-01-02T03:04:05.678Z, the frozen clock of the recordings.
pub(crate) const NOW: UnixMillis = UnixMillis(1_893_553_445_678);

/// The id and the secret of the recordings.
pub(crate) const SID: &str = "Xo0oQwS3fE2hT7yU9iOpAsDfGhJkLzCv";
pub(crate) const SECRET: &str = "keyboard cat";

/// The folder of the recordings: `tests/vectors`, or another of the same form, named by `VECTORS`.
fn folder() -> PathBuf {
    let ours = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    std::env::var_os("VECTORS").map_or_else(ours, PathBuf::from)
}

/// Whether the recordings are not those that these tests were written for: lists of rows, and how many there are of
/// which kind, then say nothing.
pub(crate) fn are_foreign() -> bool {
    std::env::var_os("VECTORS").is_some()
}

/// Translates and runs one row. What is not known here (a handler, an option, a call of the store) panics in there:
/// the row is then named among the complaints, and the rows behind it have their turn.
pub(crate) fn translated<T>(name: &str, complaints: &mut Vec<String>, run: impl FnOnce() -> T) -> Option<T> {
    match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(done) => Some(done),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let why = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
            complaints.push(format!("{name}: cannot be translated: {why}"));
            None
        }
    }
}

/// One file of recordings.
pub(crate) fn vectors(file: &str) -> Value {
    let path = folder().join(file);
    let value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    if let Some(now) = value["source"]["frozen_now_ms"].as_i64() {
        assert_eq!(UnixMillis(now), NOW, "{file} was recorded at another instant");
    }
    value
}

/// The rows of one list in a file, which must not be empty.
pub(crate) fn rows(file: &str, list: &str) -> Vec<Value> {
    let rows = vectors(file)[list].as_array().unwrap().clone();
    assert!(!rows.is_empty(), "{file} has no {list}");
    rows
}

/// Text, or bytes given as `{ "hex": .. }` or `{ "$hex": .. }`.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(part) = value["repeat"].as_str() {
        let times = usize::try_from(value["times"].as_u64().unwrap()).unwrap();
        let (prefix, suffix) =
            (value["prefix"].as_str().unwrap_or(""), value["suffix"].as_str().unwrap_or(""));
        return format!("{prefix}{}{suffix}", part.repeat(times)).into_bytes();
    }
    hex(value["hex"].as_str().or(value["$hex"].as_str()).expect("text or hex"))
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// Runs what never has to wait.
pub(crate) fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("the spy store answers at once")
}

/// Fails with all complaints at once.
pub(crate) fn none_of(complaints: &[String]) {
    let shown = complaints.iter().take(25).cloned().collect::<Vec<_>>().join("\n");
    assert!(complaints.is_empty(), "{} rows differ:\n{shown}", complaints.len());
}
