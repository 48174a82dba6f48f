//! What can go wrong with Redis, told apart by what a caller can do about it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use deadpool_redis::redis::{self, ErrorKind, ServerErrorKind};
use express_session_core::StoreError;

type Meaning = fn(DriverError) -> RedisError;

/// What each code in a server's answer means. Others are a [`Rejected`](RedisError::Rejected) command.
///
/// Source: Redis `server.c`, `processCommand` and `shared`.
const MEANINGS: [(&str, Meaning); 14] = [
    // Nothing can be done now, not even reading.
    ("LOADING", RedisError::NotServing),
    ("MASTERDOWN", RedisError::NotServing),
    ("CLUSTERDOWN", RedisError::NotServing),
    ("TRYAGAIN", RedisError::NotServing),
    ("BUSY", RedisError::NotServing),
    ("UNKILLABLE", RedisError::NotServing),
    // No write is taken now: a replica, too few replicas, a disk that failed, a full memory.
    ("READONLY", RedisError::ReadOnly),
    ("NOREPLICAS", RedisError::ReadOnly),
    ("MISCONF", RedisError::ReadOnly),
    ("OOM", RedisError::ReadOnly),
    // We are not let in.
    ("NOAUTH", RedisError::Refused),
    ("WRONGPASS", RedisError::Refused),
    ("DENIED", RedisError::Refused),
    // We are in, and may not do this.
    ("NOPERM", RedisError::Forbidden),
];

/// Why Redis could not do what it was asked.
///
/// Nothing in it quotes a URL, a password, a key or a value; see [`DriverError`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The URL or another setting cannot be used.
    #[error("the Redis configuration cannot be used")]
    Config(#[source] DriverError),
    /// No connection could be made; nothing was sent.
    #[error("Redis cannot be reached")]
    Unreachable(#[source] DriverError),
    /// All connections of the pool are in use elsewhere; nothing was sent.
    #[error("the pool has no connection to give")]
    PoolExhausted,
    /// The pool was closed by its owner.
    #[error("the pool is closed")]
    PoolClosed,
    /// The connection broke while an answer was awaited. What was asked may have been done.
    #[error("the connection to Redis was lost")]
    Lost(#[source] DriverError),
    /// There was no connection or no answer in time. What was asked may have been done.
    #[error("Redis did not answer within {0:?}")]
    Timeout(Duration),
    /// Redis is up but does not serve now: it is loading, has lost its master, or its cluster is incomplete.
    #[error("Redis does not serve at the moment")]
    NotServing(#[source] DriverError),
    /// Redis reads and takes no writes now: it is full, a replica, has too few replicas, or cannot write its file.
    #[error("Redis takes no writes at the moment")]
    ReadOnly(#[source] DriverError),
    /// The user or password is wrong or missing, or Redis lets nobody in from outside; nothing was done.
    #[error("Redis denies access")]
    Refused(#[source] DriverError),
    /// The user may not do this; nothing was done.
    #[error("Redis denies the user a command or a key")]
    Forbidden(#[source] DriverError),
    /// The server does not know a command that this store needs; it needs Redis 6.2 or later, or Valkey.
    #[error("the server is too old: Redis 6.2 or later is needed")]
    Unsupported(#[source] DriverError),
    /// Redis answers that the command is wrong, for example because the key holds something else than text.
    #[error("Redis rejected a command")]
    Rejected(#[source] DriverError),
    /// The answer is not of the kind the command has.
    #[error("Redis gave an answer of an unexpected kind")]
    UnexpectedReply,
}

/// The driver's error without its text, which may quote keys (`unknown command … beginning with`), addresses
/// and parts of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverError {
    kind: ErrorKind,
    code: Option<Arc<str>>,
    io: Option<io::ErrorKind>,
}

impl DriverError {
    /// The driver's classification.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The code in the server's answer, as `READONLY` or `OOM`.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// What the operating system said, if it was an I/O error.
    pub const fn io_kind(&self) -> Option<io::ErrorKind> {
        self.io
    }

    fn new(error: &redis::RedisError) -> Self {
        Self { kind: error.kind(), code: code(error), io: io_kind(error) }
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, self.io) {
            (Some(code), _) => write!(f, "the server answered {code}"),
            (None, Some(io)) => write!(f, "{io}"),
            (None, None) => write!(f, "{:?}", self.kind),
        }
    }
}

impl Error for DriverError {}

/// The code of a server's answer; for an error inside a script, as far as it can be seen, the inner one.
fn code(error: &redis::RedisError) -> Option<Arc<str>> {
    let code = error.code()?;
    // Redis before 7 wraps it: "ERR Error running script (call to f_…): @user_script:8: -OOM command …".
    let inner = error
        .detail()
        .filter(|_| code == "ERR")
        .and_then(|detail| MEANINGS.iter().find(|(code, _)| detail.contains(&format!("-{code} "))));
    let code = inner.map_or(code, |(code, _)| code);
    let plain = code.len() <= 20 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    Some(if plain { code.into() } else { "an error".into() })
}

fn io_kind(error: &redis::RedisError) -> Option<io::ErrorKind> {
    let source = error.source()?;
    let shared = source.downcast_ref::<Arc<dyn Error + Send + Sync>>().map(|inner| &**inner as &dyn Error);
    shared.unwrap_or(source).downcast_ref::<io::Error>().map(io::Error::kind)
}

impl RedisError {
    /// What a driver's error means that came instead of an answer. `limit` is how long was waited at most.
    pub(crate) fn of_answer(error: &redis::RedisError, limit: Duration) -> Self {
        if error.is_timeout() {
            return Self::Timeout(limit);
        }
        let driver = DriverError::new(error);
        if let Some((_, meaning)) = MEANINGS.iter().find(|(code, _)| driver.code() == Some(code)) {
            return meaning(driver);
        }
        match error.kind() {
            ErrorKind::Io | ErrorKind::ClusterConnectionNotFound | ErrorKind::Parse => Self::Lost(driver),
            ErrorKind::AuthenticationFailed => Self::Refused(driver),
            ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask) => Self::NotServing(driver),
            ErrorKind::MasterNameNotFoundBySentinel | ErrorKind::NoValidReplicasFoundBySentinel => {
                Self::Unreachable(driver)
            }
            ErrorKind::InvalidClientConfig | ErrorKind::EmptySentinelList => Self::Config(driver),
            _ => match error.detail() {
                Some(detail) if detail.starts_with("unknown command") || detail == "syntax error" => {
                    Self::Unsupported(driver)
                }
                Some(detail) if detail.contains("max number of clients") => Self::NotServing(driver),
                _ => Self::Rejected(driver),
            },
        }
    }

    /// What a driver's error means that came instead of a connection.
    pub(crate) fn of_connecting(error: &redis::RedisError, limit: Duration) -> Self {
        match Self::of_answer(error, limit) {
            Self::Lost(driver) => Self::Unreachable(driver),
            // A user who may not even connect can do nothing.
            Self::Forbidden(driver) => Self::Refused(driver),
            other => other,
        }
    }

    /// The driver's side of it.
    pub const fn driver(&self) -> Option<&DriverError> {
        match self {
            Self::Config(driver)
            | Self::Unreachable(driver)
            | Self::Lost(driver)
            | Self::NotServing(driver)
            | Self::ReadOnly(driver)
            | Self::Refused(driver)
            | Self::Forbidden(driver)
            | Self::Unsupported(driver)
            | Self::Rejected(driver) => Some(driver),
            Self::PoolExhausted | Self::PoolClosed | Self::Timeout(_) | Self::UnexpectedReply => None,
        }
    }

    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.driver().and_then(DriverError::code) == Some(code)
    }

    /// Whether reading may work where this failed.
    pub(crate) const fn is_read_only(&self) -> bool {
        matches!(self, Self::ReadOnly(_))
    }

    /// Whether a new connection may help at once: the old one is dead, or leads to a master that is no more.
    pub(crate) fn asks_for_a_new_connection(&self) -> bool {
        matches!(self, Self::Lost(_)) || self.has_code("READONLY")
    }
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        match error {
            RedisError::Timeout(limit) => Self::Timeout(limit),
            RedisError::Unreachable(_)
            | RedisError::PoolExhausted
            | RedisError::PoolClosed
            | RedisError::Lost(_)
            | RedisError::NotServing(_)
            | RedisError::Refused(_) => Self::Unavailable(Box::new(error)),
            RedisError::ReadOnly(_) => Self::ReadOnly(Box::new(error)),
            RedisError::Config(_)
            | RedisError::Forbidden(_)
            | RedisError::Unsupported(_)
            | RedisError::Rejected(_)
            | RedisError::UnexpectedReply => Self::Backend(Box::new(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    fn answer(code: &str, detail: &str) -> RedisError {
        let error = redis::make_extension_error(code.to_owned(), Some(detail.to_owned()));
        RedisError::of_answer(&error, LIMIT)
    }

    #[test]
    fn errors_are_told_apart_by_what_can_be_done() {
        assert!(matches!(answer("WRONGTYPE", "Operation against a key"), RedisError::Rejected(_)));
        let refused = redis::RedisError::from(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert!(matches!(RedisError::of_answer(&refused, LIMIT), RedisError::Lost(_)));
        assert!(matches!(RedisError::of_connecting(&refused, LIMIT), RedisError::Unreachable(_)));
        let late = redis::RedisError::from(io::Error::from(io::ErrorKind::TimedOut));
        assert!(matches!(RedisError::of_answer(&late, LIMIT), RedisError::Timeout(LIMIT)));
    }

    /// The words of Redis 7.0, and what the outage policy and the circuit breaker see of them.
    #[test]
    fn every_word_of_a_server_counts_for_the_policy_as_it_should() {
        let kind = |error: &StoreError| match error {
            StoreError::Unavailable(_) => "unavailable",
            StoreError::ReadOnly(_) => "read-only",
            StoreError::Backend(_) => "broken",
            _ => "another",
        };
        let table = [
            ("LOADING", "Redis is loading the dataset in memory", "unavailable"),
            (
                "MASTERDOWN",
                "Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
                "unavailable",
            ),
            ("CLUSTERDOWN", "The cluster is down", "unavailable"),
            ("TRYAGAIN", "Multiple keys request during rehashing of slot", "unavailable"),
            ("BUSY", "Redis is busy running a script.", "unavailable"),
            ("UNKILLABLE", "Sorry the script already executed write commands.", "unavailable"),
            ("ERR", "max number of clients reached", "unavailable"),
            ("READONLY", "You can't write against a read only replica.", "read-only"),
            ("NOREPLICAS", "Not enough good replicas to write.", "read-only"),
            ("MISCONF", "Redis is configured to save RDB snapshots, but", "read-only"),
            ("OOM", "command not allowed when used memory > 'maxmemory'.", "read-only"),
            ("NOAUTH", "Authentication required.", "unavailable"),
            ("WRONGPASS", "invalid username-password pair or user is disabled.", "unavailable"),
            ("DENIED", "Redis is running in protected mode", "unavailable"),
            ("NOPERM", "this user has no permissions to run the 'get' command", "broken"),
            ("WRONGTYPE", "Operation against a key holding the wrong kind of value", "broken"),
        ];
        for (code, detail, expected) in table {
            let error = StoreError::from(answer(code, detail));
            assert_eq!((kind(&error), error.is_outage()), (expected, expected != "broken"), "{code}");
            // Redis before 7, inside a script.
            if code != "ERR" && MEANINGS.iter().any(|(known, _)| *known == code) {
                let wrapped = format!("Error running script (call to f_1): @user_script:8: -{code} {detail}");
                assert_eq!(kind(&answer("ERR", &wrapped).into()), expected, "{code} in a script");
            }
        }
        assert!(MEANINGS.iter().all(|(code, _)| table.iter().any(|(tested, ..)| tested == code)));
    }

    #[test]
    fn a_user_who_may_not_connect_is_an_outage() {
        let error = redis::make_extension_error("NOPERM".to_owned(), Some("no permissions".to_owned()));
        assert!(StoreError::from(RedisError::of_connecting(&error, LIMIT)).is_outage());
    }

    #[test]
    fn old_servers_wrap_the_errors_of_scripts() {
        let text = "Error running script (call to f_1): @user_script:8: -OOM command not allowed";
        let error = answer("ERR", text);
        assert!(error.has_code("OOM") && matches!(error, RedisError::ReadOnly(_)), "{error:?}");
    }

    #[test]
    fn neither_display_nor_debug_quotes_the_driver() {
        let text = "unknown command 'GETEX', with args beginning with: 'sess:SECRET'";
        let error = answer("ERR", text);
        assert!(matches!(error, RedisError::Unsupported(_)));
        let store = StoreError::from(error);
        let mut shown = format!("{store:?} {store}");
        let mut source = store.source();
        while let Some(inner) = source {
            shown = format!("{shown} {inner} {inner:?}");
            source = inner.source();
        }
        assert!(!shown.contains("SECRET"), "{shown}");
        assert!(!format!("{:?}", answer("sess:SECRET", "")).contains("SECRET"));
    }
}
