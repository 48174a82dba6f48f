//! `SET key value IFEQ expected GET`: Valkey's own compare-and-set, from 8.1 on.
//!
//! The script does the same; inside the server it takes half as long again. Redis has `IFEQ` from 8.4 on, which Debian does not
//! have yet, so nothing here was tried on it, and it gets the script.

use deadpool_redis::redis::{Cmd, Value};

use crate::compare_and_set::CasAnswer;
use crate::connection::bytes;
use crate::error::RedisError;

/// The first Valkey that knows it.
const SINCE: (u64, u64) = (8, 1);

/// Asks a server what it is.
pub(crate) fn info() -> Cmd {
    let mut command = Cmd::new();
    command.arg("INFO").arg("server");
    command
}

/// Whether a server that says this about itself knows the command.
pub(crate) fn is_known_to(info: &str) -> bool {
    let version = info.lines().find_map(|line| line.strip_prefix("valkey_version:"));
    version.and_then(major_and_minor).is_some_and(|version| version >= SINCE)
}

fn major_and_minor(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.trim().split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// The command; `ttl` in seconds, empty for no end.
pub(crate) fn command(key: &[u8], expected: &[u8], value: &[u8], ttl: &str) -> Cmd {
    let mut command = Cmd::new();
    command.arg("SET").arg(key).arg(value).arg("IFEQ").arg(expected).arg("GET");
    if !ttl.is_empty() {
        command.arg("EX").arg(ttl);
    }
    command
}

/// The answer is what was stored before, written or not.
pub(crate) fn answer(before: Value, expected: &[u8]) -> Result<CasAnswer, RedisError> {
    Ok(match bytes(before)? {
        None => CasAnswer::Gone,
        Some(before) if before == expected => CasAnswer::Written,
        Some(before) => CasAnswer::Conflict(before),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valkey_knows_it_from_8_1_on() {
        for (info, is_known) in [
            ("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\n", true),
            ("redis_version:7.2.4\r\nvalkey_version:9.1.2\r\n", true),
            ("valkey_version:10.0.0\r\n", true),
            ("valkey_version:8.0.6\r\n", false),
            ("valkey_version:7.2.9\r\n", false),
            ("redis_version:8.4.0\r\n", false),
            ("valkey_version:next\r\n", false),
            ("", false),
        ] {
            assert_eq!(is_known_to(info), is_known, "{info}");
        }
    }
}
