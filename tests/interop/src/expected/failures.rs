//! D14 and D33: what a store that fails means to the answer.

use serde_json::{Value, json};

use super::{Failed, Phase};
use crate::client::Answer;
use crate::mismatch::Observation;
use crate::script::Verb;

/// What could not be read, saved or destroyed is an error that says nothing, in place of Node's page with a cookie for
/// what is not stored.
///
/// A touch that failed changes no answer. A handler that hears of a failed `regenerate`, `destroy` or `reload` goes on. Where
/// nothing is stored, ours asks the store to destroy nothing.
pub(super) fn apply(failed: &[Failed], ours: &mut Observation) {
    for call in failed {
        let is_needed = call.verb != Verb::Destroy || ours.stored.contains_key(&call.id);
        if !is_needed {
            if let Some(result) = result_of(call, ours) {
                *result = json!("ok");
            }
            continue;
        }
        let is_error = match call.verb {
            Verb::Get => call.phase == Phase::Load,
            Verb::Set | Verb::Destroy => call.phase == Phase::End,
            Verb::Touch => false,
        };
        if is_error {
            ours.answer =
                Some(Answer { status: 500, body: Value::from(""), set_cookie: Vec::new(), location: None });
        }
    }
}

/// What the handler answers for the operation that made the call.
fn result_of<'a>(call: &Failed, ours: &'a mut Observation) -> Option<&'a mut Value> {
    ours.answer.as_mut()?.body.as_array_mut()?.get_mut(call.operation?)
}
