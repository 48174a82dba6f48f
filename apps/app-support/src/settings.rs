//! The sections that an app's file may have, but for the session.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// The sections of an app that has none of its own.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSections {}

/// An app whose store has something that each machine has elsewhere.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSection<Store> {
    /// The section `[store]`.
    pub store: Store,
}

/// `[store]` of sessions in a database.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// The server, user, password and database; the article's if not said.
    pub url: Option<String>,
}

impl std::fmt::Debug for Database {
    /// Not the URL: there is a password in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

/// `[store]` of sessions in files.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Folder {
    /// The folder; the article's if not said.
    pub path: Option<PathBuf>,
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
    #[serde(rename = "client_timeout_ms", default = "five_seconds", deserialize_with = "milliseconds")]
    pub(crate) client_timeout: Duration,
    /// How long running requests may take once the app is told to stop.
    #[serde(rename = "shutdown_timeout_ms", default = "five_seconds", deserialize_with = "milliseconds")]
    pub(crate) shutdown_timeout: Duration,
    /// What is logged, in `tracing`'s filter language.
    #[serde(default = "log")]
    pub(crate) log: String,
}

const fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

fn development() -> String {
    "development".to_owned()
}

/// Actix tells each start of a worker otherwise.
fn log() -> String {
    "info,actix_server=warn".to_owned()
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}
