//! D5: a whole number beyond 2^53 keeps its digits.

use serde_json::Value;

use crate::mismatch::Observation;

/// The one such number in scripts.
pub(crate) const EXACT: i64 = 9_007_199_254_741_995;

/// What Node makes of it; no script has that number from elsewhere.
const ROUNDED: &str = "9007199254741996";

/// What ours must show where Node shows what it has rounded.
pub(crate) fn unrounded(node: &Observation) -> Observation {
    let exact = |text: &str| text.replace(ROUNDED, &EXACT.to_string());
    let mut ours = node.clone();
    ours.stored.values_mut().for_each(|entry| entry.document = exact(&entry.document));
    if let Some(answer) = &mut ours.answer {
        answer.body = unrounded_value(&answer.body, &exact);
    }
    ours
}

fn unrounded_value(value: &Value, exact: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => exact(text).into(),
        Value::Array(items) => items.iter().map(|item| unrounded_value(item, exact)).collect(),
        Value::Object(members) => {
            (members.iter()).map(|(key, value)| (key.clone(), unrounded_value(value, exact))).collect()
        }
        Value::Number(number) if number.to_string() == ROUNDED => EXACT.into(),
        other => other.clone(),
    }
}
