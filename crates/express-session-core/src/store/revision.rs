//! Which bytes a store holds, so that a write can name what it expects.

use std::fmt;
use std::sync::Arc;

/// Identifies the exact bytes a store holds for a session.
///
/// Opaque to everyone but the store that made it. It is derived from what is stored, not kept beside it, so a
/// write by a Node server changes it too. `Debug` does not show it, because it may be the bytes themselves.
#[derive(Clone, PartialEq, Eq)]
pub struct Revision(RevisionKind);

#[derive(Clone, PartialEq, Eq)]
enum RevisionKind {
    Bytes(Arc<[u8]>),
    Number(u64),
}

impl Revision {
    /// A revision that is the stored bytes (or a digest of them).
    pub fn of_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(RevisionKind::Bytes(bytes.into()))
    }

    /// A revision that is a number the store gives to each write.
    pub const fn of_number(number: u64) -> Self {
        Self(RevisionKind::Number(number))
    }

    /// The bytes given to [`of_bytes`](Self::of_bytes); empty for a number.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            RevisionKind::Bytes(bytes) => bytes,
            RevisionKind::Number(_) => &[],
        }
    }

    /// The number given to [`of_number`](Self::of_number).
    pub const fn as_number(&self) -> Option<u64> {
        match self.0 {
            RevisionKind::Bytes(_) => None,
            RevisionKind::Number(number) => Some(number),
        }
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revision(..)")
    }
}
