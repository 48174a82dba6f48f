//! The stored JSON text, and the one change that is made to it in place: another cookie.

use std::sync::Arc;

use express_session_core::{DecodeError, Record};
use serde_json::value::RawValue;

/// A session's JSON, as Redis would hold it. A clone is another handle on the same bytes.
pub(crate) type Document = Arc<[u8]>;

const BEFORE_COOKIE: &[u8] = br#"{"cookie":"#;

pub(crate) fn encode(record: &Record) -> Document {
    record.encode().into_bytes().into()
}

/// A document of ours (one made by [`encode`]) with the cookie of `record`; `None` if it has that already.
///
/// The cookie stands first unless there are integer-like keys, so mostly the data are copied, not parsed.
///
/// # Errors
///
/// If it is not a document of ours.
pub(crate) fn with_cookie_of(document: &[u8], record: &Record) -> Result<Option<Document>, DecodeError> {
    let Some((old, rest)) = split(document) else { return foreign_with_cookie_of(document, record) };
    let new = record.encode_cookie();
    let changed = old != new.as_bytes();
    Ok(changed.then(|| [BEFORE_COOKIE, new.as_bytes(), rest].concat().into()))
}

/// As [`with_cookie_of`] for any document: the texts of its values are kept, the blanks between them are not.
/// A falsy document stays as it is.
///
/// # Errors
///
/// If it is not a session.
pub(crate) fn foreign_with_cookie_of(
    document: &[u8],
    record: &Record,
) -> Result<Option<Document>, DecodeError> {
    let Some(mut stored) = Record::decode(document)? else { return Ok(None) };
    stored.set_cookie(record.cookie().clone());
    Ok(Some(encode(&stored)))
}

/// The text of the cookie that stands first, and all that follows it.
fn split(document: &[u8]) -> Option<(&[u8], &[u8])> {
    let from_cookie = document.strip_prefix(BEFORE_COOKIE)?;
    let mut values = serde_json::Deserializer::from_slice(from_cookie).into_iter::<&RawValue>();
    let cookie = values.next()?.ok()?.get().as_bytes();
    Some((cookie, from_cookie.get(cookie.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(cookie: &str) -> Record {
        Record::decode(format!(r#"{{"cookie":{cookie}}}"#).as_bytes()).unwrap().unwrap()
    }

    fn replaced(document: &str, cookie: &str) -> Option<String> {
        let replaced = with_cookie_of(document.as_bytes(), &record(cookie)).unwrap();
        replaced.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn only_the_cookie_changes() {
        let new = r#"{"originalMaxAge":5,"expires":"2030-01-02T03:04:05.678Z","httpOnly":true,"path":"/}"}"#;
        let old = r#"{"httpOnly":true,"path":"/}\"{"}"#;
        for rest in ["}", r#","a":1.50,"b":"\u00e9\ud800","cookie2":{"cookie":1}}"#] {
            assert_eq!(
                replaced(&format!(r#"{{"cookie":{old}{rest}"#), new),
                Some(format!(r#"{{"cookie":{new}{rest}"#))
            );
        }
        assert_eq!(
            replaced(&format!(r#"{{"7":1,"cookie":{old},"a":2}}"#), new),
            Some(format!(r#"{{"7":1,"cookie":{new},"a":2}}"#))
        );
    }

    #[test]
    fn the_same_cookie_needs_no_new_document() {
        let cookie = r#"{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}"#;
        assert_eq!(replaced(&format!(r#"{{"cookie":{cookie},"a":1}}"#), cookie), None);
    }

    #[test]
    fn what_is_no_session_gets_no_cookie() {
        let record = record("{}");
        assert!(foreign_with_cookie_of(br#"{"cookie":{}} x"#, &record).is_err());
        assert_eq!(foreign_with_cookie_of(b"null", &record), Ok(None));
    }
}
