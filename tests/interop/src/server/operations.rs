//! What a request does to its session; `node/lab/operations.js` is the same list.

use express_session_actix::{Cookie, Data, Session};
use express_session_core::UnixMillis;
use serde_json::{Value, json};

use super::{Sabotage, Shared};
use crate::script::Operation;

/// What a handler knows besides its session.
pub(super) struct Handler<'a> {
    pub(super) shared: &'a Shared,
    /// Whether the session was there before this request.
    pub(super) was_loaded: bool,
}

impl Handler<'_> {
    /// Runs the operations in order; after the end of the session, the others find none.
    pub(super) async fn run(&self, session: Option<Session>, list: &[Operation]) -> Vec<Value> {
        let mut session = session;
        let mut results = Vec::with_capacity(list.len());
        for operation in list {
            if *operation == Operation::Hold {
                self.shared.gate.hold().await;
                results.push(Value::Null);
                continue;
            }
            let Some(live) = session.clone() else {
                results.push(json!("no session"));
                continue;
            };
            if self.skips(&live, operation) {
                results.push(json!("ok"));
                continue;
            }
            // What serde or the store says is a result that Node never gives, so the lab sees it.
            let result = one(&live, self.shared.now(), operation).await;
            if matches!(operation, Operation::Destroy | Operation::Unset) {
                session = None;
            }
            results.push(result.unwrap_or_else(|error| json!(format!("{error:#}"))));
        }
        results
    }

    /// Whether a deliberate bug makes the operation do nothing.
    fn skips(&self, session: &Session, operation: &Operation) -> bool {
        self.shared.sabotage == Some(Sabotage::Save)
            && *operation == Operation::Save
            && self.was_loaded
            && session.cookie().expires().is_some()
    }
}

async fn one(session: &Session, now: UnixMillis, operation: &Operation) -> anyhow::Result<Value> {
    let get = |key: &str| session.get::<Value>(key).map_err(|error| anyhow::anyhow!("{error}"));
    let put =
        |key: &str, value: &Value| session.insert(key, value).map_err(|error| anyhow::anyhow!("{error}"));
    let told = |outcome: Result<(), _>| match outcome {
        Ok(()) => json!("ok"),
        Err::<(), express_session_actix::Error>(_) => json!("error"),
    };
    Ok(match operation {
        Operation::Get { key } => get(key)?.unwrap_or(Value::Null),
        Operation::Set { key, value } => {
            put(key, value)?;
            Value::Null
        }
        Operation::Delete { key } => {
            session.remove(key);
            Value::Null
        }
        Operation::Nested { key, member, value } => match get(key)? {
            Some(Value::Object(mut object)) => {
                object.insert(member.clone(), value.clone());
                put(key, &Value::Object(object))?;
                Value::Null
            }
            _ => json!("not an object"),
        },
        Operation::Push { key, value } => match get(key)? {
            Some(Value::Array(mut items)) => {
                items.push(value.clone());
                let length = items.len();
                put(key, &Value::Array(items))?;
                json!(length)
            }
            _ => json!("not an array"),
        },
        Operation::Count { key } => {
            let next = get(key)?.and_then(|value| integer(&value)).unwrap_or(0) + 1;
            put(key, &json!(next))?;
            json!(next)
        }
        Operation::Dump => json!(dump(session)?),
        Operation::Id => json!(session.id().as_str()),
        Operation::MaxAge { ms } => {
            session.cookie_mut().assign("maxAge", Some(ms), now)?;
            Value::Null
        }
        Operation::Cookie { name, value } => {
            session.cookie_mut().assign(name, Some(value), now)?;
            Value::Null
        }
        Operation::Touch => {
            session.touch();
            Value::Null
        }
        Operation::Unset => {
            session.unset();
            Value::Null
        }
        Operation::Save => told(session.save().await),
        Operation::Reload => told(session.reload().await),
        Operation::Regenerate => told(session.regenerate().await),
        Operation::Destroy => told(session.destroy().await),
        Operation::Hold => Value::Null,
    })
}

/// JavaScript's `Number.isSafeInteger`.
#[allow(clippy::cast_possible_truncation, reason = "whole numbers below 2^53")]
fn integer(value: &Value) -> Option<i64> {
    let number = value.as_f64()?;
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_991.0).then_some(number as i64)
}

/// The data as JSON, keys sorted; integer-like keys come first, as JavaScript has them.
fn dump(session: &Session) -> anyhow::Result<String> {
    let mut entries = session.entries();
    entries.sort();
    let mut data = Data::new(Cookie::default());
    for (key, text) in &entries {
        data.insert_raw(key, text)?;
    }
    let mut members = Vec::with_capacity(entries.len());
    for (key, text) in data.entries() {
        members.push(format!("{}:{text}", serde_json::to_string(&key)?));
    }
    Ok(format!("{{{}}}", members.join(",")))
}
