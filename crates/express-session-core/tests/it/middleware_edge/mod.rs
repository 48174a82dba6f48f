//! The recorded edge cases of the middleware, as far as they are the model's; the others by name and owner.

mod scenes;

use std::collections::BTreeMap;
use std::time::Duration;

use express_session_core::{
    Clock, CookieOptions, NoTimer, Options, OptionsError, SessionManager, UnixMillis,
};
use express_session_testbed::vectors::{are_foreign, list, name, replay, row, untranslatable};
use serde_json::Value;

use crate::support::options::{builder, numbered_ids};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{NOW, SECRET, now_or_never};
use scenes::{PLAIN, Scene, n, same_as_node};

/// Who owns what is not the model's.
const ELSEWHERE: [(&str, &str); 12] = [
    ("two session middlewares: the second is a no-op", "adapter: one middleware fills the extractor"),
    (
        "store emitted \"disconnect\": requests pass without a session; \"connect\" restores",
        "adapter: `store_outage`",
    ),
    ("option validation: unset \"bogus\"", "types: `Unset` has two values"),
    (
        "res.end() before the regenerate() callback: old session destroyed, then touched under the old id, the new one is never stored, no cookie",
        "types: a verb that is not awaited has not happened, and a response waits for its handler",
    ),
    ("default error handler (finalhandler): store.set fails after the headers", "adapter: see store_errors"),
    ("default error handler (finalhandler): store.get fails", "adapter: the error page"),
    ("keep-alive connection, error page, store.set succeeds: connection stays open", "adapter: connections"),
    (
        "keep-alive connection, error page, store.set fails afterwards: the second error reaches finalhandler, which closes the connection",
        "adapter: connections",
    ),
    (
        "client disconnects before the handler ends: res.end still saves",
        "adapter: what happens to handlers then",
    ),
    ("undefined added: not a modification", "types: there is no `undefined` to add"),
    (
        "secret missing: every request fails, before the cookie is read",
        "options: refused at start, see below",
    ),
    ("option validation: secret []", "options: refused at start, see below"),
];

const REMOVED_MEANWHILE: &str =
    "session removed by another request while this one modifies it: it is re-created";
const OVERLAPPING: &str =
    "two overlapping requests modify different keys: last writer wins, the other change is lost";
const DRIFTING: &str = "clock that advances 1 ms per Date.now() call: originalMaxAge is recomputed as expires - now at creation AND at every touch(), so it drifts down (59998 after one touch) and the drifted value is stored";
const ON_PURPOSE: [&str; 3] = [REMOVED_MEANWHILE, OVERLAPPING, DRIFTING];

#[test]
fn edge_cases_are_nodes() {
    let mut compared = 0;
    replay("middleware-edge.json", "vectors", |row| {
        let name = name(row);
        let elsewhere = ELSEWHERE.iter().any(|(listed, _)| *listed == name) || ON_PURPOSE.contains(&name);
        let Some(scene) = same_as_node(name) else {
            return if !elsewhere {
                untranslatable("no scene of that name, and not listed")
            };
        };
        assert!(!elsewhere, "translated and listed");
        compared += 1;
        compare(row, &scene);
    });
    assert!(compared > 25 || are_foreign(), "{compared}");
}

fn compare(row: &Value, scene: &Scene) {
    let sent: Vec<Option<&str>> =
        list(row, "responses").iter().map(|it| it["set_cookie"][0].as_str()).collect();
    let ours: Vec<Option<&str>> = scene.sent.iter().map(Option::as_deref).collect();
    let nobody_got_that_far = ours.is_empty() && sent.iter().all(Option::is_none);
    assert!(nobody_got_that_far || ours == sent, "cookies\n   ours {ours:?}\n   node {sent:?}");
    let node: BTreeMap<String, String> = serde_json::from_value(row["store_after"].clone()).unwrap();
    let mut docs = scene.spy.docs();
    // Some were recorded on an empty store.
    if !node.contains_key("SID") && !scene.spy.calls().contains(&"get") {
        docs.remove("SID");
    }
    assert_eq!(docs, node);
    let calls = list(row, "store_calls").len();
    let failing_get = usize::from(name(row).contains("store.get failed"));
    assert!(scene.spy.calls().len() <= calls + failing_get, "{:?}, Node {calls} calls", scene.spy.calls());
}

/// What Node was recorded doing.
fn recorded(name: &str) -> Value {
    row("middleware-edge.json", "vectors", name)
}

/// DIFFERENCE: logout wins.
#[test]
fn a_session_removed_meanwhile_is_not_recreated() {
    assert!(recorded(REMOVED_MEANWHILE)["store_after"]["SID"].is_string(), "Node brings it back");
    let scene = Scene::plain().live(async |session, spy| {
        spy.meddle(BTreeMap::clear);
        n(session, 2);
    });
    assert!(scene.spy.docs().is_empty());
    assert_eq!(scene.sent, [None]);
}

/// DIFFERENCE: overlapping changes are merged.
#[test]
fn overlapping_changes_of_different_keys_are_both_kept() {
    let node = recorded(OVERLAPPING)["store_after"]["SID"].as_str().unwrap().to_owned();
    assert!(!node.contains("\"b\""), "Node loses one");
    let mut scene = Scene::plain();
    let manager = scene.manager.clone();
    scene.request(&Head::new().with_session("SID"), async |slow, _| {
        slow.insert("a", 1).unwrap();
        let fast = manager.begin(&Head::new().with_session("SID")).await.unwrap().unwrap();
        fast.insert("b", 1).unwrap();
        fast.finish().await.unwrap();
    });
    assert_eq!(scene.spy.doc("SID").unwrap(), PLAIN.replace("\"n\":1", r#""n":1,"b":1,"a":1"#));
}

#[derive(Debug)]
struct Ticking(std::sync::atomic::AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    }
}

/// DIFFERENCE: a touch does not shorten the lifetime.
#[test]
fn lifetimes_do_not_drift() {
    assert!(recorded(DRIFTING)["document"].as_str().unwrap().contains("\"originalMaxAge\":59998"));
    let spy = Spy::new();
    let cookie = CookieOptions::new().max_age(Duration::from_mins(1));
    let options = numbered_ids(builder()).cookie(cookie).build().unwrap();
    let clock = Ticking(std::sync::atomic::AtomicI64::new(NOW.0));
    let manager = SessionManager::with_clock(spy.clone(), options, clock, NoTimer);
    for _ in 0..3 {
        let session = now_or_never(manager.begin(&Head::new().with_session("N1"))).unwrap().unwrap();
        session.touch();
        now_or_never(session.finish()).unwrap();
    }
    assert!(spy.doc("N1").unwrap().contains("\"originalMaxAge\":60000,"), "{:?}", spy.docs());
}

#[test]
fn secrets_are_required_at_start() {
    assert!(matches!(Options::express([] as [&str; 0]).build(), Err(OptionsError::NoSecret(_))));
    assert!(matches!(
        Options::express([SECRET]).build(),
        Err(OptionsError::WeakSecret { position: 1, len: 12 })
    ));
}
