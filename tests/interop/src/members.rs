//! The top-level members of a document as text, and three documents merged by them.
//!
//! Not core's own index of a document: what is computed here is what core is compared with.

use indexmap::IndexMap;
use serde_json::value::RawValue;

/// By key, in order; values as they are written.
type Members<'a> = IndexMap<String, &'a RawValue>;

/// The members of a JSON object. None for anything else.
fn members(document: &str) -> Members<'_> {
    serde_json::from_str(document).unwrap_or_default()
}

fn text(members: &Members<'_>) -> String {
    serde_json::to_string(members).unwrap_or_default()
}

/// What changed from `before` to `ours`, on top of `theirs`: the value of a key in `ours` wins, new keys stand behind, but for
/// integer-like ones, which JavaScript has in front and in order.
pub(crate) fn merged(before: &str, theirs: &str, ours: &str) -> String {
    if theirs == before {
        return ours.to_owned();
    }
    let (before, ours) = (members(before), members(ours));
    let mut result = members(theirs);
    result.retain(|key, _| ours.contains_key(key) || !before.contains_key(key));
    for (key, new) in ours {
        if before.get(&key).is_some_and(|old| old.get() == new.get()) {
            continue;
        }
        if let Some(old) = result.get_mut(&key) {
            *old = new;
        } else {
            result.shift_insert(place_of(&key, &result), key, new);
        }
    }
    text(&result)
}

fn place_of(key: &str, members: &Members<'_>) -> usize {
    let behind = |number| members.keys().position(|known| integer(known).is_none_or(|known| known > number));
    integer(key).and_then(behind).unwrap_or(members.len())
}

/// The number of an integer-like key.
fn integer(key: &str) -> Option<u32> {
    key.parse().ok().filter(|number: &u32| number.to_string() == key)
}

/// The document without one member, and that member's value.
pub(crate) fn without(document: &str, key: &str) -> Option<(String, String)> {
    let mut rest = members(document);
    let value = rest.shift_remove(key)?;
    Some((text(&rest), value.get().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_told_apart_whatever_is_in_them() {
        let document = r#"{"a":{"b":[1,2],"c":":,{"},"x\"y":"\\","z":1e+21}"#;
        let texts = |document| -> Vec<(String, String)> {
            members(document).into_iter().map(|(key, value)| (key, value.get().to_owned())).collect()
        };
        let expected = [("a", r#"{"b":[1,2],"c":":,{"}"#), (r#"x"y"#, r#""\\""#), ("z", "1e+21")];
        assert_eq!(texts(document), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(text(&members(document)), document);
        assert_eq!(texts("null"), []);
        assert_eq!(texts("{}"), []);
    }

    #[test]
    fn both_changes_are_in_the_merge_and_the_later_wins_a_key() {
        let merge = |theirs, ours| merged(r#"{"c":0,"a":1,"b":2}"#, theirs, ours);
        assert_eq!(
            merge(r#"{"c":0,"a":1,"b":2,"d":3}"#, r#"{"c":0,"a":7,"b":2,"e":4}"#),
            r#"{"c":0,"a":7,"b":2,"d":3,"e":4}"#
        );
        assert_eq!(merge(r#"{"c":0,"a":9,"b":2}"#, r#"{"c":0,"a":8,"b":2}"#), r#"{"c":0,"a":8,"b":2}"#);
        assert_eq!(merge(r#"{"c":0,"a":9}"#, r#"{"c":0,"b":2}"#), r#"{"c":0}"#);
        assert_eq!(
            merge(r#"{"10":1,"c":0,"a":1,"b":2}"#, r#"{"9":1,"c":0,"a":1,"b":2}"#),
            r#"{"9":1,"10":1,"c":0,"a":1,"b":2}"#
        );
    }

    #[test]
    fn a_member_can_be_taken_out() {
        assert_eq!(without(r#"{"a":1,"b":2}"#, "a"), Some((r#"{"b":2}"#.to_owned(), "1".to_owned())));
        assert_eq!(without(r#"{"a":1}"#, "b"), None);
    }
}
