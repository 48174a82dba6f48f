//! What a store keeps for one session: the cookie and the data, as one JSON document.

use std::fmt;

use serde_json::Value;

use crate::cookie::{Cookie, CookieError};
use crate::document::{COOKIE_KEY, Data, RedactedJsonError};
use crate::js::json;

/// A session as a store keeps it. `Debug` shows neither values nor keys.
#[derive(Clone, Default)]
pub struct Record {
    /// The cookie's attributes.
    cookie: Cookie,
    /// The cookie's text as it was read, kept as long as it says the same.
    cookie_text: Option<CookieText>,
    /// Everything else.
    pub data: Data,
}

#[derive(Clone)]
struct CookieText {
    text: Box<str>,
    parsed: Cookie,
}

/// Why stored bytes are not a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not JSON, or a key with half a surrogate pair.
    #[error("the record is not valid JSON")]
    Syntax(#[source] RedactedJsonError),
    /// JSON, but a number, text or array.
    #[error("the record is not a JSON object")]
    NotAnObject,
    /// There is no `cookie`.
    #[error("the record has no cookie")]
    NoCookie,
    /// The `cookie` is unusable.
    #[error("the record's cookie is malformed")]
    Cookie(#[source] CookieError),
    /// The record is encrypted and does not open: another secret, damaged, or not encrypted at all.
    #[error("the record cannot be decrypted")]
    Undecryptable,
}

impl Record {
    /// A record with no data.
    pub fn new(cookie: Cookie) -> Self {
        Self { cookie, ..Self::default() }
    }

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
        let text = String::from_utf8_lossy(bytes);
        let mut members = match json::parse_object(&text) {
            Ok(members) => members,
            Err(error) => return not_an_object(&text, error),
        };
        let before_cookie = members.get_index_of(COOKIE_KEY).ok_or(DecodeError::NoCookie)?;
        let cookie_text = members.shift_remove(COOKIE_KEY).ok_or(DecodeError::NoCookie)?;
        let (cookie, kept) = if let Some(usual) = Cookie::decode_usual(&cookie_text) {
            (usual, None)
        } else {
            let cookie = Cookie::decode(&cookie_text).map_err(DecodeError::Cookie)?;
            let kept = CookieText::worth_keeping(cookie_text, &cookie);
            (cookie, kept)
        };
        Ok(Some(Self { cookie, cookie_text: kept, data: Data::from_members(members, before_cookie) }))
    }

    /// The document, as Node would write it if everything in it were Node's.
    pub fn encode(&self) -> String {
        let mut out = String::with_capacity(96 + self.data.len() * 24);
        let mut separator = '{';
        let mut members = self.data.entries();
        for (key, text) in members.by_ref().take(self.data.before_cookie) {
            write_member(&mut out, &mut separator, key, text);
        }
        write_member(&mut out, &mut separator, COOKIE_KEY, &self.encode_cookie());
        for (key, text) in members {
            write_member(&mut out, &mut separator, key, text);
        }
        out.push('}');
        out
    }

    /// The JSON of the cookie alone; the text that was read, if the cookie has not changed since.
    pub fn encode_cookie(&self) -> String {
        match &self.cookie_text {
            Some(kept) if kept.parsed == self.cookie => kept.text.to_string(),
            _ => self.cookie.encode(),
        }
    }

    /// The cookie's attributes.
    pub fn cookie(&self) -> &Cookie {
        &self.cookie
    }

    /// The cookie's attributes, to be changed.
    pub fn cookie_mut(&mut self) -> &mut Cookie {
        &mut self.cookie
    }

    /// Replaces the cookie.
    pub fn set_cookie(&mut self, cookie: Cookie) {
        self.cookie = cookie;
    }
}

fn write_member(out: &mut String, separator: &mut char, key: &str, text: &str) {
    out.push(*separator);
    *separator = ',';
    json::write_string(key, out);
    out.push(':');
    out.push_str(text);
}

fn not_an_object(text: &str, error: serde_json::Error) -> Result<Option<Record>, DecodeError> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Null | Value::Bool(false)) => Ok(None),
        Ok(Value::String(text)) if text.is_empty() => Ok(None),
        Ok(Value::Number(number)) if number.as_f64() == Some(0.0) => Ok(None),
        Ok(Value::Object(_)) | Err(_) => Err(DecodeError::Syntax(error.into())),
        Ok(_) => Err(DecodeError::NotAnObject),
    }
}

impl CookieText {
    /// Nothing for a text that does not say what Node would say: `{}` does not, its defaults are written out.
    fn worth_keeping(text: Box<str>, parsed: &Cookie) -> Option<Self> {
        let read = serde_json::from_str::<Value>(&text).ok()?;
        let written = serde_json::from_str::<Value>(&parsed.encode()).ok()?;
        (read == written).then(|| Self { text, parsed: parsed.clone() })
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("cookie", &self.cookie)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> String {
        Record::decode(text.as_bytes()).unwrap().unwrap().encode()
    }

    #[test]
    fn what_was_not_changed_keeps_its_text() {
        for text in [
            r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"n":1}"#,
            r#"{"cookie":{"path":"/","httpOnly":true,"extra":1.50},"price":1.50,"big":12345678901234567890123}"#,
            r#"{"9":3,"10":2,"cookie":{"httpOnly":true,"path":"/"},"b":"\u00e9\ud800"}"#,
            r#"{"b":1,"cookie":{"httpOnly":true,"path":"/"},"10":2}"#,
        ] {
            assert_eq!(round_trip(text), text);
        }
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
            assert!(Record::decode(text.as_bytes()).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn malformed_documents_are_told_apart() {
        let error = |text: &str| Record::decode(text.as_bytes()).unwrap_err();
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
    fn debug_does_not_leak_the_data() {
        let mut record = Record::default();
        record.data.insert("user", "alice").unwrap();
        let shown = format!("{record:?}");
        assert!(!shown.contains("alice") && !shown.contains("user"), "{shown}");
    }
}
