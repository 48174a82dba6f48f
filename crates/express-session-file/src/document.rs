//! What a session file says: the document, the instant of the last access, and what follows for its life.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Data, DecodeError, Document, Life, UnixMillis};
use serde_json::Value;

use crate::encryption::Cipher;
use crate::error::FileError;

/// The key under which session-file-store keeps the instant of the last access, among the session's data.
const LAST_ACCESS_KEY: &str = "__lastAccess";

/// Reads and writes documents, encrypted or not.
#[derive(Debug)]
pub(crate) struct Documents {
    pub(crate) cipher: Option<Cipher>,
    /// Milliseconds a session without `maxAge` lives.
    pub(crate) ttl: f64,
}

/// How long a session lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lifetime {
    /// It has expired.
    Over,
    /// It has no known end.
    Endless,
    /// It will expire.
    Left(Life),
}

impl Documents {
    /// The document in a file. `None` if it holds a falsy JSON value, which means "no session" in Node.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<Option<Document>, DecodeError> {
        match &self.cipher {
            None => Document::decode(bytes),
            Some(cipher) => Document::parse(cipher.decrypt(bytes).map_err(|_| DecodeError::Undecryptable)?),
        }
    }

    /// The file for `data`, as accessed at `now`.
    ///
    /// `__lastAccess` is last in a fresh session and keeps its place afterwards, as in Node, because that is
    /// what assigning a property does there.
    pub(crate) fn encode(&self, data: &mut Data, now: UnixMillis) -> Result<Arc<[u8]>, FileError> {
        let stamped = data.insert(LAST_ACCESS_KEY, now.0);
        debug_assert!(stamped.is_ok(), "a number can be written");
        let document = data.encode();
        match &self.cipher {
            None => Ok(document.shared_text().into()),
            Some(cipher) => Ok(cipher.encrypt(document.text())?.into()),
        }
    }

    /// By how many milliseconds the last access must lie in the past for a session to live `at_most` so long from now on.
    ///
    /// DIFFERENCE: session-file-store always writes the present instant. It reads such a file as one that was accessed
    /// then: its session ends at the same time there, and a touch by either gives it its full life.
    pub(crate) fn time_ahead(&self, document: &Document, at_most: Option<Duration>) -> i64 {
        let ahead = |at_most| millis(self.ttl(document)).saturating_sub(at_most).as_millis();
        at_most.map_or(0, |at_most| i64::try_from(ahead(at_most)).unwrap_or(i64::MAX))
    }

    /// How long the session lives after an access, in milliseconds.
    fn ttl(&self, document: &Document) -> f64 {
        document.cookie().original_max_age().filter(|ms| *ms != 0.0).unwrap_or(self.ttl)
    }

    /// How long the session lives after an access.
    pub(crate) fn full_life(&self, document: &Document) -> Duration {
        millis(self.ttl(document))
    }

    /// How long the session lives at `now`.
    ///
    /// Source: session-file-store `lib/session-file-helpers.js`, `isExpired`: the cookie's `originalMaxAge`,
    /// if truthy, else the option `ttl`, after the last access; `cookie.expires` is not consulted.
    pub(crate) fn lifetime(&self, document: &Document, now: UnixMillis) -> Lifetime {
        let ttl = self.ttl(document);
        let last_access = last_access(document);
        #[allow(clippy::cast_precision_loss, reason = "a JavaScript date is below 2^53")]
        let left = last_access + ttl - now.0 as f64;
        if ttl == 0.0 || left < 0.0 {
            Lifetime::Over
        } else if left.is_nan() {
            Lifetime::Endless
        } else {
            Lifetime::Left(Life { ttl: millis(ttl), left: millis(left) })
        }
    }
}

/// The instant of the last access as JavaScript would use it in a sum: NaN, and so never expiring, without one.
///
/// DIFFERENCE: Node appends the ttl to a text of digits instead of adding it.
fn last_access(document: &Document) -> f64 {
    match document.get_raw(LAST_ACCESS_KEY).map(serde_json::from_str::<Value>) {
        Some(Ok(Value::Number(number))) => number.as_f64().unwrap_or(f64::NAN),
        Some(Ok(Value::Null | Value::Bool(false))) => 0.0,
        Some(Ok(Value::Bool(true))) => 1.0,
        _ => f64::NAN,
    }
}

/// Whole milliseconds, the rest cut off; negative is zero, too large is the largest.
fn millis(ms: f64) -> Duration {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    Duration::from_millis(ms as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a panic is the failure")]

    use express_session_core::Cookie;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_893_553_445_678);

    fn documents() -> Documents {
        Documents { cipher: None, ttl: 3_600_000.0 }
    }

    fn lifetime(text: &str) -> Lifetime {
        let document = documents().decode(text.as_bytes()).unwrap().unwrap();
        documents().lifetime(&document, NOW)
    }

    #[test]
    fn what_is_left_counts_from_the_last_access() {
        let text = r#"{"cookie":{"originalMaxAge":60000,"expires":null},"__lastAccess":1893553445000}"#;
        let expected = Life { ttl: Duration::from_mins(1), left: Duration::from_millis(59_322) };
        assert_eq!(lifetime(text), Lifetime::Left(expected));
    }

    #[test]
    fn without_a_last_access_there_is_no_end() {
        assert_eq!(lifetime(r#"{"cookie":{"originalMaxAge":60000}}"#), Lifetime::Endless);
        assert_eq!(lifetime(r#"{"cookie":{"originalMaxAge":60000},"__lastAccess":"x"}"#), Lifetime::Endless);
        assert_eq!(lifetime(r#"{"cookie":{"originalMaxAge":60000},"__lastAccess":null}"#), Lifetime::Over);
    }

    #[test]
    fn the_last_access_is_appended_once_and_then_stays_in_its_place() {
        let documents = documents();
        let mut data = Data::new(Cookie::default());
        data.insert("n", 1).unwrap();
        let first = documents.encode(&mut data, NOW).unwrap();
        let mut read = Data::of(documents.decode(&first).unwrap().unwrap());
        read.insert("m", 2).unwrap();
        let second = documents.encode(&mut read, UnixMillis(NOW.0 + 1)).unwrap();
        assert_eq!(
            std::str::from_utf8(&second).unwrap(),
            r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"n":1,"__lastAccess":1893553445679,"m":2}"#
        );
    }
}
