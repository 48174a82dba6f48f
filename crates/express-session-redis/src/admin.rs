//! What operators need: listing, adding, counting and clearing.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use deadpool_redis::redis::{Cmd, Value};
use express_session_core::{
    Cursor, DecodeError, Document, Listed, Page, SessionId, SessionStoreAdmin, StoreError, Stored,
};
use futures_util::future::try_join_all;

use crate::connection::{bytes, integer};
use crate::error::RedisError;
use crate::keyspace::Keyspace;
use crate::scan::Place;
use crate::store::{MAX_VALUE, RedisStore, decode, life};
use crate::ttl::whole_seconds;

/// The largest step of `SCAN` for a page: some 5 ms of Redis's time.
const MAX_STEP: usize = 10_000;

/// A command with these keys. On a cluster the driver sends one per slot and puts the answers together.
pub(crate) fn with_keys(name: &str, keys: &[Vec<u8>]) -> Cmd {
    let mut command = Cmd::new();
    command.arg(name);
    for key in keys {
        command.arg(key);
    }
    command
}

/// A command about one key.
fn about(name: &str, key: &[u8]) -> Cmd {
    let mut command = Cmd::new();
    command.arg(name).arg(key);
    command
}

impl Keyspace {
    /// How many keys a step looks at that has no page to fill.
    fn step(&self) -> usize {
        usize::try_from(self.options.scan_count).unwrap_or(MAX_STEP)
    }

    /// The session under a key, given its value. `PTTL` tells its life, and whether it is still there.
    async fn listed(&self, key: &[u8], value: Option<Vec<u8>>) -> Result<Option<Listed>, StoreError> {
        let left = integer(&self.connections.call(&about("PTTL", key)).await?)?;
        let Some(id) = self.keys.id(key).filter(|_| left != -2) else { return Ok(None) };
        let Some(value) = value else {
            // There is something, but no text: `MGET` does not say so. Unless it was written after that.
            let kind = bytes(self.connections.call(&about("TYPE", key)).await?)?;
            let is_text = matches!(kind.as_deref(), None | Some(b"string" | b"none"));
            return Ok((!is_text).then(|| Listed::new(id, 0, Err(DecodeError::NotAnObject))));
        };
        let size = value.len();
        let stored = match decode(Some(value)) {
            Ok(None) => return Ok(None),
            Ok(Some(stored)) => {
                let own = self.options.ttl.seconds_after_touch(&stored.document, self.now());
                Ok(Stored { life: life(own, Some(left)), ..stored })
            }
            Err(StoreError::Corrupt(error)) => Err(error),
            Err(other) => return Err(other),
        };
        Ok(Some(Listed::new(id, size, stored)))
    }
}

impl SessionStoreAdmin for RedisStore {
    /// `SCAN`, `MGET`, and a `PTTL` for each key. While Redis's table grows or shrinks, a session may be on two pages. A slot
    /// of a cluster that moves meanwhile, to a master that has been listed, may be missed.
    ///
    /// DIFFERENCE: connect-redis gives all sessions at once, and fails if one of them cannot be decoded.
    async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let keyspace = self.keyspace();
        let place = match after {
            Some(cursor) => Place::of(cursor)?,
            None => keyspace.first_place().await?,
        };
        let (keys, next) = keyspace.scan(place, limit.clamp(1, MAX_STEP)).await?;
        let next = next.map(|place| place.cursor());
        if keys.is_empty() {
            return Ok(Page::new(Vec::new(), next));
        }
        let Value::Array(values) = keyspace.connections.call(&with_keys("MGET", &keys)).await? else {
            return Err(RedisError::UnexpectedReply.into());
        };
        let sessions =
            keys.iter().zip(values).map(async |(key, value)| keyspace.listed(key, bytes(value)?).await);
        let sessions = try_join_all(sessions).await?;
        Ok(Page::new(sessions.into_iter().flatten().collect(), next))
    }

    /// `GET` and `PTTL`.
    async fn look(&self, id: &SessionId) -> Result<Option<Listed>, StoreError> {
        let keyspace = self.keyspace();
        let key = keyspace.keys.of(id);
        let value = match keyspace.connections.call(&about("GET", &key)).await {
            // No text: `listed` finds out, as for a page.
            Err(error) if error.has_code("WRONGTYPE") => None,
            value => bytes(value?)?,
        };
        keyspace.listed(&key, value).await
    }

    /// `SET … NX EX`, if there is no mark.
    async fn add(&self, id: &SessionId, document: &Document, at_most: Duration) -> Result<bool, StoreError> {
        let keyspace = self.keyspace();
        let value = document.text();
        if value.len() > MAX_VALUE {
            return Err(StoreError::TooLarge { size: value.len(), source: None });
        }
        let ttl = keyspace.options.ttl.seconds(document, keyspace.now());
        let ttl = ttl.map(|ttl| ttl.min(whole_seconds(at_most))).filter(|ttl| *ttl > 0);
        let Some(ttl) = ttl else { return Ok(false) };
        // Nobody supersedes a session that is not there, so this need not be one step with the write.
        if keyspace.successor(id).await?.is_some() {
            return Ok(false);
        }
        let mut command = Cmd::new();
        command.arg("SET").arg(keyspace.keys.of(id)).arg(value).arg("NX");
        if !keyspace.options.disable_ttl {
            command.arg("EX").arg(ttl);
        }
        Ok(keyspace.connections.call_once(&command).await? != Value::Nil)
    }

    /// Keeps eight bytes per session while it counts, because `SCAN` may name a key twice.
    async fn length(&self) -> Result<u64, StoreError> {
        let keyspace = self.keyspace();
        let (mut seen, hasher) = (HashSet::new(), RandomState::new());
        let mut place = Some(keyspace.first_place().await?);
        while let Some(here) = place {
            let (keys, next) = keyspace.scan(here, keyspace.step()).await?;
            seen.extend(keys.iter().map(|key| hasher.hash_one(key)));
            place = next;
        }
        Ok(u64::try_from(seen.len()).unwrap_or(u64::MAX))
    }

    /// Removes the sessions that are there when it begins; those that come meanwhile may stay.
    async fn clear(&self) -> Result<(), StoreError> {
        let keyspace = self.keyspace();
        let mut place = Some(keyspace.first_place().await?);
        while let Some(here) = place {
            let (keys, next) = keyspace.scan(here, keyspace.step()).await?;
            if !keys.is_empty() {
                keyspace.connections.call(&with_keys("DEL", &keys)).await?;
            }
            place = next;
        }
        Ok(())
    }

    /// Redis removes expired keys itself; there is nothing to do.
    async fn sweep(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
