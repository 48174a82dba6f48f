//! Runs scripts on Node alone, on Rust alone and on both together, and compares after every step.

mod overlap;
mod requests;
mod track;
mod watch;

use anyhow::Result;
use express_session_testbed::{MariaDb, mariadb, redis::RedisServer};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::config::{Backend, OptionSet, ServerConfig, Space, StoreKind};
use crate::mismatch::compare;
pub use crate::mismatch::{Difference, Mismatch, OURS, Observation, Observed};
use crate::node::NodeServer;
use crate::probe::{FileProbe, MemoryProbes, MysqlProbe, Probe, RedisProbe};
use crate::script::Script;
use crate::server::{RustServer, Sabotage, mysql_url};

/// The instant at which every script begins: 2030-01-02T03:04:05.678Z, as in the recorded vectors.
pub const START: i64 = 1_893_553_445_678;

/// Two servers and their store.
#[derive(Debug)]
pub struct Lab {
    /// The option sets both servers know.
    pub option_sets: Vec<OptionSet>,
    store: StoreKind,
    probe: Probe,
    client: Client,
    rust: RustServer,
    node: NodeServer,
    // Last, so that the servers go before their store.
    _server: StoreServer,
}

#[derive(Debug)]
enum StoreServer {
    None,
    Folder(#[allow(dead_code, reason = "held for its end")] TempDir),
    Redis(#[allow(dead_code, reason = "held for its end")] RedisServer),
    Mysql(#[allow(dead_code, reason = "held for its end")] MariaDb),
}

impl Lab {
    /// Starts everything, with a deliberate bug in the Rust server if one is asked for.
    ///
    /// # Errors
    ///
    /// If a server is not installed or does not come up.
    pub async fn start(
        store: StoreKind,
        option_sets: Vec<OptionSet>,
        sabotage: Option<Sabotage>,
    ) -> Result<Self> {
        let mut backend = Backend { store, folder: None, url: None, mysql: None };
        let server = match store {
            StoreKind::Memory => StoreServer::None,
            StoreKind::File => {
                let folder = tempfile::tempdir()?;
                for space in [Space::Node, Space::Rust, Space::Mixed] {
                    std::fs::create_dir_all(folder.path().join(space.name()))?;
                }
                backend.folder = Some(folder.path().to_owned());
                StoreServer::Folder(folder)
            }
            StoreKind::Redis => {
                let server = RedisServer::start(&["--save", ""])?;
                backend.url = Some(server.url());
                StoreServer::Redis(server)
            }
            StoreKind::Mysql => {
                let server = MariaDb::start(&[])?;
                backend.mysql = Some(json!({
                    "host": "127.0.0.1", "port": server.port(), "user": mariadb::USER,
                    "password": mariadb::PASSWORD, "database": "mysql",
                }));
                StoreServer::Mysql(server)
            }
        };
        let spaces = |own: Space| {
            if store.is_shared() { vec![own, Space::Mixed] } else { vec![own] }
        };
        let config = |own: Space| ServerConfig {
            backend: backend.clone(),
            spaces: spaces(own),
            option_sets: option_sets.clone(),
        };
        let mysql = if store == StoreKind::Mysql {
            Some(MysqlProbe::connect(&mysql_url(&backend)?).await?)
        } else {
            None
        };
        let node = NodeServer::start(&config(Space::Node))?;
        let rust = RustServer::start(config(Space::Rust), sabotage)?;
        let client = Client::new();
        let probe = match (&backend.folder, &backend.url, mysql) {
            (Some(folder), ..) => Probe::File(FileProbe::new(folder.clone(), &option_sets)),
            (_, Some(url), _) => Probe::Redis(RedisProbe::connect(url).await?),
            (.., Some(probe)) => Probe::Mysql(probe),
            _ => Probe::Memory(MemoryProbes::new(rust.memory.clone(), node.port, client.clone())),
        };
        Ok(Self { option_sets, store, probe, client, rust, node, _server: server })
    }

    /// The spaces a script runs in, Node's first.
    fn spaces(&self) -> &'static [Space] {
        if self.store.is_shared() {
            &[Space::Node, Space::Rust, Space::Mixed]
        } else {
            &[Space::Node, Space::Rust]
        }
    }

    /// Runs a script everywhere; the first difference, if there is one.
    ///
    /// # Errors
    ///
    /// If the lab itself fails: a server that has ended, a store that cannot be read.
    pub async fn run(&mut self, script: &Script) -> Result<Option<Mismatch>> {
        let mut mismatch = None;
        self.watch(script, |index, all| {
            mismatch = script.steps.get(index).and_then(|step| compare(index, step, all));
            mismatch.is_none()
        })
        .await?;
        Ok(mismatch)
    }

    /// What the Node package answers when it is asked for all sessions in the space both share, and what its sweeps say:
    /// by verb, `{"value": …}` or `{"error": …}`.
    ///
    /// # Errors
    ///
    /// If the Node server does not answer.
    pub async fn node_listings(&self, set: usize, now: i64) -> Result<Map<String, Value>> {
        let body = json!({ "space": Space::Mixed, "config": set });
        match self.client.control(self.node.port, "listings", &body, now).await? {
            Value::Object(listings) => Ok(listings),
            other => anyhow::bail!("the Node server answered {other}"),
        }
    }
}
