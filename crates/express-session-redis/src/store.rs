//! The store: what each verb says to Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use deadpool_redis::redis::{Cmd, Value};
use express_session_core::{
    Expect, Life, Record, Revision, SessionId, SessionStore, SetOutcome, StoreError, Stored, TouchAfter,
    TouchHint, TouchOutcome,
};

use crate::connection::{Connections, bytes, integer};
use crate::error::RedisError;
use crate::key::Keys;
use crate::options::RedisOptions;
use crate::pool::RedisPool;
use crate::scripts::{COMPARE_AND_SET, GET_AND_TOUCH, sha1_hex};
use crate::ttl::Ttl;

/// The largest value Redis takes unless it is configured otherwise (`proto-max-bulk-len`), 512 MiB.
const MAX_VALUE: usize = 512 * 1024 * 1024;
/// From this length on, a compare-and-set names the expected value by its SHA-1. Measured in `docs/redis.md`.
const DIGEST_FROM: usize = 1024;

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
    options: RedisOptions,
    /// A session was seen whose life is not the one the cookie options give.
    mixed_lives: AtomicBool,
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

/// What is sent so that a read extends the session's life on the way.
enum ReadPlan {
    /// Nothing is extended.
    Get,
    /// `GETEX`: every session is given this life.
    Extend(i64),
    /// A script that looks at the session's own lifetime and at what it has left.
    Script { ttl: i64, due: &'static str, threshold: String },
}

impl Shared {
    fn now(&self) -> express_session_core::UnixMillis {
        self.options.clock.now()
    }

    fn touches(&self) -> bool {
        !(self.options.disable_touch || self.options.disable_ttl)
    }

    async fn expire(&self, key: &[u8], seconds: i64) -> Result<TouchOutcome, StoreError> {
        let mut command = Cmd::new();
        command.arg("EXPIRE").arg(key).arg(seconds);
        let found = integer(&self.connections.call(&command).await?)?;
        Ok(if found == 1 { TouchOutcome::Touched } else { TouchOutcome::Gone })
    }

    fn plan(&self, hint: &TouchHint<'_>) -> ReadPlan {
        if !self.touches() {
            return ReadPlan::Get;
        }
        let fresh = Record::new(hint.cookie.clone());
        let Some(ttl) = self.options.ttl.seconds_after_touch(&fresh, self.now()) else {
            return ReadPlan::Get;
        };
        let computed = matches!(self.options.ttl, Ttl::Computed(_));
        let mixed = self.mixed_lives.load(Ordering::Relaxed);
        let (due, threshold) = match hint.touch_after {
            TouchAfter::Always if ttl <= 0 => return ReadPlan::Get,
            TouchAfter::Always if !mixed => return ReadPlan::Extend(ttl),
            TouchAfter::Always if computed => return ReadPlan::Get,
            // A closure may look at the data; what it says of an empty session is then worth nothing.
            _ if computed && mixed => ("never", String::new()),
            TouchAfter::Always => ("elapsed", "0".to_owned()),
            TouchAfter::Elapsed(after) => ("elapsed", after.as_millis().to_string()),
            TouchAfter::Share(share) if share.is_nan() => ("elapsed", "0".to_owned()),
            TouchAfter::Share(share) => ("share", share.clamp(0.0, 1.0).to_string()),
            // A kind of throttle that is newer than this store: core decides at the end of the request.
            _ => ("never", String::new()),
        };
        ReadPlan::Script { ttl: self.ttl_without_lifetime(ttl), due, threshold }
    }

    /// What the script gives to a session whose cookie has no lifetime of its own.
    fn ttl_without_lifetime(&self, of_fresh: i64) -> i64 {
        match self.options.ttl {
            Ttl::Computed(_) => of_fresh,
            Ttl::Fixed(_) => {
                let session = Record::new(express_session_core::Cookie::default());
                self.options.ttl.seconds(&session, self.now()).unwrap_or(of_fresh)
            }
        }
    }

    /// Reads; what is there, what it had left, and the life it was given, in seconds.
    async fn read(&self, key: &[u8], plan: &ReadPlan) -> Result<Read, RedisError> {
        match plan {
            ReadPlan::Get => {
                let mut command = Cmd::new();
                command.arg("GET").arg(key);
                let value = bytes(self.connections.call(&command).await?)?;
                Ok(Read { value, left: None, given: None })
            }
            ReadPlan::Extend(ttl) => {
                let mut command = Cmd::new();
                command.arg("GETEX").arg(key).arg("EX").arg(*ttl);
                let value = bytes(self.connections.call(&command).await?)?;
                Ok(Read { value, left: None, given: Some(*ttl) })
            }
            ReadPlan::Script { ttl, due, threshold } => {
                let computed = matches!(self.options.ttl, Ttl::Computed(_));
                let ttl = ttl.to_string();
                let by_cookie: &[u8] = if computed { b"0" } else { b"1" };
                let arguments = [ttl.as_bytes(), by_cookie, due.as_bytes(), threshold.as_bytes()];
                let run = || self.connections.run_once(&GET_AND_TOUCH, key, &arguments);
                let answer = match run().await {
                    Err(error) if error.asks_for_a_new_connection() => run().await,
                    answer => answer,
                }?;
                Read::of_script(answer)
            }
        }
    }

    /// Writes if `expected` is stored.
    ///
    /// A lost connection leaves open whether it was written. One more try settles most cases: if that one
    /// writes, it is written, and if the session is gone, it is gone. If it finds anything else, even the very
    /// bytes we wanted to write, it was either us or somebody who counted to the same number; saying "written"
    /// could lose that count, and saying "conflict" could count twice. So that is what the error is for.
    async fn compare_and_set(
        &self,
        key: &[u8],
        expected: &[u8],
        value: &[u8],
        ttl: &str,
    ) -> Result<CasAnswer, RedisError> {
        let digest = (expected.len() >= DIGEST_FROM).then(|| sha1_hex(expected));
        let (expected, is_digest): (&[u8], &[u8]) = match &digest {
            Some(digest) => (digest.as_bytes(), b"1"),
            None => (expected, b"0"),
        };
        let arguments = [expected, is_digest, value, ttl.as_bytes()];
        let run = || self.connections.run_once(&COMPARE_AND_SET, key, &arguments);
        let lost = match run().await {
            Err(error) if error.asks_for_a_new_connection() => error,
            answer => return CasAnswer::of(answer?),
        };
        match CasAnswer::of(run().await?)? {
            CasAnswer::Conflict(_) if matches!(lost, RedisError::Lost(_)) => Err(lost),
            certain => Ok(certain),
        }
    }
}

enum CasAnswer {
    Written,
    Gone,
    Conflict(Vec<u8>),
}

impl CasAnswer {
    fn of(answer: Value) -> Result<Self, RedisError> {
        match answer {
            Value::Int(_) => Ok(Self::Written),
            other => Ok(bytes(other)?.map_or(Self::Gone, Self::Conflict)),
        }
    }
}

struct Read {
    value: Option<Vec<u8>>,
    /// `PTTL`, if it was asked for: milliseconds, negative for ever.
    left: Option<i64>,
    given: Option<i64>,
}

impl Read {
    fn of_script(answer: Value) -> Result<Self, RedisError> {
        let parts = match answer {
            Value::Nil => return Ok(Self { value: None, left: None, given: None }),
            Value::Array(parts) => parts,
            _ => return Err(RedisError::UnexpectedReply),
        };
        let Ok([value, left, given]) = <[Value; 3]>::try_from(parts) else {
            return Err(RedisError::UnexpectedReply);
        };
        let given = Some(integer(&given)?).filter(|seconds| *seconds > 0);
        Ok(Self { value: bytes(value)?, left: Some(integer(&left)?), given })
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
