//! How a session is read: which command, and what it may extend on the way.

use std::sync::atomic::Ordering;

use deadpool_redis::redis::{Cmd, Value};
use express_session_core::{Cookie, TouchAfter, TouchHint};

use crate::connection::{bytes, integer};
use crate::error::RedisError;
use crate::keyspace::Keyspace;
use crate::scripts::GET_AND_TOUCH;
use crate::ttl::{Ttl, seconds_by_cookie};

/// What is sent so that a read extends the session's life on the way.
pub(crate) enum ReadPlan {
    /// Nothing is extended.
    Get,
    /// Nothing can be extended: the server takes no writes.
    GetOnly,
    /// `GETEX`: every session is given this life.
    Extend(i64),
    /// A script that looks at the session's own lifetime and at what it has left.
    Script { ttl: i64, due: &'static str, threshold: String },
}

impl Keyspace {
    pub(crate) fn plan(&self, hint: &TouchHint<'_>) -> ReadPlan {
        if !self.touches() {
            return ReadPlan::Get;
        }
        if self.is_read_only() {
            return ReadPlan::GetOnly;
        }
        let Some(ttl) = self.options.ttl.seconds_of_new(hint.cookie, self.now()) else {
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
    fn ttl_without_lifetime(&self, of_new: i64) -> i64 {
        match self.options.ttl {
            Ttl::Computed(_) => of_new,
            Ttl::Fixed(fixed) => seconds_by_cookie(&Cookie::default(), fixed, self.now()).unwrap_or(of_new),
        }
    }

    /// Reads, and extends unless the server refuses that.
    pub(crate) async fn read(&self, key: &[u8], plan: &ReadPlan) -> Result<Read, RedisError> {
        let read = match plan {
            ReadPlan::Get => return self.get(key, false).await,
            ReadPlan::GetOnly => return self.get(key, true).await,
            ReadPlan::Extend(ttl) => self.get_and_extend(key, *ttl).await,
            ReadPlan::Script { ttl, due, threshold } => self.get_and_touch(key, *ttl, due, threshold).await,
        };
        match &read {
            Err(error) if error.is_read_only() => {
                self.refusals.met(error, self.now());
                return self.get(key, true).await;
            }
            Ok(Read { given: Some(_), .. }) => self.refusals.ended(),
            _ => {}
        }
        read
    }

    async fn get(&self, key: &[u8], is_final: bool) -> Result<Read, RedisError> {
        let mut command = Cmd::new();
        command.arg("GET").arg(key);
        let value = bytes(self.connections.call(&command).await?)?;
        Ok(Read { value, left: None, given: None, is_final })
    }

    async fn get_and_extend(&self, key: &[u8], ttl: i64) -> Result<Read, RedisError> {
        let mut command = Cmd::new();
        command.arg("GETEX").arg(key).arg("EX").arg(ttl);
        let value = bytes(self.connections.call(&command).await?)?;
        Ok(Read { value, left: None, given: Some(ttl), is_final: false })
    }

    async fn get_and_touch(
        &self,
        key: &[u8],
        ttl: i64,
        due: &str,
        threshold: &str,
    ) -> Result<Read, RedisError> {
        let computed = matches!(self.options.ttl, Ttl::Computed(_));
        let ttl = ttl.to_string();
        let by_cookie: &[u8] = if computed { b"0" } else { b"1" };
        let arguments = [ttl.as_bytes(), by_cookie, due.as_bytes(), threshold.as_bytes()];
        let keys = [key];
        let run = || self.connections.run_once(&GET_AND_TOUCH, &keys, &arguments);
        let answer = match run().await {
            Err(error) if error.asks_for_a_new_connection() => run().await,
            answer => answer,
        }?;
        Read::of_script(answer)
    }
}

/// What was found.
pub(crate) struct Read {
    pub(crate) value: Option<Vec<u8>>,
    /// `PTTL`, if it was asked for: milliseconds, negative for ever.
    pub(crate) left: Option<i64>,
    /// The life it was given by this read, in seconds.
    pub(crate) given: Option<i64>,
    /// The server takes no writes: a touch would give it no other life than it has.
    pub(crate) is_final: bool,
}

impl Read {
    fn of_script(answer: Value) -> Result<Self, RedisError> {
        let parts = match answer {
            Value::Nil => return Ok(Self { value: None, left: None, given: None, is_final: false }),
            Value::Array(parts) => parts,
            _ => return Err(RedisError::UnexpectedReply),
        };
        let Ok([value, left, given]) = <[Value; 3]>::try_from(parts) else {
            return Err(RedisError::UnexpectedReply);
        };
        let given = Some(integer(&given)?).filter(|seconds| *seconds > 0);
        Ok(Self { value: bytes(value)?, left: Some(integer(&left)?), given, is_final: false })
    }
}
