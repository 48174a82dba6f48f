//! The conditional write: one script, and what to believe when the connection breaks under it.

use deadpool_redis::redis::Value;

use crate::connection::bytes;
use crate::error::RedisError;
use crate::keyspace::Keyspace;
use crate::scripts::{COMPARE_AND_SET, sha1_hex};

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
        let digest = (expected.len() >= DIGEST_FROM).then(|| sha1_hex(expected));
        let (expected, is_digest): (&[u8], &[u8]) = match &digest {
            Some(digest) => (digest.as_bytes(), b"1"),
            None => (expected, b"0"),
        };
        let arguments = [expected, is_digest, value, ttl.as_bytes()];
        let run = || self.connections.run_once(&COMPARE_AND_SET, key, &arguments);
        let lost = match run().await {
            Err(error) if error.asks_for_a_new_connection() => error,
            answer => return CasAnswer::of(answer?),
        };
        match CasAnswer::of(run().await?)? {
            CasAnswer::Conflict(_) if matches!(lost, RedisError::Lost(_)) => Err(lost),
            certain => Ok(certain),
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
    fn of(answer: Value) -> Result<Self, RedisError> {
        match answer {
            Value::Int(_) => Ok(Self::Written),
            other => Ok(bytes(other)?.map_or(Self::Gone, Self::Conflict)),
        }
    }
}
