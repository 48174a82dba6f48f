//! The documents nearly every session has, read in one go: without blanks, the usual cookie first, keys without escapes.
//!
//! A member costs a tenth of what the general way costs. What this does not know is left to that one, which also says
//! what is wrong with a text.

use serde_json::value::RawValue;

use super::document_text::COOKIE_KEY;
use super::index::{Member, Members, Span};
use crate::cookie::Cookie;

/// What stands in front of the cookie.
const START: &str = "{\"cookie\":";

/// Up to this many members, each is compared with all others.
const FEW: usize = 32;

/// What was found in a document.
pub(super) struct Scanned {
    pub(super) cookie: Cookie,
    pub(super) cookie_text: Span,
    /// Without the cookie.
    pub(super) members: Members,
}

/// The parts of a usual document; `None` for any other text.
pub(super) fn scan(text: &str) -> Option<Scanned> {
    // A usual cookie holds no object.
    let end = START.len() + text.strip_prefix(START)?.find('}')? + 1;
    let cookie = Cookie::decode_usual(text.get(START.len()..end)?)?;
    let cookie_text = Span::new(START.len(), end)?;
    let mut members = Members::new();
    let mut rest = Rest { text, at: end };
    while rest.skip(b',') {
        let key = rest.plain_string()?;
        // The cookie's quotes belong to its value, those of a key do not.
        let key = Span::new(key.start + 1, key.end - 1)?;
        let known = |other: &Member| other.key.len() == key.len() && other.key.of(text) == key.of(text);
        if key.of(text) == COOKIE_KEY || !rest.skip(b':') || members.len() == FEW || members.iter().any(known)
        {
            return None;
        }
        let value = rest.value()?;
        members.push(Member { key, value: Span::new(value.start, value.end)? });
    }
    let is_whole = rest.skip(b'}') && rest.at == text.len();
    is_whole.then_some(Scanned { cookie, cookie_text, members })
}

/// What has not been read yet.
struct Rest<'t> {
    text: &'t str,
    at: usize,
}

impl Rest<'_> {
    fn bytes(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Whether this byte comes next; it is read then.
    fn skip(&mut self, byte: u8) -> bool {
        let comes_next = self.bytes().first() == Some(&byte);
        self.at += usize::from(comes_next);
        comes_next
    }

    /// Reads `len` bytes.
    fn take(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.at;
        self.at += len;
        start..self.at
    }

    /// A string without escapes, with its quotes.
    fn plain_string(&mut self) -> Option<std::ops::Range<usize>> {
        let (b'"', inner) = self.bytes().split_first()? else { return None };
        let len = inner.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..=0x1f))?;
        (inner.get(len) == Some(&b'"')).then(|| self.take(len + 2))
    }

    /// A value: whole numbers and plain strings at once, others by serde.
    fn value(&mut self) -> Option<std::ops::Range<usize>> {
        match self.bytes() {
            [b'"', ..] => self.plain_string().or_else(|| self.any_value()),
            [b'1'..=b'9', further @ ..] => {
                let digits = 1 + further.iter().take_while(|byte| byte.is_ascii_digit()).count();
                match self.bytes().get(digits) {
                    Some(b',' | b'}') => Some(self.take(digits)),
                    _ => self.any_value(),
                }
            }
            _ => self.any_value(),
        }
    }

    fn any_value(&mut self) -> Option<std::ops::Range<usize>> {
        let rest = self.text.get(self.at..)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let value = values.next()?.ok()?.get();
        // Blanks in front are no part of it.
        rest.starts_with(value).then(|| self.take(value.len()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::index;
    use super::*;

    const COOKIES: [&str; 3] = [
        r#"{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}"#,
        r#"{"originalMaxAge":60000,"expires":"2030-01-02T03:05:05.678Z","httpOnly":true,"path":"/"}"#,
        r#"{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/","x":{}}"#,
    ];

    /// The members by the general way, which knows every document.
    fn general(text: &str) -> Option<Members> {
        let mut members = index::members(text).ok()?;
        let is_cookie = |member: &Member| index::spells(member.key.of(text), COOKIE_KEY);
        let cookie = members.iter().position(is_cookie)?;
        members.remove(cookie);
        Some(members)
    }

    fn scanned(text: &str) -> Option<Members> {
        scan(text).map(|found| found.members)
    }

    #[test]
    fn usual_documents_are_known() {
        for members in ["", r#","n":1"#, r#","a":"é","b":{"c":[1.5,"\""]},"d":true,"e":"\n","f":-1,"g":0"#] {
            let text = format!("{{\"cookie\":{}{members}}}", COOKIES[1]);
            assert!(scanned(&text).is_some(), "{text}");
            assert_eq!(scanned(&text), general(&text), "{text}");
        }
    }

    #[test]
    fn others_are_left_to_the_general_way() {
        for (cookie, members) in [
            (2, ""),
            (0, r#","a":1,"a":2"#),
            (0, r#","cookie":1"#),
            (0, r#","\u0061":1"#),
            (0, r#", "a":1"#),
            (0, r#","a": 1"#),
            (0, r#","a":1 "#),
            (0, r#","a":01"#),
            (0, r#","a":1}"#),
            (0, r#","a":1x"#),
            (0, ","),
            (0, ",\"a\":\"\u{1}\""),
        ] {
            let text = format!("{{\"cookie\":{}{members}}}", COOKIES[cookie]);
            assert!(scanned(&text).is_none(), "{text}");
        }
    }

    proptest! {
        /// Whatever is scanned is what the general way finds.
        #[test]
        fn both_ways_agree(
            cookie in 0..COOKIES.len(),
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    ",", ":", "\"", "\\", "{", "}", "[", "]", "0", "1", "-", ".", "e", " ", "\n", "true", "null",
                    "\"a\"", "\"a\":", ",\"a\":1", ",\"b\":2", "\"é\"", "\"cookie\":", "\\u0061", "\\ud800", "\u{1}",
                ]),
                0..12,
            ),
        ) {
            let text = format!("{{\"cookie\":{}{}}}", COOKIES[cookie], pieces.concat());
            if let Some(members) = scanned(&text) {
                prop_assert_eq!(Some(members), general(&text), "{}", text);
            }
        }
    }
}
