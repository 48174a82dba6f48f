//! The memory of the two servers: ours is in this process, Node's is asked for.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Entries, Entry};
use crate::client::Client;
use crate::config::Space;
use crate::server::MemoryProbe;

/// Reads and writes the documents in memory.
#[derive(Debug)]
pub(crate) struct MemoryProbes {
    rust: MemoryProbe,
    node_port: u16,
    client: Client,
}

impl MemoryProbes {
    pub(crate) fn new(rust: MemoryProbe, node_port: u16, client: Client) -> Self {
        Self { rust, node_port, client }
    }

    async fn node(&self, verb: &str, body: Value, now: i64) -> Result<Value> {
        self.client.control(self.node_port, verb, &body, now).await
    }

    pub(crate) async fn entries(&self, space: Space, set: usize, now: i64) -> Result<Entries> {
        let documents: BTreeMap<String, String> = if space == Space::Rust {
            self.rust.documents(set, now)?
        } else {
            let found = self.node("dump", json!({"space": space, "config": set}), now).await?;
            serde_json::from_value(found).context("the documents of the Node server")?
        };
        let entry = |document: String| Entry { ends: ends(&document), document, life: String::new() };
        Ok(documents.into_iter().map(|(id, document)| (id, entry(document))).collect())
    }

    pub(crate) async fn plant(
        &self,
        space: Space,
        set: usize,
        id: &str,
        document: &str,
        now: i64,
    ) -> Result<()> {
        if !self.entries(space, set, now).await?.contains_key(id) {
            return Ok(());
        }
        if space == Space::Rust {
            return self.rust.plant(set, id, document);
        }
        let body = json!({"space": space, "config": set, "id": id, "text": document});
        self.node("plant", body, now).await.map(drop)
    }

    /// Only from Node's memory: what ours holds is never corrected.
    pub(crate) async fn remove(&self, space: Space, set: usize, id: &str, now: i64) -> Result<()> {
        ensure!(space != Space::Rust, "nothing is removed from our memory");
        let body = json!({"space": space, "config": set, "id": id, "text": null});
        self.node("plant", body, now).await.map(drop)
    }

    pub(crate) async fn reset(&self, space: Space, set: usize, now: i64) -> Result<()> {
        if space == Space::Rust {
            return self.rust.clear(set).await;
        }
        self.node("reset", json!({"space": space, "config": set}), now).await.map(drop)
    }
}

fn ends(document: &str) -> Option<i64> {
    let document: Value = serde_json::from_str(document).ok()?;
    let expires = document.get("cookie")?.get("expires")?.as_str()?;
    crate::instant::parse(expires)
}
