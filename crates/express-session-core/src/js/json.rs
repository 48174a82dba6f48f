//! JSON text exactly as `JSON.stringify` writes it.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

/// Writes what Node would write for `value`: compact, numbers by `Number::toString`, integer-like keys first.
///
/// # Errors
///
/// If `value` has no JSON form (a map whose keys are not text, a serializer that fails).
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, out: &mut String) -> Result<(), serde_json::Error> {
    write_value(&serde_json::to_value(value)?, out);
    Ok(())
}

/// Writes a JSON text as Node would after parsing it. One that serde can only check (lone surrogates, nesting
/// beyond 128 levels) is written as it is.
///
/// # Errors
///
/// If `text` is not JSON.
pub(crate) fn rewrite(text: &str, out: &mut String) -> Result<(), serde_json::Error> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => write_value(&value, out),
        Err(_) => out.push_str(serde_json::from_str::<&RawValue>(text)?.get()),
    }
    Ok(())
}

/// `text` rewritten as Node would after parsing it; `None` if serde cannot read it.
fn canonical(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let mut out = String::with_capacity(text.len());
    write_value(&value, &mut out);
    Some(out)
}

/// Whether two JSON texts stand for the same JavaScript value, key order included.
///
/// Source: express-session `index.js`, `hash`: the comparison is of the re-stringified text.
pub(crate) fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    if is_surely_canonical(a) && is_surely_canonical(b) {
        return false;
    }
    matches!((canonical(a), canonical(b)), (Some(a), Some(b)) if a == b)
}

/// Whether a JSON text can be told, without parsing, to be the only one of its value: a short integer, a
/// literal, or a string without escapes. Counters, flags and names are compared this way.
fn is_surely_canonical(text: &str) -> bool {
    match text.as_bytes() {
        [b'"', ..] => !text.contains('\\'),
        [b'1'..=b'9', ..] => text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit()),
        _ => matches!(text, "0" | "true" | "false" | "null"),
    }
}

/// The number an integer-like key stands for: canonical decimal 0..=4294967294, which JavaScript sorts first.
pub(crate) fn integer_like(key: &str) -> Option<u32> {
    let canonical = matches!(key.as_bytes(), [b'0'] | [b'1'..=b'9', ..]) && key.len() <= 10;
    canonical.then(|| key.parse().ok()).flatten().filter(|index| *index != u32::MAX)
}

pub(crate) fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => write_object(map, out),
    }
}

fn write_object(map: &Map<String, Value>, out: &mut String) {
    let mut indices: Vec<(u32, &String, &Value)> =
        map.iter().filter_map(|(key, value)| integer_like(key).map(|index| (index, key, value))).collect();
    indices.sort_unstable_by_key(|(index, ..)| *index);
    let others = map.iter().filter(|(key, _)| integer_like(key).is_none());
    out.push('{');
    for (position, (key, value)) in indices.into_iter().map(|(_, k, v)| (k, v)).chain(others).enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_string(key, out);
        out.push(':');
        write_value(value, out);
    }
    out.push('}');
}

/// Integers are written digit by digit, also beyond 2^53, where Node would already have rounded them.
fn write_number(number: &Number, out: &mut String) {
    if let Some(whole) = number.as_u64() {
        out.push_str(itoa::Buffer::new().format(whole));
    } else if let Some(whole) = number.as_i64() {
        out.push_str(itoa::Buffer::new().format(whole));
    } else if let Some(float) = number.as_f64() {
        write_f64(float, out);
    }
}

/// ECMAScript `Number::toString`; `null` for what JSON cannot say.
pub(crate) fn write_f64(float: f64, out: &mut String) {
    /// Below it, every whole number is written without an exponent and is an `i64`.
    const WHOLE: f64 = 1e15;
    #[allow(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    if float.abs() < WHOLE && float.fract() == 0.0 {
        out.push_str(itoa::Buffer::new().format(float as i64));
    } else if float.is_finite() {
        out.push_str(ryu_js::Buffer::new().format_finite(float));
    } else {
        out.push_str("null");
    }
}

/// Whether a string needs no escapes.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\'))
}

/// Escapes `"`, `\` and U+0000..U+001F only, as `JSON.stringify` does; `serde_json` has the same rule.
pub(crate) fn write_string(text: &str, out: &mut String) {
    if is_plain(text) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stringify<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
        let mut out = String::new();
        write(value, &mut out).map(|()| out)
    }

    #[test]
    fn integer_like_keys_come_first_in_ascending_order() {
        let value = serde_json::json!({"b": 1, "10": 2, "9": 3, "4294967295": 4, "01": 5});
        assert_eq!(stringify(&value).unwrap(), r#"{"9":3,"10":2,"b":1,"4294967295":4,"01":5}"#);
    }

    #[test]
    fn integers_beyond_double_precision_keep_their_digits() {
        assert_eq!(stringify(&u64::MAX).unwrap(), "18446744073709551615");
        assert_eq!(canonical("9007199254740993").unwrap(), "9007199254740993");
    }

    #[test]
    fn texts_of_the_same_value_are_the_same() {
        assert!(same("1", "1.0"));
        assert!(same(r#"{"a":1e3}"#, r#"{ "a": 1000 }"#));
        assert!(same("\"\u{e9}\"", r#""\u00e9""#));
        assert!(!same(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#));
        assert!(!same("1", "\"1\""));
        assert!(!same("1", "2") && !same("\"a\"", "\"b\"") && !same("0", "false"));
        assert!(same("\"/\"", r#""\/""#));
        assert!(same("-0", "0") && same("0.0", "0"));
        assert!(same(r#""\ud800""#, r#""\ud800""#));
    }
}
