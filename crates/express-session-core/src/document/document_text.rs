//! A stored session: the exact text, where its members stand, and its cookie.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::data::OWNER_KEY;
use super::error::{DataError, DecodeError};
use super::index::{self, Member, Members, Span, same_key, spells, unescape};
use super::scan::{Scanned, scan};
use crate::cookie::Cookie;
use crate::js::json;
use crate::owner::Owner;

/// The top-level key that holds the cookie; it is not data.
pub(super) const COOKIE_KEY: &str = "cookie";

/// A session as a store keeps it: one JSON object, with the member `cookie` and the data.
///
/// Immutable, and cheap to clone: the text is shared. `Debug` shows the cookie and the number of keys, but neither
/// keys nor values. To make one, or another one of it, see [`Data`](crate::Data).
#[derive(Clone)]
pub struct Document {
    pub(super) inner: Arc<Inner>,
}

/// What all clones share.
pub(super) struct Inner {
    pub(super) text: Arc<str>,
    /// All members but the cookie.
    pub(super) members: Members,
    /// How many of them stand before the cookie; integer-like keys do in Node's documents.
    pub(super) before_cookie: usize,
    pub(super) cookie: Cookie,
    pub(super) cookie_text: Span,
    /// Whether the cookie's text says what Node would write for it: `{}` does not, its defaults are written out.
    pub(super) cookie_is_as_written: bool,
}

impl Document {
    /// Reads a stored document. `None` if it is a falsy JSON value (`null`, `false`, `0`, `""`), which means
    /// "no session" in Node. Bytes that are not UTF-8 are read as U+FFFD, as there.
    ///
    /// DIFFERENCE: Node drops the top-level keys that its Session object already has (`id`, `touch`,
    /// `constructor` …) and rewrites the document; we keep them.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] says what is wrong, without quoting the document.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text),
            Err(_) => Self::parse(String::from_utf8_lossy(bytes)),
        }
    }

    /// As [`decode`](Self::decode) for text; one that is shared already is not copied.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Option<Self>, DecodeError> {
        let text = text.into();
        if u32::try_from(text.len()).is_err() {
            return Err(DecodeError::TooLarge);
        }
        if let Some(Scanned { cookie, cookie_text, members }) = scan(&text) {
            let (before_cookie, cookie_is_as_written) = (0, true);
            return Ok(Some(Self::of(Inner {
                text,
                members,
                before_cookie,
                cookie,
                cookie_text,
                cookie_is_as_written,
            })));
        }
        let mut members = match index::members(&text) {
            Ok(members) => members,
            Err(error) => return not_an_object(&text, error),
        };
        let is_cookie = |member: &Member| spells(member.key.of(&text), COOKIE_KEY);
        let before_cookie = members.iter().position(is_cookie).ok_or(DecodeError::NoCookie)?;
        let cookie_text = members.remove(before_cookie).value;
        let written = cookie_text.of(&text);
        let (cookie, cookie_is_as_written) = if let Some(usual) = Cookie::decode_usual(written) {
            (usual, true)
        } else {
            let cookie = Cookie::decode(written).map_err(DecodeError::Cookie)?;
            let as_written = says_what_node_writes(written, &cookie);
            (cookie, as_written)
        };
        Ok(Some(Self::of(Inner { text, members, before_cookie, cookie, cookie_text, cookie_is_as_written })))
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// What a session begins with that was never stored: a cookie, and no text yet.
    pub(crate) fn blank(cookie: Cookie) -> Self {
        Self::of(Inner {
            text: Arc::default(),
            members: Members::new(),
            before_cookie: 0,
            cookie,
            cookie_text: Span::default(),
            cookie_is_as_written: false,
        })
    }

    /// The JSON text, as it is stored.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The same text, shared.
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.inner.text)
    }

    /// The cookie's attributes.
    pub fn cookie(&self) -> &Cookie {
        &self.inner.cookie
    }

    /// The value of `key`, if there is one.
    ///
    /// # Errors
    ///
    /// [`DataError::Decode`] if it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, DataError> {
        self.get_raw(key).map(read).transpose()
    }

    /// The JSON text of the value of `key`, exactly as stored.
    pub fn get_raw(&self, key: &str) -> Option<&str> {
        self.find(key).map(|member| member.value.of(self.text()))
    }

    /// The keys and the JSON texts of their values, in order; the cookie is not among them.
    ///
    /// A key with half a surrogate pair, which no Rust text can hold, is left out. It stays in the document.
    pub fn entries(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        self.raw_entries().filter_map(|(key, value)| Some((unescape(key)?, value)))
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.inner.members.len()
    }

    /// Whether there are no data.
    pub fn is_empty(&self) -> bool {
        self.inner.members.is_empty()
    }

    /// The member of `key`.
    pub(super) fn find(&self, key: &str) -> Option<&Member> {
        self.inner.members.iter().find(|member| spells(member.key.of(self.text()), key))
    }

    /// The value of a key given as it is written somewhere.
    pub(super) fn get_by_raw_key(&self, raw: &str) -> Option<&str> {
        let text = self.text();
        let member = self.inner.members.iter().find(|member| same_key(member.key.of(text), raw))?;
        Some(member.value.of(text))
    }

    /// The keys and values as they are written.
    pub(super) fn raw_entries(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.inner.members.iter().map(|member| (member.key.of(self.text()), member.value.of(self.text())))
    }

    /// Whose session it is, if somebody has said so: by [`Session::set_owner`](crate::Session::set_owner) or the option
    /// `owner_key`.
    pub fn owner(&self) -> Option<Owner> {
        owner_of(self.get_raw(OWNER_KEY)?)
    }

    pub(crate) fn has_owner(&self) -> bool {
        self.find(OWNER_KEY).is_some()
    }

    /// Whether both have the same owner, or none.
    pub(crate) fn has_owner_of(&self, other: &Self) -> bool {
        self.get_raw(OWNER_KEY) == other.get_raw(OWNER_KEY) || self.owner() == other.owner()
    }

    /// Whether both are one and the same in memory.
    pub(crate) fn is_clone_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Whether this is the text of the document: the very same one in memory, not an equal one.
    pub fn is_text(&self, text: &Arc<str>) -> bool {
        Arc::ptr_eq(&self.inner.text, text)
    }

    /// Whether both hold the same JavaScript values under the same keys; the order of the keys is not compared.
    ///
    /// Source: express-session `index.js`, `hash` and `isModified`: "modified" is a comparison of contents.
    /// DIFFERENCE: there, removing a key and adding it again with the same value counts as a change.
    pub fn same_data(&self, other: &Self) -> bool {
        self.is_text(&other.inner.text)
            || (self.inner.members.len() == other.inner.members.len()
                && self.raw_entries().all(|(key, value)| {
                    other.get_by_raw_key(key).is_some_and(|theirs| json::same(value, theirs))
                }))
    }
}

/// The owner in the text of the member.
pub(super) fn owner_of(text: &str) -> Option<Owner> {
    let owner: Cow<'_, str> = read(text).ok()?;
    Owner::new(owner).ok()
}

/// A value's JSON text as a `T`.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, DataError> {
    serde_json::from_str(text).map_err(|error| DataError::Decode(error.into()))
}

fn not_an_object(text: &str, error: serde_json::Error) -> Result<Option<Document>, DecodeError> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Null | Value::Bool(false)) => Ok(None),
        Ok(Value::String(text)) if text.is_empty() => Ok(None),
        Ok(Value::Number(number)) if number.as_f64() == Some(0.0) => Ok(None),
        Ok(Value::Object(_)) | Err(_) => Err(DecodeError::Syntax(error.into())),
        Ok(_) => Err(DecodeError::NotAnObject),
    }
}

fn says_what_node_writes(text: &str, cookie: &Cookie) -> bool {
    let encoded = cookie.encode();
    if text == encoded {
        cookie.remember_attributes(text);
        return true;
    }
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    value(text).is_some_and(|read| Some(read) == value(&encoded))
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({:?}, {} keys)", self.inner.cookie, self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Data;

    fn document(text: &str) -> Document {
        Document::parse(text).unwrap().unwrap()
    }

    fn round_trip(text: &str) -> String {
        Data::of(document(text)).encode().text().to_owned()
    }

    #[test]
    fn what_was_not_changed_keeps_its_text() {
        for text in [
            r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"n":1}"#,
            r#"{"cookie":{"path":"/","httpOnly":true,"extra":1.50},"price":1.50,"big":12345678901234567890123}"#,
            r#"{"9":3,"10":2,"cookie":{"httpOnly":true,"path":"/"},"b":"\u00e9\ud800"}"#,
            r#"{"b":1,"cookie":{"httpOnly":true,"path":"/"},"10":2}"#,
            r#"{"cookie":{"httpOnly":true,"path":"/"},"half \ud83d a pair":1,"\u0062":2}"#,
        ] {
            assert_eq!(round_trip(text), text);
        }
    }

    #[test]
    fn values_are_found_whatever_the_spelling_of_their_keys() {
        let document = document(r#"{"a":1,"cookie":{},"\u0062":"x","half \ud83d a pair":1}"#);
        assert_eq!(document.get::<u8>("a").unwrap(), Some(1));
        assert_eq!(document.get::<String>("b").unwrap().as_deref(), Some("x"));
        assert_eq!(document.get_raw("cookie"), None);
        let keys: Vec<_> = document.entries().map(|(key, _)| key).collect();
        assert_eq!((keys, document.len()), (vec![Cow::Borrowed("a"), Cow::Borrowed("b")], 3));
    }

    #[test]
    fn a_cookie_without_defaults_gets_them_as_in_node() {
        assert_eq!(round_trip(r#"{"cookie":{}}"#), r#"{"cookie":{"httpOnly":true,"path":"/"}}"#);
        assert_eq!(
            round_trip(r#"{"cookie":false,"a":1}"#),
            r#"{"cookie":{"httpOnly":true,"path":"/"},"a":1}"#
        );
    }

    #[test]
    fn falsy_documents_mean_no_session() {
        for text in ["null", "false", "0", "-0.0", "\"\""] {
            assert!(Document::parse(text).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn malformed_documents_are_told_apart() {
        let error = |text: &str| Document::parse(text).unwrap_err();
        assert!(matches!(error(""), DecodeError::Syntax(_)));
        assert!(matches!(error("{\"cookie\":"), DecodeError::Syntax(_)));
        assert!(matches!(error("{\"cookie\":{}}x"), DecodeError::Syntax(_)));
        assert!(matches!(error("\u{feff}{\"cookie\":{}}"), DecodeError::Syntax(_)));
        assert_eq!(error("[1]"), DecodeError::NotAnObject);
        assert_eq!(error("{}"), DecodeError::NoCookie);
        assert!(matches!(error(r#"{"cookie":null}"#), DecodeError::Cookie(_)));
        assert!(matches!(error(r#"{"cookie":{"originalMaxAge":"1"}}"#), DecodeError::Cookie(_)));
    }

    #[test]
    fn deep_nesting_neither_overflows_nor_is_lost() {
        let deep = format!(
            r#"{{"cookie":{{"httpOnly":true,"path":"/"}},"d":{}{}}}"#,
            "[".repeat(20_000),
            "]".repeat(20_000)
        );
        assert_eq!(round_trip(&deep), deep);
    }

    #[test]
    fn data_are_compared_by_value() {
        let same = |a: &str, b: &str| {
            document(&format!(r#"{{"cookie":{{}}{a}}}"#))
                .same_data(&document(&format!(r#"{{"cookie":{{"path":"/x"}}{b}}}"#)))
        };
        assert!(same(r#","a":1.0,"b":"é""#, r#","b":"\u00e9","a":1"#));
        assert!(!same(r#","a":1"#, r#","a":2"#) && !same(r#","a":1"#, "") && !same("", r#","a":1"#));
    }

    #[test]
    fn debug_does_not_leak_the_data() {
        let shown = format!("{:?}", document(r#"{"cookie":{},"user":"alice"}"#));
        assert!(!shown.contains("alice") && !shown.contains("user"), "{shown}");
    }
}
