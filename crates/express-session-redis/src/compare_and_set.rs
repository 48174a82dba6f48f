//! The conditional write: one command or script, and what to believe when the connection breaks under it.

use deadpool_redis::redis::Value;
use express_session_core::Expect;

use crate::connection::bytes;
use crate::error::RedisError;
use crate::keyspace::Keyspace;
use crate::scripts::{COMPARE_AND_SET, sha1_hex};
use crate::set_if_equal;

/// From this length on, a compare-and-set names the expected value by its SHA-1. Measured in `docs/redis.md`.
const DIGEST_FROM: usize = 1024;

impl Keyspace {
    /// Writes if `expected` is stored.
    ///
    /// A lost connection leaves open whether it was written. One more try settles most cases: if that one
    /// writes, it is written, and if the session is gone, it is gone. If it finds anything else, even the very
    /// bytes we wanted to write, it was either us or somebody who counted to the same number; saying "written"
    /// could lose that count, and saying "conflict" could count twice. So that is what the error is for.
    pub(crate) async fn compare_and_set(
        &self,
        key: &[u8],
        expected: &[u8],
        value: &[u8],
        ttl: &str,
    ) -> Result<CasAnswer, RedisError> {
        let lost = match self.compare_and_set_once(key, expected, value, ttl).await {
            Err(error) if error.asks_for_a_new_connection() => error,
            answer => return answer,
        };
        match self.compare_and_set_once(key, expected, value, ttl).await? {
            CasAnswer::Conflict(_) if matches!(lost, RedisError::Lost(_)) => Err(lost),
            certain => Ok(certain),
        }
    }
}

impl Keyspace {
    /// By the server's own command where it has one and that sends no more than the script; a life of `0` seconds is a removal,
    /// which only the script does.
    async fn compare_and_set_once(
        &self,
        key: &[u8],
        expected: &[u8],
        value: &[u8],
        ttl: &str,
    ) -> Result<CasAnswer, RedisError> {
        let is_short = expected.len() < DIGEST_FROM && ttl != "0";
        if is_short && self.connections.know_set_if_equal().await? {
            let command = set_if_equal::command(key, expected, value, ttl);
            match self.connections.call_once(&command).await {
                // Another node of the cluster is older than the one that was asked.
                Err(RedisError::Unsupported(_)) => {}
                before => return set_if_equal::answer(before?, expected),
            }
        }
        let expected = Expected::bytes_or_digest(expected);
        let arguments = [expected.bytes(), expected.kind(), value, ttl.as_bytes()];
        CasAnswer::of(self.connections.run_once(&COMPARE_AND_SET, &[key], &arguments).await?)
    }
}

/// How a script is told what must be stored.
pub(crate) enum Expected<'a> {
    Anything,
    Bytes(&'a [u8]),
    Digest(String),
}

impl<'a> Expected<'a> {
    pub(crate) fn of(expect: Expect<'a>) -> Self {
        match expect {
            Expect::Any => Self::Anything,
            Expect::Revision(revision) => Self::bytes_or_digest(revision.as_bytes()),
        }
    }

    fn bytes_or_digest(expected: &'a [u8]) -> Self {
        if expected.len() < DIGEST_FROM { Self::Bytes(expected) } else { Self::Digest(sha1_hex(expected)) }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Anything => b"",
            Self::Bytes(bytes) => bytes,
            Self::Digest(digest) => digest.as_bytes(),
        }
    }

    /// `0`: the bytes, `1`: their SHA-1, empty: anything will do.
    pub(crate) fn kind(&self) -> &'static [u8] {
        match self {
            Self::Anything => b"",
            Self::Bytes(_) => b"0",
            Self::Digest(_) => b"1",
        }
    }
}

/// What became of a conditional write.
pub(crate) enum CasAnswer {
    Written,
    Gone,
    Conflict(Vec<u8>),
}

impl CasAnswer {
    pub(crate) fn of(answer: Value) -> Result<Self, RedisError> {
        match answer {
            Value::Int(_) => Ok(Self::Written),
            other => Ok(bytes(other)?.map_or(Self::Gone, Self::Conflict)),
        }
    }
}
