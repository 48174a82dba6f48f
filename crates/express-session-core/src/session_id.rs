//! The session id: generated, parsed, never printed.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The secret that names a session, unsigned.
///
/// Whoever knows it owns the session, so `Debug` does not show it and there is no `Display`;
/// [`as_str`](Self::as_str) and [`as_bytes`](Self::as_bytes) are the ways to the text. Cloning is cheap.
#[derive(Clone)]
pub struct SessionId(Text);

/// Ids of our own and most others need no memory of their own.
#[derive(Clone)]
enum Text {
    Short { len: u8, bytes: [u8; SHORT_LEN] },
    Long(Arc<str>),
}

/// Longer than the 32 characters of a generated id, and than a UUID.
const SHORT_LEN: usize = 46;

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
        Self::from_random_bytes(&bytes)
    }

    /// The id that these bytes are [those of](Self::random_bytes).
    pub fn from_random_bytes(bytes: &[u8; 24]) -> Self {
        let mut text = [0; SHORT_LEN];
        // 24 bytes are 32 characters, which fit.
        let len = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).unwrap_or(0);
        #[allow(clippy::cast_possible_truncation, reason = "32")]
        Self(Text::Short { len: len as u8, bytes: text })
    }

    /// The bytes that the id stands for, if it has the form of a [generated](Self::generate) one: for stores that keep the
    /// 24 bytes instead of the 32 characters. `None` for any other id.
    pub fn random_bytes(&self) -> Option<[u8; 24]> {
        let mut bytes = [0; 24];
        let text: &[u8; 32] = self.as_bytes().try_into().ok()?;
        let len = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (len == bytes.len()).then_some(bytes)
    }

    /// Accepts an id as a custom generator or a verified cookie gives it.
    ///
    /// Ids are not limited to the characters of [`generate`](Self::generate): Node's `genid` may return
    /// any text. A store must therefore treat the text as data, never as a path, key or SQL fragment.
    ///
    /// # Errors
    ///
    /// [`SessionIdError`] if the text is empty or longer than [`Self::MAX_LEN`] bytes.
    pub fn parse(text: impl AsRef<str>) -> Result<Self, SessionIdError> {
        let text = text.as_ref();
        match text.len() {
            0 => Err(SessionIdError::Empty),
            1..=Self::MAX_LEN => Ok(Self(Text::new(text))),
            long => Err(SessionIdError::TooLong(long)),
        }
    }

    /// The id itself. Do not log it.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It was copied from a text, so it is one.
            Text::Short { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Text::Long(text) => text,
        }
    }

    /// The bytes of the id, which need no check. Do not log them.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Text::Long(text) => text.as_bytes(),
        }
    }
}

impl Text {
    fn new(text: &str) -> Self {
        let mut bytes = [0; SHORT_LEN];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short { len, bytes }
            }
            _ => Self::Long(text.into()),
        }
    }
}

impl PartialEq for SessionId {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for SessionId {}

impl Hash for SessionId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialOrd for SessionId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SessionId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

pub(crate) mod testing {
    use super::SessionId;

    /// The id that these random bytes become.
    pub fn session_id_of(bytes: &[u8; 24]) -> SessionId {
        SessionId::from_random_bytes(bytes)
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
    fn an_id_of_our_form_is_its_bytes_and_no_other_id_is() {
        for _ in 0..1000 {
            let id = SessionId::generate();
            assert_eq!(id.random_bytes().map(|bytes| SessionId::from_random_bytes(&bytes)), Some(id));
        }
        for text in ["x", "0123456789012345678901234567890", "012345678901234567890123456789012"] {
            assert_eq!(SessionId::parse(text).unwrap().random_bytes(), None, "{text}");
        }
        for last in ["=", "+", "/", " ", "\0"] {
            let text = format!("{}{last}", "x".repeat(31));
            assert_eq!(SessionId::parse(&text).unwrap().random_bytes(), None, "{text}");
        }
        let last = SessionId::parse("_".repeat(32)).unwrap();
        assert_eq!(last.random_bytes(), Some([255; 24]));
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

    #[test]
    fn ids_of_every_length_are_what_they_were() {
        for len in [1, 32, 45, 46, 47, 300, 4096] {
            let text: String = "x\u{e9}".chars().cycle().take(len).collect();
            let id = SessionId::parse(&text[..len - usize::from(!text.is_char_boundary(len))]);
            assert!(id.is_ok_and(|id| text.starts_with(id.as_str()) && id == id.clone()));
        }
    }
}
