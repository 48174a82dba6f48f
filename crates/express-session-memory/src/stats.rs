//! What an operator may want to know.

/// Numbers about a store, from its start unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryStats {
    /// Sessions kept now, expired ones included that no read or sweep has come across yet.
    pub sessions: u64,
    /// Bytes they take now, as [`max_bytes`](crate::MemoryOptions::max_bytes) counts them.
    pub bytes: u64,
    /// Reads that found a session.
    pub hits: u64,
    /// Reads that found none.
    pub misses: u64,
    /// Sessions dropped because the store was full.
    pub evictions: u64,
    /// Expired sessions removed.
    pub expirations: u64,
}
