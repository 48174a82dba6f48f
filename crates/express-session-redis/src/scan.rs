//! Walking through the keys of a store by `SCAN`, on every master of a cluster.
//!
//! Keys are looked at a few at a time, so Redis serves requests in between however many sessions there are.

use std::collections::{BTreeSet, HashSet};

use deadpool_redis::redis::{Cmd, Value};
use express_session_core::{Cursor, StoreError};

use crate::connection::{Node, bytes};
use crate::error::RedisError;
use crate::keyspace::Keyspace;

/// A place in the keys of a store: a cursor of Redis's, and on a cluster the masters to be scanned, this one first.
///
/// ```text
/// 1234                                              one server
/// 1234 10.0.0.1:6379 10.0.0.2:6379 10.0.0.3:6379    a cluster
/// ```
///
/// The masters are those of the beginning: one that takes over from another while the scan goes on has another order of keys,
/// so the scan fails with the connection to the old one rather than leaving keys out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    cursor: String,
    nodes: Vec<Node>,
}

impl Place {
    pub(crate) fn of(cursor: &Cursor) -> Result<Self, StoreError> {
        let mut words = cursor.as_text()?.split(' ');
        let digits = words.next().filter(|digits| digits.parse::<u64>().is_ok());
        let nodes: Option<_> = words.map(node).collect();
        let (Some(digits), Some(nodes)) = (digits, nodes) else { return Err(StoreError::InvalidCursor) };
        Ok(Self { cursor: digits.to_owned(), nodes })
    }

    pub(crate) fn cursor(&self) -> Cursor {
        let nodes = self.nodes.iter().map(|Node { host, port }| format!(" {host}:{port}"));
        let text: String = std::iter::once(self.cursor.clone()).chain(nodes).collect();
        Cursor::of_bytes(text.into_bytes())
    }

    /// Where to go on after this server has named `cursor`; `None` at the end.
    fn next(mut self, cursor: String) -> Option<Self> {
        if cursor != "0" {
            return Some(Self { cursor, ..self });
        }
        if self.nodes.len() < 2 {
            return None;
        }
        self.nodes.remove(0);
        Some(Self { cursor, ..self })
    }
}

fn node(text: &str) -> Option<Node> {
    let (host, port) = text.rsplit_once(':')?;
    Some(Node { host: host.to_owned(), port: port.parse().ok()? })
}

impl Keyspace {
    /// The beginning of all keys.
    pub(crate) async fn first_place(&self) -> Result<Place, RedisError> {
        let mut nodes = Vec::new();
        if self.connections.is_cluster() {
            let mut command = Cmd::new();
            command.arg("CLUSTER").arg("SLOTS");
            nodes.extend(masters(&self.connections.call(&command).await?)?);
        }
        Ok(Place { cursor: "0".to_owned(), nodes })
    }

    /// Some sessions' keys, each once, and where to go on. Later ones may have the same again.
    pub(crate) async fn scan(
        &self,
        place: Place,
        count: usize,
    ) -> Result<(Vec<Vec<u8>>, Option<Place>), RedisError> {
        let mut command = Cmd::new();
        command.arg("SCAN").arg(&place.cursor).arg("MATCH").arg(self.keys.pattern());
        command.arg("COUNT").arg(count);
        let answer = self.connections.call_node(&command, place.nodes.first()).await?;
        let (next, keys) = match answer {
            Value::Array(parts) => match <[Value; 2]>::try_from(parts) {
                Ok([next, Value::Array(keys)]) => (bytes(next)?.unwrap_or_default(), keys),
                _ => return Err(RedisError::UnexpectedReply),
            },
            _ => return Err(RedisError::UnexpectedReply),
        };
        let next = String::from_utf8(next).map_err(|_| RedisError::UnexpectedReply)?;
        let (mut seen, mut ours) = (HashSet::new(), Vec::with_capacity(keys.len()));
        for key in keys {
            let key = bytes(key)?.unwrap_or_default();
            if self.keys.id(&key).is_some() && seen.insert(key.clone()) {
                ours.push(key);
            }
        }
        Ok((ours, place.next(next)))
    }
}

/// The masters named in an answer to `CLUSTER SLOTS`: `[[from, to, [host, port, …], replicas …] …]`.
fn masters(answer: &Value) -> Result<BTreeSet<Node>, RedisError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_cursor() {
        for text in ["0", "18446744073709551615", "7 ::1:6379 redis.example:1"] {
            let place = Place::of(&Cursor::of_bytes(text.as_bytes())).unwrap();
            assert_eq!(place.cursor(), Cursor::of_bytes(text.as_bytes()));
        }
        for text in ["", "x", "-1", "7 host", "7 host:x", "7  a:1"] {
            assert!(Place::of(&Cursor::of_bytes(text.as_bytes())).is_err(), "{text}");
        }
    }

    #[test]
    fn one_master_comes_after_the_other() {
        let place = |text: &str| Place::of(&Cursor::of_bytes(text.as_bytes())).unwrap();
        assert_eq!(place("3 a:1 b:2").next("7".into()), Some(place("7 a:1 b:2")));
        assert_eq!(place("3 a:1 b:2").next("0".into()), Some(place("0 b:2")));
        assert_eq!(place("3 b:2").next("0".into()), None);
        assert_eq!(place("3").next("0".into()), None);
    }
}
