//! Which sessions belong to whom: a sorted set of ids per owner, `owned:{prefix}{owner}`.
//!
//! A key of its own, which no listing of sessions meets, Node's or ours; on a cluster it may be elsewhere than the sessions.

use std::time::Duration;

use deadpool_redis::redis::{Cmd, Value};
use express_session_core::{
    CONDEMNED, Document, EntryState, IndexCall, Owner, OwnerEntry, OwnerIndex, PENDING, SessionId,
    StoreError, Stored,
};
use futures_util::future::{try_join, try_join_all};

use crate::admin::with_keys;
use crate::connection::{bytes, integer};
use crate::error::RedisError;
use crate::keyspace::Keyspace;
use crate::scripts::{FIND_OWNED, OWNER_LIST, Script};
use crate::store::{RedisStore, decode, life};

/// How many sessions one round trip asks for.
const AT_ONCE: usize = 500;
/// How long an entry stays whose session has no end: a hundred years.
const ENDLESS: Duration = Duration::from_hours(100 * 365 * 24);
/// How often it is refreshed all the same, in case the list was lost.
const REFRESH_ENDLESS: Duration = Duration::from_hours(24);

impl Keyspace {
    /// How long the session lives after a touch.
    fn lifetime(&self, document: &Document) -> Option<Duration> {
        if self.options.disable_ttl {
            return None;
        }
        let seconds = self.options.ttl.seconds_after_touch(document, self.now())?;
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }

    /// Runs a script about an owner's list; twice if the connection breaks, which does no harm.
    async fn run_on_list(
        &self,
        script: &Script,
        key: &[u8],
        arguments: &[&[u8]],
    ) -> Result<Value, RedisError> {
        let keys = [key];
        match self.connections.run_once(script, &keys, arguments).await {
            Err(error) if error.asks_for_a_new_connection() => {
                self.connections.run_once(script, &keys, arguments).await
            }
            answer => answer,
        }
    }

    /// Changes entries, as the script says.
    async fn change_list(
        &self,
        verb: &str,
        owner: &Owner,
        ids: &[SessionId],
        life: Duration,
    ) -> Result<bool, StoreError> {
        let millis = life.min(ENDLESS).as_millis().to_string();
        let mut arguments = vec![verb.as_bytes(), millis.as_bytes()];
        arguments.extend(ids.iter().map(SessionId::as_bytes));
        let answer = self.run_on_list(&OWNER_LIST, &self.keys.list_of(owner), &arguments).await?;
        Ok(integer(&answer)? == 1)
    }

    /// The entries that count.
    async fn entries(&self, owner: &Owner) -> Result<Vec<(SessionId, EntryState)>, RedisError> {
        let answer = self.run_on_list(&FIND_OWNED, &self.keys.list_of(owner), &[]).await?;
        let Value::Array(parts) = answer else { return Err(RedisError::UnexpectedReply) };
        let [now, Value::Array(listed)] = parts.as_slice() else { return Err(RedisError::UnexpectedReply) };
        #[allow(clippy::cast_precision_loss, reason = "below 2^53 until the year 287 396")]
        let now = integer(now)? as f64;
        let mut entries = Vec::with_capacity(listed.len() / 2);
        for pair in listed.chunks_exact(2) {
            let [id, score] = pair else { return Err(RedisError::UnexpectedReply) };
            let score = score_of(score)?;
            let id = bytes(id.clone())?.and_then(|id| SessionId::parse(std::str::from_utf8(&id).ok()?).ok());
            if let Some(id) = id.filter(|_| score.abs() >= now) {
                entries.push((id, entry_of(score)));
            }
        }
        Ok(entries)
    }

    /// What is stored under these ids, with the life that is left: one round trip.
    async fn stored(&self, ids: &[SessionId]) -> Result<Vec<Option<Stored>>, RedisError> {
        let keys: Vec<_> = ids.iter().map(|id| self.keys.of(id)).collect();
        let values = async {
            match self.connections.call(&with_keys("MGET", &keys)).await? {
                Value::Array(values) if values.len() == keys.len() => Ok(values),
                _ => Err(RedisError::UnexpectedReply),
            }
        };
        let lives = try_join_all(keys.iter().map(async |key| {
            let mut command = Cmd::new();
            command.arg("PTTL").arg(key);
            integer(&self.connections.call(&command).await?)
        }));
        let (values, lives) = try_join(values, lives).await?;
        let stored = |(value, left): (Value, i64)| {
            let mut stored = decode(bytes(value)?).ok().flatten();
            if let Some(stored) = &mut stored {
                let own = self.options.ttl.seconds_after_touch(&stored.document, self.now());
                stored.life = life(own, Some(left));
            }
            Ok(stored)
        };
        values.into_iter().zip(lives).map(stored).collect()
    }
}

/// A number with a fraction, in the old protocol and the new one.
fn score_of(value: &Value) -> Result<f64, RedisError> {
    match value {
        Value::Double(score) => Ok(*score),
        other => {
            let text = bytes(other.clone())?.ok_or(RedisError::UnexpectedReply)?;
            std::str::from_utf8(&text)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or(RedisError::UnexpectedReply)
        }
    }
}

fn entry_of(score: f64) -> EntryState {
    if score < 0.0 {
        EntryState::Condemned
    } else if score.fract() > 0.0 {
        EntryState::Pending
    } else {
        EntryState::Confirmed
    }
}

/// Twice as long as the session, which is refreshed after half its life: an entry always outlives its session.
fn entry_life(session: Option<Duration>) -> Duration {
    session.map_or(ENDLESS, |life| life.saturating_mul(2))
}

impl OwnerIndex for RedisStore {
    /// Two round trips, and one more for every 500 sessions.
    fn find<'a>(&'a self, owner: &'a Owner) -> IndexCall<'a, Vec<OwnerEntry>> {
        Box::pin(async {
            let keyspace = self.keyspace();
            let entries = keyspace.entries(owner).await?;
            let mut listed = Vec::with_capacity(entries.len());
            for entries in entries.chunks(AT_ONCE) {
                let ids: Vec<_> = entries.iter().map(|(id, _)| id.clone()).collect();
                let stored = keyspace.stored(&ids).await?;
                let entries = entries.iter().cloned().zip(stored);
                listed.extend(entries.map(|((id, entry), stored)| OwnerEntry { id, entry, stored }));
            }
            Ok(listed)
        })
    }

    fn enlist<'a>(&'a self, owner: &'a Owner, id: &'a SessionId) -> IndexCall<'a, ()> {
        let ids = std::slice::from_ref(id);
        Box::pin(async move { self.keyspace().change_list("enlist", owner, ids, PENDING).await.map(drop) })
    }

    fn confirm<'a>(
        &'a self,
        owner: &'a Owner,
        id: &'a SessionId,
        document: &'a Document,
    ) -> IndexCall<'a, bool> {
        let life = entry_life(self.keyspace().lifetime(document));
        Box::pin(self.keyspace().change_list("confirm", owner, std::slice::from_ref(id), life))
    }

    fn refresh<'a>(
        &'a self,
        owner: &'a Owner,
        id: &'a SessionId,
        document: &'a Document,
    ) -> IndexCall<'a, bool> {
        let life = entry_life(self.keyspace().lifetime(document));
        Box::pin(self.keyspace().change_list("refresh", owner, std::slice::from_ref(id), life))
    }

    fn refresh_after(&self, _: &SessionId, document: &Document) -> Option<Duration> {
        Some(self.keyspace().lifetime(document).map_or(REFRESH_ENDLESS, |life| life / 2))
    }

    fn condemn<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        Box::pin(async move { self.keyspace().change_list("condemn", owner, ids, CONDEMNED).await.map(drop) })
    }

    fn delist<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        Box::pin(async move {
            let keyspace = self.keyspace();
            let mut command = Cmd::new();
            command.arg("ZREM").arg(keyspace.keys.list_of(owner));
            for id in ids {
                command.arg(id.as_bytes());
            }
            keyspace.connections.call(&command).await?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_says_how_an_entry_stands() {
        let entry = |text: &str| entry_of(score_of(&Value::BulkString(text.into())).unwrap());
        assert_eq!(entry("1764000000000"), EntryState::Confirmed);
        assert_eq!(entry("1764000000000.5"), EntryState::Pending);
        assert_eq!(entry("-1764000000000"), EntryState::Condemned);
        assert_eq!(entry_of(score_of(&Value::Double(1.5)).unwrap()), EntryState::Pending);
        assert!(score_of(&Value::Nil).is_err() && score_of(&Value::SimpleString("x".into())).is_err());
    }

    #[test]
    fn an_entry_lives_twice_as_long_as_its_session() {
        assert_eq!(entry_life(Some(Duration::from_mins(5))), Duration::from_mins(10));
        assert_eq!(entry_life(Some(Duration::MAX)), Duration::MAX);
        assert_eq!(entry_life(None), ENDLESS);
    }
}
