//! The store: what each verb says to Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use deadpool_redis::redis::Cmd;
use express_session_core::{
    Expect, Life, Record, Revision, SessionId, SessionStore, SetOutcome, StoreError, Stored, TouchHint,
    TouchOutcome, UnixMillis,
};

use crate::compare_and_set::CasAnswer;
use crate::connection::{Connections, integer};
use crate::error::RedisError;
use crate::key::Keys;
use crate::options::RedisOptions;
use crate::pool::RedisPool;
use crate::read::{Read, ReadPlan};

/// The largest value Redis takes unless it is configured otherwise (`proto-max-bulk-len`), 512 MiB.
const MAX_VALUE: usize = 512 * 1024 * 1024;
/// Sessions in Redis or Valkey, with the keys, values and expiry of connect-redis 9.
///
/// A clone is another handle on the same sessions and connections. Nothing is connected before the first use,
/// so a server may be started before its Redis; see [`ping`](Self::ping).
#[derive(Clone, Debug)]
pub struct RedisStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) keys: Keys,
    pub(crate) connections: Connections,
    pub(crate) scan_count: u32,
    pub(crate) options: RedisOptions,
    /// A session was seen whose life is not the one the cookie options give.
    pub(crate) mixed_lives: AtomicBool,
}

impl RedisStore {
    /// Sessions in the server at this URL; see [`RedisPool::url`].
    ///
    /// # Errors
    ///
    /// [`RedisError::Config`] if the URL cannot be used.
    pub fn from_url(url: &str, options: RedisOptions) -> Result<Self, RedisError> {
        Ok(Self::new(RedisPool::url(url)?, options))
    }

    /// Sessions in the server, group or cluster of this pool.
    pub fn new(pool: impl Into<RedisPool>, options: RedisOptions) -> Self {
        let count = options.connections.or_else(|| available_parallelism().ok()).map_or(1, usize::from);
        let shared = Shared {
            keys: Keys::new(&options.prefix),
            connections: Connections::new(
                pool.into(),
                count,
                options.connect_timeout,
                options.response_timeout,
            ),
            scan_count: options.scan_count,
            mixed_lives: AtomicBool::new(false),
            options,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Whether Redis answers; for a check at start, or a readiness probe.
    ///
    /// # Errors
    ///
    /// [`RedisError`] says why it does not.
    pub async fn ping(&self) -> Result<(), RedisError> {
        let mut command = Cmd::new();
        command.arg("PING");
        self.shared.connections.call(&command).await.map(drop)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

/// The stored session in these bytes; empty ones are none, as in connect-redis.
pub(crate) fn decode(bytes: Option<Vec<u8>>) -> Result<Option<Stored>, StoreError> {
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
    let Some(record) = Record::decode(&bytes)? else { return Ok(None) };
    Ok(Some(Stored::new(record, Revision::of_bytes(bytes))))
}

impl Shared {
    pub(crate) fn now(&self) -> UnixMillis {
        self.options.clock.now()
    }

    pub(crate) fn touches(&self) -> bool {
        !(self.options.disable_touch || self.options.disable_ttl)
    }

    async fn expire(&self, key: &[u8], seconds: i64) -> Result<TouchOutcome, StoreError> {
        let mut command = Cmd::new();
        command.arg("EXPIRE").arg(key).arg(seconds);
        let found = integer(&self.connections.call(&command).await?)?;
        Ok(if found == 1 { TouchOutcome::Touched } else { TouchOutcome::Gone })
    }
}

impl SessionStore for RedisStore {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        let shared = self.shared();
        decode(shared.read(&shared.keys.of(id), &ReadPlan::Get).await?.value)
    }

    /// One command. If it gave the session a life that is not its own (somebody's cookie has a lifetime of its
    /// own, a closure looked at the data), that is put right at once, and from then on sessions are read in a
    /// way that does not do that.
    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        let shared = self.shared();
        let key = shared.keys.of(id);
        let plan = shared.plan(&hint);
        let Read { value, left, given } = shared.read(&key, &plan).await?;
        let Some(mut stored) = decode(value)? else { return Ok(None) };
        if matches!(plan, ReadPlan::Get) {
            return Ok(Some(stored));
        }
        let own = shared.options.ttl.seconds_after_touch(&stored.record, shared.now());
        match (given, own) {
            (Some(given), Some(own)) if given == own => stored.touched = true,
            (Some(_), own) => {
                shared.mixed_lives.store(true, Ordering::Relaxed);
                if let Some(own) = own.filter(|own| *own > 0) {
                    if shared.expire(&key, own).await? == TouchOutcome::Gone {
                        return Ok(None);
                    }
                    stored.touched = true;
                }
            }
            (None, own) => stored.life = life(own, left),
        }
        Ok(Some(stored))
    }

    /// `SET … EX`, `DEL` if its life is over, or for a revision the same by a compare-and-set script.
    async fn set(
        &self,
        id: &SessionId,
        record: &Record,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        let shared = self.shared();
        let key = shared.keys.of(id);
        let value = record.encode();
        if value.len() > MAX_VALUE {
            return Err(StoreError::TooLarge { size: value.len(), source: None });
        }
        let ttl = shared.options.ttl.seconds(record, shared.now()).filter(|seconds| *seconds > 0);
        let written = |value: String| SetOutcome::Written(Revision::of_bytes(value.into_bytes()));
        let Expect::Revision(revision) = expect else {
            let mut command = Cmd::new();
            match ttl {
                None => command.arg("DEL").arg(key),
                Some(_) if shared.options.disable_ttl => command.arg("SET").arg(key).arg(value.as_str()),
                Some(ttl) => command.arg("SET").arg(key).arg(value.as_str()).arg("EX").arg(ttl),
            };
            shared.connections.call(&command).await?;
            return Ok(written(value));
        };
        let ttl = match ttl {
            None => "0".to_owned(),
            Some(_) if shared.options.disable_ttl => String::new(),
            Some(ttl) => ttl.to_string(),
        };
        match shared.compare_and_set(&key, revision.as_bytes(), value.as_bytes(), &ttl).await? {
            CasAnswer::Written => Ok(written(value)),
            CasAnswer::Gone => Ok(SetOutcome::Gone),
            CasAnswer::Conflict(current) => Ok(decode(Some(current))?
                .map_or(SetOutcome::Gone, |current| SetOutcome::Conflict(Box::new(current)))),
        }
    }

    /// `EXPIRE`; nothing if that is disabled.
    ///
    /// DIFFERENCE: for an `expires` that is no date, connect-redis sends `EXPIRE … NaN` and fails; here such a
    /// session keeps the life it has.
    async fn touch(&self, id: &SessionId, record: &Record) -> Result<TouchOutcome, StoreError> {
        let shared = self.shared();
        if !shared.touches() {
            return Ok(TouchOutcome::Touched);
        }
        let key = shared.keys.of(id);
        if let Some(seconds) = shared.options.ttl.seconds(record, shared.now()) {
            return shared.expire(&key, seconds).await;
        }
        let mut command = Cmd::new();
        command.arg("EXISTS").arg(key);
        let found = integer(&shared.connections.call(&command).await?)?;
        Ok(if found == 1 { TouchOutcome::Touched } else { TouchOutcome::Gone })
    }

    /// `DEL`. If the connection breaks and the second try finds nothing, the answer is `false`, although it may
    /// have been the first that removed the session.
    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        let shared = self.shared();
        let mut command = Cmd::new();
        command.arg("DEL").arg(shared.keys.of(id));
        Ok(integer(&shared.connections.call(&command).await?)? > 0)
    }
}

fn life(own_seconds: Option<i64>, left_ms: Option<i64>) -> Option<Life> {
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
        let shown = format!("{:?}", RedisStore::from_url(url, RedisOptions::new()).unwrap());
        for secret in ["alice", "hunter2", "redis.example"] {
            assert!(!shown.contains(secret), "{shown}");
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
