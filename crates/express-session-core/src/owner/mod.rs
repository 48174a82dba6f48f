//! Whose a session is.

mod key;
mod owned_session;

use std::fmt;
use std::sync::Arc;

pub(crate) use key::OwnerKey;
pub use owned_session::OwnedSession;

/// Whose a session is: an account's number, name or address, as the application knows it.
///
/// Kept in the record under the key `__owner`, where a Node server leaves it alone. `Debug` does not show it: it may be
/// somebody's name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Owner(Arc<str>);

impl Owner {
    /// The longest owner, in bytes: what an indexed column takes in every database.
    pub const MAX_LEN: usize = 255;

    /// An owner by this text, as `Display` writes it: `Owner::new(42)` is `Owner::new("42")`.
    ///
    /// # Errors
    ///
    /// [`OwnerError::Empty`], [`OwnerError::TooLong`].
    pub fn new(owner: impl fmt::Display) -> Result<Self, OwnerError> {
        let text = owner.to_string();
        match text.len() {
            0 => Err(OwnerError::Empty),
            1..=Self::MAX_LEN => Ok(Self(text.into())),
            len => Err(OwnerError::TooLong { len }),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner(..)")
    }
}

/// Why a session cannot be given an owner, or an owner's sessions cannot be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// Nobody is no owner.
    #[error("the owner of a session is empty")]
    Empty,
    /// The text is too long to be looked up by every store.
    #[error("the owner of a session has {len} bytes, at most {max} are possible", max = Owner::MAX_LEN)]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The store does not know which sessions belong to whom.
    #[error("this session store keeps no list of owners: see its options, or SessionStore::owner_index")]
    Unsupported,
    /// The option `owner_key` says whose a session is.
    #[error("the owner of a session is read from its data, by the option owner_key: it cannot be set")]
    ByKey,
    /// Nobody has logged in.
    #[error("the session has no owner yet")]
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_short_text() {
        assert_eq!(Owner::new(42).unwrap(), Owner::new("42").unwrap());
        assert_eq!(Owner::new(""), Err(OwnerError::Empty));
        assert_eq!(Owner::new("é".repeat(128)), Err(OwnerError::TooLong { len: 256 }));
        assert_eq!(Owner::new("x".repeat(255)).unwrap().as_str().len(), 255);
    }

    #[test]
    fn debug_shows_nobody() {
        assert!(!format!("{:?}", Owner::new("alice").unwrap()).contains("alice"));
    }
}
