//! The recorded behaviour of memorystore 1.6.8, step by step, and what is different on purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use express_session_core::{
    Document, Expect, ManualClock, SessionId, SessionStore as _, SessionStoreAdmin as _, UnixMillis,
};
use express_session_memory::{Disposal, MemoryOptions, MemoryStore};
use express_session_testbed::vectors::{
    NOW_MS, are_foreign, list, name, replay_async, row, text, untranslatable,
};
use serde_json::Value;

/// Vectors that have no counterpart, or another result. Every other vector must hold to the letter.
const DIFFERENCES: [(&str, &str); 4] = [
    ("ttl option string: TypeError thrown", "`ttl` is a `Duration`: the compiler refuses a text"),
    (
        "maxAge 0",
        "memorystore takes 0 for \"no ttl\" and keeps a session that is over for ever; here it is over",
    ),
    (
        "stale true: an expired entry is returned once",
        "an expired session is never served, so there is no `stale`",
    ),
    (
        "unserialisable session: error to the callback",
        "`Data::insert` refuses the value before there is a record",
    ),
];

struct Run {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    disposed: Arc<Mutex<Vec<String>>>,
}

impl Run {
    fn start(options: &Value) -> Self {
        let disposed = Arc::<Mutex<Vec<String>>>::default();
        let mut built = MemoryOptions::new().check_period(None);
        for (name, value) in options.as_object().unwrap() {
            built = match (name.as_str(), value) {
                ("max", max) => built.max(max.as_u64().unwrap()),
                ("ttl", Value::Number(ttl)) if ttl.as_u64() == Some(0) => built.never_expire(),
                ("ttl", Value::Number(ttl)) => built.ttl(Duration::from_millis(ttl.as_u64().unwrap())),
                ("ttl", function) if function["$fn"] == "(o, s, sid) => sid.length * 1000" => {
                    built.ttl_with(|_, id| Duration::from_secs(id.as_str().len() as u64))
                }
                ("dispose", _) => {
                    let disposed = Arc::clone(&disposed);
                    built.dispose(move |id, why| {
                        assert_eq!(why, Disposal::Evicted);
                        disposed.lock().unwrap().push(id.as_str().to_owned());
                    })
                }
                (other, value) => untranslatable(format_args!("unknown option {other}: {value}")),
            };
        }
        let clock = Arc::new(ManualClock::new(UnixMillis(NOW_MS)));
        let store = MemoryStore::new(built.clock(Arc::clone(&clock)));
        Self { store, clock, disposed }
    }

    /// The result as JSON text, `None` for none.
    async fn step(&self, step: &Value) -> Option<String> {
        let arguments = || list(step, "args");
        let argument = |index: usize| arguments()[index].as_str().unwrap();
        let id = || SessionId::parse(argument(0)).unwrap();
        let document = || Document::parse(argument(1)).unwrap().unwrap();
        let store = &self.store;
        match text(step, "op") {
            "advance" => self.clock.advance(Duration::from_millis(step["ms"].as_u64().unwrap())),
            "set" => drop(store.set(&id(), &document(), Expect::Any).await.unwrap()),
            "touch" => drop(store.touch(&id(), &document(), document().cookie()).await.unwrap()),
            "get" => return store.get(&id()).await.unwrap().map(|stored| stored.document.text().to_owned()),
            "length" => return Some(store.length().await.unwrap().to_string()),
            "clear" => store.clear().await.unwrap(),
            "prune" => drop(store.sweep().await.unwrap()),
            // DIFFERENCE: `destroy` takes one id; a list is a loop.
            "destroy" => {
                let ids: Vec<String> = serde_json::from_str(argument(0)).unwrap();
                for id in ids {
                    assert!(store.destroy(&SessionId::parse(id).unwrap()).await.unwrap());
                }
            }
            // DIFFERENCE: memorystore's listings remove what has expired; a page is only looked at.
            "ids" => {
                store.sweep().await.unwrap();
                let ids = express_session_contract::ids(store).await.unwrap();
                let ids: Vec<_> = ids.iter().map(SessionId::as_str).collect();
                return Some(serde_json::to_string(&ids).unwrap());
            }
            "all" => {
                store.sweep().await.unwrap();
                let all = express_session_contract::all(store).await.unwrap();
                let members = all.iter().map(|(id, it)| format!("{:?}:{}", id.as_str(), it.text()));
                return Some(format!("{{{}}}", members.collect::<Vec<_>>().join(",")));
            }
            other => untranslatable(format_args!("unknown step {other}")),
        }
        None
    }
}

/// Pages are in the order of ids; what was recorded is in that of insertion or use.
fn sorted(result: Option<String>) -> Option<String> {
    let text = result?;
    let Ok(mut ids) = serde_json::from_str::<Vec<String>>(&text) else { return Some(text) };
    ids.sort();
    Some(serde_json::to_string(&ids).unwrap())
}

#[tokio::test]
async fn every_recorded_step_has_the_recorded_result() {
    let (mut run, mut different) = (0, 0);
    replay_async("memorystore.json", "vectors", async |row| {
        if DIFFERENCES.iter().any(|(other, _)| *other == name(row)) {
            different += 1;
            return;
        }
        let store = Run::start(&row["options"]);
        for (number, step) in list(row, "steps").iter().enumerate() {
            let result = store.step(step).await;
            let recorded = step["result"].as_str().map(str::to_owned);
            assert_eq!(sorted(result), sorted(recorded), "step {number}");
        }
        if let Some(disposed) = row["disposed"].as_array() {
            let told = serde_json::to_value(&*store.disposed.lock().unwrap()).unwrap();
            assert_eq!(told.as_array().unwrap(), disposed);
        }
        run += 1;
    })
    .await;
    let all = are_foreign() || (run, different) == (13, DIFFERENCES.len());
    assert!(all, "a row has gone or was added: {run}, {different}");
}

/// DIFFERENCE: see [`DIFFERENCES`].
#[tokio::test]
async fn a_cookie_without_any_life_left_does_not_make_the_session_immortal() {
    let row = row("memorystore.json", "vectors", "maxAge 0");
    let run = Run::start(&row["options"]);
    let steps = list(&row, "steps");
    run.step(&steps[0]).await;
    assert!(run.step(&steps[1]).await.is_some(), "the millisecond it was written in");
    run.step(&steps[2]).await;
    assert_eq!(run.step(&steps[3]).await, None);
}

/// DIFFERENCE: see [`DIFFERENCES`].
#[tokio::test]
async fn an_expired_session_is_not_even_returned_once() {
    let row = row("memorystore.json", "vectors", "stale true: an expired entry is returned once");
    let run = Run::start(&serde_json::json!({}));
    let steps = list(&row, "steps");
    run.step(&steps[0]).await;
    run.step(&steps[1]).await;
    assert_eq!(run.step(&steps[2]).await, None);
}
