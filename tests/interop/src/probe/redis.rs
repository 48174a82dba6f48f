//! The keys of the Redis store.
//!
//! Redis has a clock of its own, so a ttl is read as soon as it was given: the second `EX` had in it is the one
//! whole number that fits the key's end and the moment of the step. Then the key's end is moved far away, so
//! that nothing ends by itself; the lab's clock decides, and `time_passed` removes what has ended.

use std::collections::HashMap;

use anyhow::Result;
use express_session_core::{Clock as _, SystemClock};
use express_session_redis::deadpool_redis::redis::{self, Client, aio::MultiplexedConnection};

use super::{Entries, Entry};
use crate::config::Space;

/// The end of every key whose ttl was read: the year 2200.
const FAR: i64 = 7_258_118_400_000;

#[derive(Clone, Copy, Debug)]
struct Life {
    /// The ttl given by the last write or touch, in seconds.
    ttl: i64,
    /// When that was, by the lab's clock.
    since: i64,
}

/// Reads and writes the keys.
#[derive(Debug)]
pub(crate) struct RedisProbe {
    connection: MultiplexedConnection,
    lives: HashMap<String, Life>,
}

impl RedisProbe {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let connection = Client::open(url)?.get_multiplexed_async_connection().await?;
        Ok(Self { connection, lives: HashMap::new() })
    }

    async fn keys(&mut self, space: Space) -> Result<Vec<String>> {
        let pattern = format!("{}:*", space.name());
        Ok(redis::cmd("KEYS").arg(pattern).query_async(&mut self.connection).await?)
    }

    pub(crate) async fn entries(&mut self, space: Space, now: i64) -> Result<Entries> {
        let keys = self.keys(space).await?;
        let mut pipeline = redis::pipe();
        for key in &keys {
            pipeline.cmd("GET").arg(key).cmd("PEXPIRETIME").arg(key);
        }
        let found: Vec<(Option<Vec<u8>>, i64)> = if keys.is_empty() {
            Vec::new()
        } else {
            let values: Vec<redis::Value> = pipeline.query_async(&mut self.connection).await?;
            values
                .chunks(2)
                .map(|pair| {
                    Ok::<_, redis::RedisError>(redis::from_redis_value(redis::Value::Array(pair.to_vec()))?)
                })
                .collect::<Result<_, _>>()?
        };
        let mut entries = Entries::new();
        for (key, (document, end)) in keys.into_iter().zip(found) {
            let Some(document) = document else { continue };
            if end == -1 {
                self.lives.remove(&key);
            } else if end != FAR {
                let left = end - SystemClock.now().0;
                // The ttl was given at most a moment ago, so rounding up finds it.
                let ttl = left.div_euclid(1000) + i64::from(left.rem_euclid(1000) > 0);
                self.lives.insert(key.clone(), Life { ttl, since: now });
                let () = redis::cmd("PEXPIREAT").arg(&key).arg(FAR).query_async(&mut self.connection).await?;
            }
            let life = self.lives.get(&key).copied();
            let id = key.split_once(':').map_or(key.as_str(), |(_, id)| id).to_owned();
            let entry = Entry {
                document: String::from_utf8_lossy(&document).into_owned(),
                life: life.map_or_else(
                    || "no ttl".to_owned(),
                    |life| format!("ttl {} s at {}", life.ttl, life.since),
                ),
                ends: life.map(|life| life.since + life.ttl * 1000),
            };
            entries.insert(id, entry);
        }
        Ok(entries)
    }

    /// Removes the keys whose time is over by the lab's clock.
    pub(crate) async fn time_passed(&mut self, space: Space, now: i64) -> Result<()> {
        for key in self.keys(space).await? {
            let over = self.lives.get(&key).is_some_and(|life| life.since + life.ttl * 1000 <= now);
            if over {
                let () = redis::cmd("DEL").arg(&key).query_async(&mut self.connection).await?;
                self.lives.remove(&key);
            }
        }
        Ok(())
    }

    pub(crate) async fn plant(&mut self, space: Space, id: &str, document: &str) -> Result<()> {
        let key = format!("{}:{id}", space.name());
        let _: Option<String> = redis::cmd("SET")
            .arg(key)
            .arg(document)
            .arg("XX")
            .arg("KEEPTTL")
            .query_async(&mut self.connection)
            .await?;
        Ok(())
    }

    pub(crate) async fn remove(&mut self, space: Space, id: &str) -> Result<()> {
        let key = format!("{}:{id}", space.name());
        self.lives.remove(&key);
        Ok(redis::cmd("DEL").arg(key).query_async(&mut self.connection).await?)
    }

    pub(crate) async fn reset(&mut self, space: Space) -> Result<()> {
        let keys = self.keys(space).await?;
        if !keys.is_empty() {
            let () = redis::cmd("DEL").arg(&keys).query_async(&mut self.connection).await?;
        }
        let prefix = format!("{}:", space.name());
        self.lives.retain(|key, _| !key.starts_with(&prefix));
        Ok(())
    }
}
