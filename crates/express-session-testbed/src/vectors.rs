//! The recordings of the Node packages: `tests/vectors`, or another folder of the same form, named by `VECTORS`.
//!
//! A row that fails does not keep the rows behind it from their turn. At the end all of them are named, those that
//! say something the tests have no words for (an option, a handler, a call of the store) apart from those that
//! come out otherwise.

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::Poll;

use serde_json::Value;

/// 2030-01-02T03:04:05.678Z in milliseconds, at which the clock of every recording stands still.
pub const NOW_MS: i64 = 1_893_553_445_678;

/// How many complaints are shown.
const SHOWN: usize = 25;

/// What a row panics with that cannot be translated.
struct Untranslatable(String);

/// Whether the recordings are not those that the tests were written for: how many rows there are, and of which
/// kind, then says nothing.
pub fn are_foreign() -> bool {
    std::env::var_os("VECTORS").is_some()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The recordings in the tree.
fn ours() -> PathBuf {
    root().join("tests/vectors")
}

/// One file of recordings, such as `redis.json`. A relative folder in `VECTORS` counts from the workspace's.
///
/// # Panics
///
/// If it cannot be read, or was recorded at another instant than [`NOW_MS`].
pub fn file(name: &str) -> Value {
    let folder = std::env::var_os("VECTORS").map_or_else(ours, |folder| root().join(folder));
    read(&folder.join(name))
}

fn read(path: &Path) -> Value {
    let shown = path.display();
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{shown} cannot be read: {error}"));
    let value: Value =
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{shown} is not JSON: {error}"));
    if let Some(now) = value["source"]["frozen_now_ms"].as_i64() {
        assert_eq!(now, NOW_MS, "{shown} was recorded at another instant");
    }
    value
}

/// The rows of one list in a file.
///
/// # Panics
///
/// If there are none, and as [`file()`].
pub fn rows(name: &str, list: &str) -> Vec<Value> {
    match file(name)[list].as_array() {
        Some(rows) if !rows.is_empty() => rows.clone(),
        _ => panic!("{name} has no rows in {list}"),
    }
}

/// One row of the recordings in the tree, for a test about that row. `VECTORS` does not matter here.
///
/// # Panics
///
/// If there is no such row, and as [`file()`].
pub fn row(name: &str, list: &str, row: &str) -> Value {
    let file = read(&ours().join(name));
    let found = file[list].as_array().into_iter().flatten().find(|it| it["name"] == row);
    found.unwrap_or_else(|| panic!("{name} has no row {row:?} in {list}")).clone()
}

/// What a row is called.
pub fn name(row: &Value) -> &str {
    row["name"].as_str().or_else(|| row[0].as_str()).unwrap_or("a row without a name")
}

/// The text in a field of a row; without one, the row cannot be translated.
pub fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_else(|| untranslatable(format_args!("no text in `{field}`")))
}

/// The whole number in a field of a row; without one, the row cannot be translated.
pub fn int(row: &Value, field: &str) -> i64 {
    row[field].as_i64().unwrap_or_else(|| untranslatable(format_args!("no whole number in `{field}`")))
}

/// The list in a field of a row; without one, the row cannot be translated.
pub fn list<'a>(row: &'a Value, field: &str) -> &'a [Value] {
    row[field].as_array().unwrap_or_else(|| untranslatable(format_args!("no list in `{field}`")))
}

/// Text, or bytes given as `{ "hex": .. }`, `{ "$hex": .. }` or `{ "repeat": .., "times": .. }`.
pub fn bytes(value: &Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    if let (Some(part), Some(times)) = (value["repeat"].as_str(), value["times"].as_u64()) {
        let (prefix, suffix) =
            (value["prefix"].as_str().unwrap_or(""), value["suffix"].as_str().unwrap_or(""));
        let times = usize::try_from(times).unwrap_or_else(|error| untranslatable(error));
        return format!("{prefix}{}{suffix}", part.repeat(times)).into_bytes();
    }
    let digits = value["hex"].as_str().or(value["$hex"].as_str());
    hex(digits.unwrap_or_else(|| untranslatable("neither text nor bytes")))
}

/// Bytes from pairs of hexadecimal digits.
pub fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    bytes.unwrap_or_else(|| untranslatable("no hexadecimal digits"))
}

/// Ends a row that says something the test has no words for.
pub fn untranslatable(why: impl Display) -> ! {
    // Not a panic of its own: nothing is printed here, the row is named in the end.
    resume_unwind(Box::new(Untranslatable(why.to_string())))
}

/// Runs one row. If it panics it is named among the complaints, and the rows behind it have their turn.
pub fn translated<T>(name: &str, complaints: &mut Vec<String>, run: impl FnOnce() -> T) -> Option<T> {
    kept(name, complaints, catch_unwind(AssertUnwindSafe(run)))
}

/// [`translated`] for a row that waits.
pub async fn translated_async<T>(
    name: &str,
    complaints: &mut Vec<String>,
    run: impl Future<Output = T>,
) -> Option<T> {
    let mut run = pin!(run);
    let done = std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context)));
        polled.map_or_else(|panic| Poll::Ready(Err(panic)), |poll| poll.map(Ok))
    });
    kept(name, complaints, done.await)
}

fn kept<T>(name: &str, complaints: &mut Vec<String>, done: Result<T, Box<dyn Any + Send>>) -> Option<T> {
    let panic = match done {
        Ok(done) => return Some(done),
        Err(panic) => panic,
    };
    complaints.push(if let Some(Untranslatable(why)) = panic.downcast_ref() {
        format!("{name}: cannot be translated: {why}")
    } else {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let why = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        format!("{name}: {why}")
    });
    None
}

/// Fails with the complaints, if there are any.
///
/// # Panics
///
/// That is how.
pub fn none_of(complaints: &[String]) {
    let shown = complaints.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
    assert!(complaints.is_empty(), "{} rows differ or cannot be translated:\n{shown}", complaints.len());
}

/// Runs every row of a list, then fails with those that panicked.
///
/// # Panics
///
/// As [`rows`] and [`none_of`].
pub fn replay(file: &str, list: &str, mut run: impl FnMut(&Value)) {
    let mut complaints = Vec::new();
    for row in rows(file, list) {
        translated(name(&row), &mut complaints, || run(&row));
    }
    none_of(&complaints);
}

/// [`replay`] for rows that wait.
///
/// # Panics
///
/// As [`replay`].
pub async fn replay_async(file: &str, list: &str, mut run: impl AsyncFnMut(&Value)) {
    let mut complaints = Vec::new();
    for row in rows(file, list) {
        // On the heap: a whole application can be in there.
        translated_async(name(&row), &mut complaints, Box::pin(run(&row))).await;
    }
    none_of(&complaints);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_without_words_and_rows_that_differ_are_told_apart_and_stop_nothing() {
        let mut complaints = Vec::new();
        let rows = [json!({"name": "a"}), json!({"name": "b", "n": "1"}), json!({"name": "c", "n": "2"})];
        let mut done = Vec::new();
        for row in &rows {
            translated(name(row), &mut complaints, || {
                assert_eq!(text(row, "n"), "2");
                done.push(name(row));
            });
        }
        assert_eq!(done, ["c"]);
        assert_eq!(complaints[0], "a: cannot be translated: no text in `n`");
        assert!(complaints[1].starts_with("b: assertion `left == right` failed"), "{}", complaints[1]);
        let told = catch_unwind(|| none_of(&complaints)).unwrap_err();
        let told = told.downcast_ref::<String>().unwrap();
        assert!(
            told.starts_with("2 rows differ or cannot be translated:\na: ") && told.contains("\nb: "),
            "{told}"
        );
    }

    #[test]
    fn rows_that_wait_may_panic_too() {
        let mut complaints = Vec::new();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut run = |run| pin!(translated_async("a", &mut complaints, run)).as_mut().poll(&mut context);
        let polls = [false, true].map(|differs| run(async move { assert!(!differs, "it differs") }));
        assert_eq!(polls, [Poll::Ready(Some(())), Poll::Ready(None)]);
        assert_eq!(complaints, ["a: it differs"]);
    }

    #[test]
    fn bytes_come_in_four_forms() {
        assert_eq!(bytes(&json!("ab")), b"ab");
        assert_eq!(bytes(&json!({"hex": "00ff"})), [0, 255]);
        assert_eq!(bytes(&json!({"$hex": "7f"})), [127]);
        assert_eq!(bytes(&json!({"repeat": "x", "times": 3, "prefix": "a"})), b"axxx");
        for wrong in [json!(1), json!({"hex": "0"}), json!({"hex": "0é"})] {
            assert!(catch_unwind(|| bytes(&wrong)).is_err(), "{wrong}");
        }
    }
}
