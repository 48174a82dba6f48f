//! The store: what each verb says to Redis.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool_redis::redis::Cmd;
use express_session_core::{
    Cookie, Document, Expect, Life, OwnerIndex, Revision, SessionId, SessionStore, SetOutcome, StoreError,
    Stored, Successor, SupersedeOutcome, TouchHint, TouchOutcome,
};

use crate::compare_and_set::CasAnswer;
use crate::connection::integer;
use crate::error::RedisError;
use crate::keyspace::Keyspace;
use crate::options::{DEFAULT_URL, RedisOptions};
use crate::pool::RedisPool;
use crate::read::{Read, ReadPlan};
use crate::ttl::whole_seconds;

/// The largest value Redis takes unless it is configured otherwise (`proto-max-bulk-len`), 512 MiB.
pub(crate) const MAX_VALUE: usize = 512 * 1024 * 1024;

/// Sessions in Redis or Valkey, with the keys, values and expiry of connect-redis 9 and 10.
///
/// A clone is another handle on the same sessions and connections.
#[derive(Clone, Debug)]
pub struct RedisStore {
    keyspace: Arc<Keyspace>,
}

impl RedisStore {
    /// A store that connects when it is first used, so it can be made while Redis is down.
    ///
    /// # Errors
    ///
    /// [`RedisError`] if no pool can be made.
    pub fn new(options: RedisOptions) -> Result<Self, RedisError> {
        let pool = match &options.pool {
            Some(pool) => pool.clone(),
            None => RedisPool::url(DEFAULT_URL)?,
        };
        Ok(Self { keyspace: Arc::new(Keyspace::new(pool, options)) })
    }

    /// Whether Redis answers; for a check at start, or a readiness probe.
    ///
    /// # Errors
    ///
    /// [`RedisError`] says why it does not.
    pub async fn ready(&self) -> Result<(), RedisError> {
        let mut command = Cmd::new();
        command.arg("PING");
        self.keyspace.connections.call(&command).await.map(drop)
    }

    pub(crate) fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    /// `SET … EX`, `DEL` if its life is over, or for a revision the same by a compare-and-set script.
    async fn write(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Option<Duration>,
    ) -> Result<SetOutcome, StoreError> {
        let keyspace = self.keyspace();
        let key = keyspace.keys.of(id);
        let value = document.text();
        if value.len() > MAX_VALUE {
            return Err(StoreError::TooLarge { size: value.len(), source: None });
        }
        let ttl = keyspace.options.ttl.seconds(document, keyspace.now());
        // Without touches nothing would lengthen a life that was cut short.
        let at_most = at_most.filter(|_| keyspace.touches()).map(whole_seconds);
        let ttl = ttl.map(|ttl| at_most.map_or(ttl, |at_most| ttl.min(at_most))).filter(|ttl| *ttl > 0);
        let written = || SetOutcome::Written(Revision::of_bytes(document.shared_text()));
        let Expect::Revision(revision) = expect else {
            let mut command = Cmd::new();
            match ttl {
                None => command.arg("DEL").arg(key),
                Some(_) if keyspace.options.disable_ttl => command.arg("SET").arg(key).arg(value),
                Some(ttl) => command.arg("SET").arg(key).arg(value).arg("EX").arg(ttl),
            };
            keyspace.connections.call(&command).await?;
            return Ok(written());
        };
        let ttl = match ttl {
            None => "0".to_owned(),
            Some(_) if keyspace.options.disable_ttl => String::new(),
            Some(ttl) => ttl.to_string(),
        };
        match keyspace.compare_and_set(&key, revision.as_bytes(), value.as_bytes(), &ttl).await? {
            CasAnswer::Written => Ok(written()),
            CasAnswer::Gone => Ok(SetOutcome::Gone),
            CasAnswer::Conflict(current) => Ok(decode(Some(current))?
                .map_or(SetOutcome::Gone, |current| SetOutcome::Conflict(Box::new(current)))),
        }
    }
}

/// The stored session in these bytes; empty ones are none, as in connect-redis.
pub(crate) fn decode(bytes: Option<Vec<u8>>) -> Result<Option<Stored>, StoreError> {
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
    Ok(Document::decode(&bytes)?.map(|document| Stored::of_bytes(document, &bytes)))
}

impl SessionStore for RedisStore {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        let keyspace = self.keyspace();
        decode(keyspace.read(&keyspace.keys.of(id), &ReadPlan::Get).await?.value)
    }

    /// One command. While Redis takes no writes that is `GET`, one warning in the log says so, and a touch at the end of
    /// the request would do no more.
    ///
    /// If it gave the session a life that is not its own (somebody's cookie has a lifetime of its
    /// own, a closure looked at the data), that is put right at once, and from then on sessions are read in a
    /// way that does not do that.
    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        let keyspace = self.keyspace();
        let key = keyspace.keys.of(id);
        let plan = keyspace.plan(&hint);
        let Read { value, left, given, is_final } = keyspace.read(&key, &plan).await?;
        let Some(mut stored) = decode(value)? else { return Ok(None) };
        stored.touched = is_final;
        if is_final || matches!(plan, ReadPlan::Get) {
            return Ok(Some(stored));
        }
        let own = keyspace.options.ttl.seconds_after_touch(&stored.document, keyspace.now());
        match (given, own) {
            (Some(given), Some(own)) if given == own => stored.touched = true,
            (Some(_), own) => {
                keyspace.mixed_lives.store(true, Ordering::Relaxed);
                if let Some(own) = own.filter(|own| *own > 0) {
                    if keyspace.expire(&key, own).await? == TouchOutcome::Gone {
                        return Ok(None);
                    }
                    stored.touched = true;
                }
            }
            (None, own) => stored.life = life(own, left),
        }
        Ok(Some(stored))
    }

    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        self.write(id, document, expect, None).await
    }

    /// As [`set`](Self::set), with a smaller `EX`.
    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.write(id, document, expect, Some(at_most)).await
    }

    /// `EXPIRE`; nothing if that is disabled. While Redis takes no writes, `EXISTS`: the session keeps the life it has,
    /// as it does when it is read.
    ///
    /// DIFFERENCE: for an `expires` that is no date, connect-redis sends `EXPIRE … NaN` and fails; here such a
    /// session keeps the life it has.
    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        let keyspace = self.keyspace();
        if !keyspace.touches() {
            return Ok(TouchOutcome::Touched);
        }
        let key = keyspace.keys.of(id);
        Ok(match keyspace.options.ttl.seconds_with(document, cookie, keyspace.now()) {
            Some(seconds) => keyspace.expire(&key, seconds).await?,
            None => keyspace.exists(&key).await?,
        })
    }

    /// `DEL`. If the connection breaks and the second try finds nothing, the answer is `false`, although it may
    /// have been the first that removed the session.
    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        let keyspace = self.keyspace();
        let mut command = Cmd::new();
        command.arg("DEL").arg(keyspace.keys.of(id));
        Ok(integer(&keyspace.connections.call(&command).await?)? > 0)
    }

    /// One script: `DEL` if the expected bytes are there, and `SET ended:{key} successor PX grace`.
    ///
    /// A user who may not write `ended:*` has the session removed without a mark, and one warning in the log.
    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        Ok(match self.keyspace().supersede(id, expect, by).await? {
            CasAnswer::Written => SupersedeOutcome::Superseded,
            CasAnswer::Gone => SupersedeOutcome::Gone,
            CasAnswer::Conflict(current) => decode(Some(current))?
                .map_or(SupersedeOutcome::Gone, |current| SupersedeOutcome::Conflict(Box::new(current))),
        })
    }

    /// `GET ended:{key}`.
    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        Ok(self.keyspace().successor(id).await?)
    }

    /// None with a prefix that overlaps `owned:`.
    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        self.keyspace().keys.has_room_for_owners().then_some(self)
    }
}

pub(crate) fn life(own_seconds: Option<i64>, left_ms: Option<i64>) -> Option<Life> {
    let ttl = Duration::from_secs(u64::try_from(own_seconds?).ok()?);
    // A key without an expiry has a negative rest: its life is unknown, so a touch is due.
    let left = Duration::from_millis(u64::try_from(left_ms?).ok()?);
    Some(Life { ttl, left })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_address_and_no_password() {
        let url = "redis://alice:hunter2@redis.example:6379";
        let shown = format!("{:?}", RedisStore::new(RedisOptions::from_url(url).unwrap()).unwrap());
        for secret in ["alice", "hunter2", "redis.example"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn the_default_server_has_a_url_that_can_be_used() {
        let store = RedisStore::new(RedisOptions::new()).unwrap();
        assert!(!store.keyspace().connections.is_cluster());
    }

    #[test]
    fn a_revision_is_the_stored_bytes_even_if_they_are_not_utf_8() {
        for bytes in [r#"{"cookie":{},"name":"café"}"#.as_bytes(), b"{\"cookie\":{},\"name\":\"caf\xe9\"}"] {
            let stored = decode(Some(bytes.to_vec())).unwrap().unwrap();
            assert_eq!(stored.revision.as_bytes(), bytes);
        }
    }

    #[test]
    fn a_life_is_known_only_if_redis_told_it() {
        let day = Duration::from_hours(24);
        assert_eq!(
            life(Some(86_400), Some(1500)),
            Some(Life { ttl: day, left: Duration::from_millis(1500) })
        );
        assert_eq!(life(Some(86_400), Some(-1)), None);
        assert_eq!(life(Some(86_400), None), None);
        assert_eq!(life(None, Some(1)), None);
    }
}
