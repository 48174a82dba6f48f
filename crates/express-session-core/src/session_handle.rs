//! A name for a session that opens nothing.

use std::fmt;
use std::str::FromStr;

use crate::cookie::signature::Secrets;
use crate::session_id::SessionId;

const LEN: usize = 16;

/// Names a session in a form, a link or a log: 16 characters of base64url.
///
/// It is a digest of the id, keyed with the first secret: whoever knows it cannot use the session, nor find out whether a
/// guessed id is right. It stays the same until the secret changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionHandle([u8; LEN]);

/// The text is no [`SessionHandle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session handle has {LEN} characters of base64url")]
pub struct SessionHandleError;

impl SessionHandle {
    pub(crate) fn of(id: &SessionId, secrets: &Secrets) -> Self {
        // The text in front keeps it apart from the signature that is in the cookie.
        let digest = secrets.signature(&format!("session handle: {}", id.as_str()));
        let mut text = [0; LEN];
        for (place, byte) in text.iter_mut().zip(digest.as_str().bytes()) {
            *place = match byte {
                b'+' => b'-',
                b'/' => b'_',
                other => other,
            };
        }
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // Base64 is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for SessionHandle {
    type Err = SessionHandleError;

    fn from_str(text: &str) -> Result<Self, SessionHandleError> {
        let bytes: [u8; LEN] = text.as_bytes().try_into().map_err(|_| SessionHandleError)?;
        let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if bytes.iter().all(is_base64url) { Ok(Self(bytes)) } else { Err(SessionHandleError) }
    }
}

impl fmt::Display for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionHandle({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_neither_the_id_nor_its_signature() {
        let secrets = Secrets::new(["one", "two"]).unwrap();
        let id = SessionId::parse("0123456789abcdef0123456789abcdef").unwrap();
        let handle = SessionHandle::of(&id, &secrets);
        assert_eq!(handle, SessionHandle::of(&id, &Secrets::new(["one"]).unwrap()));
        assert_ne!(handle, SessionHandle::of(&id, &Secrets::new(["two"]).unwrap()));
        assert!(!secrets.sign(id.as_str()).contains(handle.as_str()));
        assert_eq!(handle.to_string().parse(), Ok(handle));
    }

    #[test]
    fn what_is_no_handle_is_refused() {
        for text in ["", "short", "0123456789abcde+", "0123456789abcdef0", "0123456789abcd\u{e9}"] {
            assert_eq!(text.parse::<SessionHandle>(), Err(SessionHandleError), "{text}");
        }
    }
}
