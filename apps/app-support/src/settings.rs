//! The sections that every app's file has, but for the session.

use std::time::Duration;

use serde::Deserialize;

/// A span of time, written as a whole number of milliseconds, as in Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "u64")]
pub struct Millis(pub Duration);

impl From<u64> for Millis {
    fn from(milliseconds: u64) -> Self {
        Self(Duration::from_millis(milliseconds))
    }
}

/// An environment variable with a name of its own, and the key that it overrides.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
}

impl Variable {
    /// `name` as in the environment, `key` with dots, as in `session.secret`.
    pub const fn new(name: &'static str, key: &'static str) -> Self {
        Self { name, key }
    }
}

/// The section `[server]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// The address to listen on.
    pub(crate) host: String,
    /// 0: any that is free.
    pub(crate) port: u16,
    /// Threads that serve requests; one per core if not said.
    pub(crate) workers: Option<usize>,
    /// `production`: a server for visitors.
    #[serde(default = "development")]
    pub(crate) environment: String,
    /// How long a client may take for the head of a request, and again for its body; and may be idle.
    #[serde(default = "five_seconds")]
    pub(crate) client_timeout_ms: Millis,
    /// How long running requests may take once the app is told to stop.
    #[serde(default = "five_seconds")]
    pub(crate) shutdown_timeout_ms: Millis,
    /// What is logged, in `tracing`'s filter language.
    #[serde(default = "info")]
    pub(crate) log: String,
}

const fn five_seconds() -> Millis {
    Millis(Duration::from_secs(5))
}

fn development() -> String {
    "development".to_owned()
}

fn info() -> String {
    "info".to_owned()
}
