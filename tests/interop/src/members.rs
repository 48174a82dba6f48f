//! The top-level members of a document as text, and three documents merged by them.

/// The members of a compact JSON object, keys in their quotes, in order. Empty for anything else.
fn members(document: &str) -> Vec<(&str, &str)> {
    let Some(inner) = document.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return Vec::new();
    };
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let (mut start, mut colon) = (0, None);
    let mut found = Vec::new();
    for (place, byte) in inner.bytes().chain([b',']).enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => colon = colon.or(Some(place)),
            b',' if depth == 0 => {
                if let Some(colon) = colon.take()
                    && let (Some(key), Some(value)) = (inner.get(start..colon), inner.get(colon + 1..place))
                {
                    found.push((key, value));
                }
                start = place + 1;
            }
            _ => {}
        }
    }
    found
}

/// What changed from `before` to `ours`, on top of `theirs`: the value of a key in `ours` wins, new keys stand behind, but for
/// integer-like ones, which JavaScript has in front and in order.
pub(crate) fn merged(before: &str, theirs: &str, ours: &str) -> String {
    if theirs == before {
        return ours.to_owned();
    }
    let (before, ours) = (members(before), members(ours));
    let mut result = members(theirs);
    let value = |list: &[(&str, &str)], key: &str| {
        list.iter().find(|(known, _)| *known == key).map(|(_, value)| (*value).to_owned())
    };
    result.retain(|(key, _)| value(&ours, key).is_some() || value(&before, key).is_none());
    for (key, new) in &ours {
        if value(&before, key).as_deref() == Some(*new) {
            continue;
        }
        if let Some((_, old)) = result.iter_mut().find(|(known, _)| known == key) {
            *old = new;
        } else {
            result.insert(place_of(key, &result), (key, new));
        }
    }
    let texts: Vec<String> = result.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", texts.join(","))
}

fn place_of(key: &str, list: &[(&str, &str)]) -> usize {
    let Some(number) = integer(key) else { return list.len() };
    list.iter().position(|(known, _)| integer(known).is_none_or(|known| known > number)).unwrap_or(list.len())
}

/// The number of an integer-like key in quotes.
fn integer(key: &str) -> Option<u32> {
    let text = key.trim_matches('"');
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

/// The document without one member, and that member's value.
pub(crate) fn without(document: &str, key: &str) -> Option<(String, String)> {
    let quoted = format!("\"{key}\"");
    let all = members(document);
    let (_, value) = all.iter().find(|(known, _)| *known == quoted)?;
    let rest: Vec<String> = (all.iter().filter(|(known, _)| *known != quoted))
        .map(|(key, value)| format!("{key}:{value}"))
        .collect();
    Some((format!("{{{}}}", rest.join(",")), (*value).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_told_apart_whatever_is_in_them() {
        let document = r#"{"a":{"b":[1,2],"c":":,{"},"x\"y":"\\","z":1e+21}"#;
        assert_eq!(
            members(document),
            [(r#""a""#, r#"{"b":[1,2],"c":":,{"}"#), (r#""x\"y""#, r#""\\""#), (r#""z""#, "1e+21")]
        );
        assert_eq!(members("null"), []);
        assert_eq!(members("{}"), []);
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
