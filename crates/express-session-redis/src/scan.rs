//! What operators need: `all`, `ids`, `length` and `clear`, by `SCAN`, on every master of a cluster.
//!
//! Keys are looked at a few at a time, so Redis serves requests in between however many sessions there are.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use deadpool_redis::redis::{Cmd, Value};
use express_session_core::{Document, SessionId, SessionStoreAdmin, StoreError};

use crate::connection::{Node, bytes};
use crate::error::RedisError;
use crate::keyspace::Keyspace;
use crate::store::{RedisStore, decode};

/// A scan over the keys of one server.
struct Scan<'a> {
    keyspace: &'a Keyspace,
    node: Option<Node>,
    pattern: String,
    /// Where to go on; `None` after the last page.
    cursor: Option<Vec<u8>>,
}

impl Keyspace {
    /// A scan for every server that holds keys of ours.
    async fn scans(&self) -> Result<Vec<Scan<'_>>, RedisError> {
        let nodes = if self.connections.is_cluster() {
            let mut command = Cmd::new();
            command.arg("CLUSTER").arg("SLOTS");
            masters(&self.connections.call(&command).await?)?.into_iter().map(Some).collect()
        } else {
            vec![None]
        };
        let scan =
            |node| Scan { keyspace: self, node, pattern: self.keys.pattern(), cursor: Some(b"0".to_vec()) };
        Ok(nodes.into_iter().map(scan).collect())
    }
}

impl Scan<'_> {
    /// Some more keys; `None` when there are no more pages. A key may be given more than once.
    async fn next_page(&mut self) -> Result<Option<Vec<Vec<u8>>>, RedisError> {
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        let mut command = Cmd::new();
        command.arg("SCAN").arg(&cursor).arg("MATCH").arg(&self.pattern);
        command.arg("COUNT").arg(self.keyspace.options.scan_count);
        let answer = self.keyspace.connections.call_node(&command, self.node.as_ref()).await?;
        let (next, keys) = match answer {
            Value::Array(parts) => match <[Value; 2]>::try_from(parts) {
                Ok([next, Value::Array(keys)]) => (bytes(next)?.unwrap_or_default(), keys),
                _ => return Err(RedisError::UnexpectedReply),
            },
            _ => return Err(RedisError::UnexpectedReply),
        };
        self.cursor = Some(next).filter(|cursor| cursor != b"0");
        keys.into_iter().map(|key| Ok(bytes(key)?.unwrap_or_default())).collect::<Result<_, _>>().map(Some)
    }
}

/// The masters named in an answer to `CLUSTER SLOTS`: `[[from, to, [host, port, …], replicas …] …]`.
fn masters(answer: &Value) -> Result<HashSet<Node>, RedisError> {
    let items = |value: &Value| match value {
        Value::Array(items) => Ok(items.clone()),
        _ => Err(RedisError::UnexpectedReply),
    };
    items(answer)?
        .iter()
        .map(|range| {
            let master = items(items(range)?.get(2).unwrap_or(&Value::Nil))?;
            match (master.first(), master.get(1)) {
                (Some(Value::BulkString(host)), Some(Value::Int(port))) => Ok(Node {
                    host: String::from_utf8(host.clone()).map_err(|_| RedisError::UnexpectedReply)?,
                    port: u16::try_from(*port).map_err(|_| RedisError::UnexpectedReply)?,
                }),
                _ => Err(RedisError::UnexpectedReply),
            }
        })
        .collect()
}

/// A command with these keys. On a cluster the driver sends one per slot and puts the answers together.
pub(crate) fn with_keys(name: &str, keys: &[Vec<u8>]) -> Cmd {
    let mut command = Cmd::new();
    command.arg(name);
    for key in keys {
        command.arg(key);
    }
    command
}

impl SessionStoreAdmin for RedisStore {
    /// DIFFERENCE: connect-redis fails if one of the sessions cannot be decoded; here it is left out.
    async fn all(&self) -> Result<Vec<(SessionId, Document)>, StoreError> {
        let keyspace = self.keyspace();
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        for mut scan in keyspace.scans().await? {
            while let Some(mut page) = scan.next_page().await? {
                page.retain(|key| keyspace.keys.id(key).is_some_and(|id| seen.insert(id)));
                if page.is_empty() {
                    continue;
                }
                let Value::Array(values) = keyspace.connections.call(&with_keys("MGET", &page)).await? else {
                    return Err(RedisError::UnexpectedReply.into());
                };
                for (key, value) in page.iter().zip(values) {
                    if let (Some(id), Ok(Some(stored))) = (keyspace.keys.id(key), decode(bytes(value)?)) {
                        found.push((id, stored.document));
                    }
                }
            }
        }
        Ok(found)
    }

    async fn ids(&self) -> Result<Vec<SessionId>, StoreError> {
        let keyspace = self.keyspace();
        let mut ids = HashSet::new();
        for mut scan in keyspace.scans().await? {
            while let Some(page) = scan.next_page().await? {
                ids.extend(page.iter().filter_map(|key| keyspace.keys.id(key)));
            }
        }
        Ok(ids.into_iter().collect())
    }

    /// Keeps eight bytes per session while it counts, because `SCAN` may name a key twice.
    async fn length(&self) -> Result<u64, StoreError> {
        let keyspace = self.keyspace();
        let (mut seen, hasher) = (HashSet::new(), RandomState::new());
        for mut scan in keyspace.scans().await? {
            while let Some(page) = scan.next_page().await? {
                let ours = page.iter().filter(|key| keyspace.keys.id(key).is_some());
                seen.extend(ours.map(|key| hasher.hash_one(key)));
            }
        }
        Ok(u64::try_from(seen.len()).unwrap_or(u64::MAX))
    }

    /// Removes the sessions that are there when it begins; those that come meanwhile may stay.
    async fn clear(&self) -> Result<(), StoreError> {
        let keyspace = self.keyspace();
        for mut scan in keyspace.scans().await? {
            while let Some(mut page) = scan.next_page().await? {
                page.retain(|key| keyspace.keys.id(key).is_some());
                if !page.is_empty() {
                    keyspace.connections.call(&with_keys("DEL", &page)).await?;
                }
            }
        }
        Ok(())
    }

    /// Redis removes expired keys itself; there is nothing to do.
    async fn sweep(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
