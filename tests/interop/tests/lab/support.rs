//! Steps as tests write them, and what came of them in Node and here.

use express_session_interop::config::{OptionSet, StoreKind};
use express_session_interop::lab::{Lab, Observation, Observed};
use express_session_interop::script::{Operation, Request, Script, Sends, Side, Step, Task};
use serde_json::{Value, json};

const SECRET: &str = "a lab secret of more than 32 bytes";

pub(super) fn options(more: Value) -> OptionSet {
    let mut session = json!({"secret": SECRET, "resave": false, "saveUninitialized": false});
    if let (Value::Object(session), Value::Object(more)) = (&mut session, more) {
        session.extend(more);
    }
    OptionSet::new(session, json!({}))
}

/// A request of the first client to Rust.
pub(super) fn plain(operations: Value) -> Request {
    let operations: Vec<Operation> = serde_json::from_value(operations).unwrap();
    Request {
        client: 0,
        path: "/".to_owned(),
        side: Side::Rust,
        sends: Sends::Jar,
        forwarded: None,
        fails: None,
        task: Task { operations, ..Task::default() },
    }
}

pub(super) fn request(operations: Value) -> Step {
    Step::Request(plain(operations))
}

pub(super) fn sending(sends: Sends, operations: Value) -> Step {
    Step::Request(Request { sends, ..plain(operations) })
}

pub(super) fn set(key: &str, value: Value) -> Value {
    json!({"op": "set", "key": key, "value": value})
}

/// What Node and we have in the end.
pub(super) struct Ends {
    pub(super) node: Observation,
    pub(super) ours: Observation,
}

impl Ends {
    pub(super) fn cookies(&self) -> (usize, usize) {
        let count = |it: &Observation| it.answer.as_ref().map_or(0, |answer| answer.set_cookie.len());
        (count(&self.node), count(&self.ours))
    }

    pub(super) fn statuses(&self) -> (u16, u16) {
        let status = |it: &Observation| it.answer.as_ref().map_or(0, |answer| answer.status);
        (status(&self.node), status(&self.ours))
    }

    /// The one document each, with the cookie cut out.
    pub(super) fn data(&self) -> (String, String) {
        let data = |it: &Observation| {
            assert_eq!(it.stored.len(), 1);
            let document = &it.stored.values().next().unwrap().document;
            let start = document.find(r#""cookie":{"#).unwrap();
            let end = start + document[start..].find('}').unwrap() + 1;
            format!("{}{}", &document[..start], &document[end..])
        };
        (data(&self.node), data(&self.ours))
    }
}

pub(super) async fn run(store: StoreKind, options: OptionSet, steps: Vec<Step>) -> Ends {
    let mut lab = Lab::start(store, vec![options], None).await.unwrap();
    let last = steps.len() - 1;
    let mut ends = None;
    let keep = |index: usize, all: &Observed| {
        if index == last {
            ends = Some(Ends { node: all["node"].clone().unwrap(), ours: all["rust"].clone().unwrap() });
        }
        true
    };
    lab.watch(&Script { set: 0, steps }, keep).await.unwrap();
    ends.unwrap()
}
