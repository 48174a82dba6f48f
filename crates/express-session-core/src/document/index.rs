//! Where the members of a JSON object stand in its text.
//!
//! Nothing is copied: a member is two ranges. Values may be nested to any depth and hold half surrogate pairs;
//! they are checked for syntax only.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

/// A range of a text below 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// `None` beyond 4 GiB.
    pub(crate) fn new(start: usize, end: usize) -> Option<Self> {
        Some(Self { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
    }

    pub(crate) fn len(self) -> u32 {
        self.end - self.start
    }

    /// The part of the text; empty if it is another text, which has no such part.
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The same for the bytes of a text.
    pub(crate) fn of_bytes(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// One member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The key as it is written, without its quotes.
    pub(crate) key: Span,
    /// The value as it is written.
    pub(crate) value: Span,
}

/// The members in order. Up to sixteen need no memory of their own.
pub(crate) type Members = SmallVec<[Member; 16]>;

/// Finds the members of an object; of a repeated key the last value counts, at the first one's place.
///
/// # Errors
///
/// If `text` is not one JSON object.
pub(crate) fn members(text: &str) -> Result<Members, serde_json::Error> {
    struct Ranges<'t>(&'t str);
    impl<'de> Visitor<'de> for Ranges<'de> {
        type Value = Members;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
            let mut members = Members::new();
            while let Some((key, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                let quoted = key.get();
                let key = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
                let span = |part: &str| {
                    let start = part.as_ptr().addr() - self.0.as_ptr().addr();
                    Span::new(start, start + part.len()).ok_or_else(|| A::Error::custom("4 GiB or more"))
                };
                if members.len() == members.inline_size() {
                    // Once for all; members of members are counted too.
                    members.reserve(self.0.matches("\":").count());
                }
                members.push(Member { key: span(key)?, value: span(value.get())? });
            }
            Ok(members)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut found = reader.deserialize_map(Ranges(text))?;
    reader.end()?;
    keep_last_values(text, &mut found);
    Ok(found)
}

/// Up to this many members, each is compared with all others.
const FEW: usize = 32;

fn keep_last_values(text: &str, members: &mut Members) {
    let differ = |members: &Members| {
        members.iter().enumerate().all(|(place, member)| {
            let key = member.key.of(text);
            members.iter().take(place).all(|other| !same_key(other.key.of(text), key))
        })
    };
    if members.len() <= FEW && differ(members) {
        return;
    }
    let mut places: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(members.len());
    let mut kept = Members::with_capacity(members.len());
    for member in members.iter() {
        let raw = member.key.of(text);
        let place = *places.entry(unescape(raw).unwrap_or(Cow::Borrowed(raw))).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(first) => first.value = member.value,
            None => kept.push(*member),
        }
    }
    *members = kept;
}

/// The key that is written so; `None` if it holds half a surrogate pair, which no Rust text can.
pub(crate) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    if !has_escape(raw) {
        return Some(Cow::Borrowed(raw));
    }
    serde_json::from_str(&format!("\"{raw}\"")).ok().map(Cow::Owned)
}

/// Whether `raw` is a spelling of `key`.
pub(crate) fn spells(raw: &str, key: &str) -> bool {
    // Escapes make a text longer.
    if raw.len() <= key.len() {
        raw == key && !has_escape(raw)
    } else {
        has_escape(raw) && unescape(raw).is_some_and(|it| it == key)
    }
}

/// Whether two keys are the same, however they are written.
pub(crate) fn same_key(a: &str, b: &str) -> bool {
    a == b || ((has_escape(a) || has_escape(b)) && unescape(a).is_some_and(|a| spells(b, &a)))
}

fn has_escape(raw: &str) -> bool {
    raw.as_bytes().contains(&b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(&str, &str)> {
        members(text).unwrap().iter().map(|it| (it.key.of(text), it.value.of(text))).collect()
    }

    #[test]
    fn members_are_ranges_of_the_text() {
        assert_eq!(read("{}"), []);
        assert_eq!(
            read(r#" { "a" : [1, {"b":2}] ,"\u0062":"x\ud800" , "é": 1.50 } "#),
            [("a", r#"[1, {"b":2}]"#), (r"\u0062", r#""x\ud800""#), ("é", "1.50")]
        );
    }

    #[test]
    fn of_a_repeated_key_the_last_value_counts_at_the_first_place() {
        assert_eq!(read(r#"{"a":1,"b":2,"\u0061":3,"c":4}"#), [("a", "3"), ("b", "2"), ("c", "4")]);
        let many: Vec<String> = (0..80).map(|n| format!("\"k{}\":{n}", n % 40)).collect();
        let text = format!("{{{}}}", many.join(","));
        let found = read(&text);
        assert_eq!((found.len(), found[0], found[39]), (40, ("k0", "40"), ("k39", "79")));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in
            ["", "1", "[]", "{", "{}x", r#"{"a"}"#, r#"{"a":}"#, "{a:1}", r#"{"a":1,}"#, "{\"\\x\":1}"]
        {
            assert!(members(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_are_compared_by_what_they_spell() {
        assert!(spells("a", "a") && spells(r"\u0061", "a") && spells(r"\n", "\n"));
        assert!(!spells("a", "b") && !spells(r"\ud800", "a") && !spells(r"\n", r"\n"));
        assert!(same_key(r"\u0061", "a") && same_key("a", r"\u0061") && same_key(r"\ud800", r"\ud800"));
        assert!(!same_key(r"\u0061", "b") && !same_key("a", "b"));
    }
}
