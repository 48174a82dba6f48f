//! The session id: generated, parsed, never printed.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The secret that names a session, unsigned.
///
/// Whoever knows it owns the session, so `Debug` does not show it and there is no `Display`;
/// [`as_str`](Self::as_str) is the one way to the text. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Arc<str>);

/// Why a text is not a session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionIdError {
    /// The text is empty; express-session treats a validly signed empty id as "no cookie".
    #[error("a session id must not be empty")]
    Empty,
    /// The text is longer than [`SessionId::MAX_LEN`] bytes.
    #[error("a session id may have {max} bytes, not {0}", max = SessionId::MAX_LEN)]
    TooLong(usize),
}

impl SessionId {
    /// The longest id accepted, in bytes. Browsers keep 4 096 bytes per cookie, signature included.
    pub const MAX_LEN: usize = 4096;

    /// A new id: 24 bytes from the operating system's random source, base64url, 32 characters.
    ///
    /// Source: express-session `generateSessionId` (uid-safe with 24 bytes).
    ///
    /// # Panics
    ///
    /// If the operating system has no randomness to give; nothing safe can be done then.
    pub fn generate() -> Self {
        let mut bytes = [0_u8; 24];
        #[allow(clippy::expect_used, reason = "without randomness every id would be guessable")]
        getrandom::fill(&mut bytes).expect("the operating system provides randomness");
        Self::from_random(&bytes)
    }

    /// The id that 24 given random bytes stand for.
    pub(crate) fn from_random(bytes: &[u8; 24]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// Accepts an id as a custom generator or a verified cookie gives it.
    ///
    /// Ids are not limited to the characters of [`generate`](Self::generate): Node's `genid` may return
    /// any text. A store must therefore treat the text as data, never as a path, key or SQL fragment.
    ///
    /// # Errors
    ///
    /// [`SessionIdError`] if the text is empty or longer than [`Self::MAX_LEN`] bytes.
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, SessionIdError> {
        let text = text.into();
        match text.len() {
            0 => Err(SessionIdError::Empty),
            1..=Self::MAX_LEN => Ok(Self(text)),
            long => Err(SessionIdError::TooLong(long)),
        }
    }

    /// The id itself. Do not log it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ids_have_32_url_safe_characters_and_differ() {
        let (a, b) = (SessionId::generate(), SessionId::generate());
        assert_eq!(a.as_str().len(), 32);
        assert!(a.as_str().bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
        assert_ne!(a, b);
    }

    #[test]
    fn debug_does_not_leak_the_id() {
        let id = SessionId::parse("top-secret").unwrap();
        assert_eq!(format!("{id:?}"), "SessionId(..)");
    }

    #[test]
    fn empty_and_oversized_ids_are_refused() {
        assert_eq!(SessionId::parse(""), Err(SessionIdError::Empty));
        assert_eq!(SessionId::parse("x".repeat(4097)), Err(SessionIdError::TooLong(4097)));
        assert!(SessionId::parse("x".repeat(4096)).is_ok());
        assert!(SessionId::parse("../\0/\u{e9}").is_ok());
    }

    /// Source: `tests/vectors/cookie-signature.json`, `session_id` (uid-safe with stubbed random bytes).
    #[test]
    fn random_bytes_become_the_text_uid_safe_makes_of_them() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/cookie-signature.json")).unwrap();
        let vectors = vectors["session_id"].as_array().unwrap();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let hex = vector["bytes_hex"].as_str().unwrap();
            let bytes: Vec<u8> =
                (0..24).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
            let id = SessionId::from_random(&bytes.try_into().unwrap());
            assert_eq!(id.as_str(), vector["uid"].as_str().unwrap());
        }
    }
}
