//! After a login in Rust the old id has a mark, which no Node package takes for a session.

use express_session_interop::config::{OptionSet, StoreKind};
use express_session_interop::lab::{Lab, Observation, Observed, START};
use express_session_interop::script::{Request, Script, Sends, Side, Step};
use serde_json::{Map, Value, json};

use crate::support::{plain, set};

/// The id of the visitor before the login: the first of step 0.
const OLD: &str = "t0.1";

fn options() -> OptionSet {
    let session = json!({
        "secret": "a lab secret of more than 32 bytes", "resave": false, "saveUninitialized": false,
        "cookie": {"maxAge": 600_000}, "successorGrace": 60_000,
    });
    OptionSet::new(session, json!({}))
}

fn request(client: usize, side: Side, sends: Sends, operations: Value) -> Step {
    Step::Request(Request { client, side, sends, ..plain(operations) })
}

fn get(key: &str) -> Value {
    json!({"op": "get", "key": key})
}

fn login(name: &str) -> Value {
    json!([{"op": "regenerate"}, set("user", json!(name))])
}

/// What was seen after each step in the space both servers share, and what Node lists after the last.
async fn run(store: StoreKind, steps: Vec<Step>) -> (Vec<Observation>, Map<String, Value>) {
    let mut lab = Lab::start(store, vec![options()], None).await.unwrap();
    let mut seen = Vec::new();
    // An overlap is shown twice; how it ends counts.
    let keep = |step: usize, all: &Observed| {
        seen.truncate(step);
        seen.push(all["mixed"].clone().unwrap());
        true
    };
    lab.watch(&Script { set: 0, steps }, keep).await.unwrap();
    (seen, lab.node_listings(0, START).await.unwrap())
}

/// The results of a request that ended well, and how many cookies came with them.
fn results(seen: &Observation) -> (Value, usize) {
    let answer = seen.answer.as_ref().unwrap();
    assert_eq!(answer.status, 200, "{answer}");
    (answer.body.clone(), answer.set_cookie.len())
}

/// Nothing of a session is under the old id: Node begins anew and, as nothing is kept, sends nothing; Rust sends nothing
/// even for what was changed, and keeps nothing.
fn reads_nothing(after: &[Observation]) {
    let [node, rust] = after else { panic!("two requests with the old id") };
    assert_eq!(results(node), (json!(["{}"]), 0));
    assert_eq!(results(rust), (json!(["{}", 1]), 0), "the mark says that there was a login");
    assert_eq!(rust.stored.len(), node.stored.len());
}

fn with_the_old_id() -> [Step; 2] {
    [
        request(0, Side::Node, Sends::First, json!([{"op": "dump"}])),
        request(0, Side::Rust, Sends::First, json!([{"op": "dump"}, {"op": "count", "key": "late"}])),
    ]
}

const SHARED: [StoreKind; 3] = [StoreKind::File, StoreKind::Mysql, StoreKind::Redis];

#[actix_web::test]
async fn a_node_server_reads_lists_and_counts_no_session_that_rust_has_superseded() {
    for store in SHARED {
        let [node, rust] = with_the_old_id();
        let steps = vec![
            request(0, Side::Node, Sends::Jar, json!([set("user", json!("alice"))])),
            request(0, Side::Rust, Sends::Jar, login("bob")),
            node,
            rust,
            request(0, Side::Node, Sends::Jar, json!([{"op": "count", "key": "n"}, get("user")])),
            request(1, Side::Node, Sends::Nothing, login("carol")),
            request(1, Side::Rust, Sends::Jar, json!([get("user")])),
        ];
        let (seen, listings) = run(store, steps).await;
        reads_nothing(&seen[2..4]);
        assert_eq!(results(&seen[4]).0, json!([1, "bob"]), "{store}");
        assert_eq!(results(&seen[6]).0, json!(["carol"]), "{store}");

        let text = Value::from(listings.clone()).to_string();
        assert!(!text.contains("error") && !text.contains(OLD), "{store}: {text}");
        assert_eq!(listings["length"]["value"], 2, "{store}: {text}");
        let sessions: Vec<&String> = seen[6].stored.keys().filter(|id| *id != OLD).collect();
        assert_eq!(sessions.len(), 2);
        for verb in ["all", "ids", "list"] {
            let Some(listed) = listings.get(verb).map(Value::to_string) else { continue };
            assert!(sessions.iter().all(|id| listed.contains(*id)), "{store} {verb}: {listed}");
        }
        assert!(listings.len() > 1, "{store}: {text}");
    }
}

/// express-mysql-session extends a row whatever is in it: the request that had loaded the session gives the mark a life.
#[actix_web::test]
async fn a_node_request_that_was_under_way_revives_no_session_by_its_touch() {
    for store in SHARED {
        let slow = Request { side: Side::Node, ..plain(json!([{"op": "hold"}, {"op": "dump"}])) };
        let quick = plain(login("bob"));
        let [node, rust] = with_the_old_id();
        let steps = vec![
            request(0, Side::Node, Sends::Jar, json!([set("user", json!("alice"))])),
            Step::Overlap { held: slow, quick },
            node,
            rust,
            request(0, Side::Node, Sends::Jar, json!([get("user")])),
        ];
        let (seen, listings) = run(store, steps).await;
        reads_nothing(&seen[2..4]);
        assert_eq!(results(&seen[4]).0, json!(["bob"]), "{store}");
        let text = Value::from(listings).to_string();
        assert!(!text.contains("error"), "{store}: {text}");
    }
}
