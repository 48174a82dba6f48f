//! Which store, which options: what both servers are started with.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A store and its Node package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "the lab knows these four")]
pub enum StoreKind {
    /// memorystore; cannot be shared.
    Memory,
    /// session-file-store.
    File,
    /// express-mysql-session.
    Mysql,
    /// connect-redis.
    Redis,
}

impl StoreKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Memory, Self::File, Self::Mysql, Self::Redis];

    /// Whether two processes can work on one store of this kind.
    pub fn is_shared(self) -> bool {
        self != Self::Memory
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::File => "file",
            Self::Mysql => "mysql",
            Self::Redis => "redis",
        })
    }
}

/// A namespace on the store: a key prefix, a folder, a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "there are three ways to run a script")]
pub enum Space {
    /// Only Node works here.
    Node,
    /// Only Rust works here.
    Rust,
    /// Both work here, request by request.
    Mixed,
}

impl Space {
    /// Its name on the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Rust => "rust",
            Self::Mixed => "mixed",
        }
    }
}

/// The options of the middleware and of the store, as the Node packages take them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OptionSet {
    /// express-session's options; `cookie` is an object in here.
    pub session: Map<String, Value>,
    /// The store package's options.
    pub store: Map<String, Value>,
}

impl OptionSet {
    /// The option set with these JSON objects.
    ///
    /// # Panics
    ///
    /// If one of them is no object; they are written in this crate.
    pub fn new(session: Value, store: Value) -> Self {
        let object = |value| match value {
            Value::Object(object) => object,
            other => panic!("options are an object, not {other}"),
        };
        Self { session: object(session), store: object(store) }
    }

    /// The name of the session cookie.
    pub fn cookie_name(&self) -> &str {
        self.session.get("name").and_then(Value::as_str).unwrap_or("connect.sid")
    }

    /// An attribute of the cookie options.
    pub fn cookie(&self, name: &str) -> Option<&Value> {
        self.session.get("cookie").and_then(|cookie| cookie.get(name))
    }

    /// The secrets: the first signs, all verify.
    pub fn secrets(&self) -> Vec<&str> {
        match self.session.get("secret") {
            Some(Value::String(secret)) => vec![secret],
            Some(Value::Array(secrets)) => secrets.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// A boolean option of express-session, false if it is not there.
    pub fn is_on(&self, name: &str) -> bool {
        self.session.get(name) == Some(&Value::Bool(true))
    }

    /// Whether taking a session away destroys it: `unset: 'destroy'`.
    pub fn unset_destroys(&self) -> bool {
        self.session.get("unset").is_some_and(|unset| unset == "destroy")
    }
}

/// Where the store is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backend {
    /// The kind of store.
    pub store: StoreKind,
    /// The folder of the file store's folders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// The Redis server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// mysql2's connection options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mysql: Option<Value>,
}

/// What a scenario server is started with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerConfig {
    /// Where the store is.
    #[serde(flatten)]
    pub backend: Backend,
    /// The namespaces the server works in.
    pub spaces: Vec<Space>,
    /// The option sets; requests name them by number.
    pub option_sets: Vec<OptionSet>,
}
