//! A session that makes way for another one: removed, and for a while its id has a mark that names the other.

use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool_redis::redis::Cmd;
use express_session_core::{Expect, SessionId, Successor};

use crate::compare_and_set::{CasAnswer, Expected};
use crate::connection::bytes;
use crate::error::RedisError;
use crate::key::MarkKey;
use crate::keyspace::Keyspace;
use crate::scripts::SUPERSEDE;

/// The longest a mark lasts: a hundred years. Redis refuses instants that do not fit its clock.
const MAX_GRACE: Duration = Duration::from_hours(100 * 365 * 24);

/// The mark to leave: its key, the successor, and how long it lasts in whole milliseconds, rounded up.
struct Mark {
    key: MarkKey,
    successor: Box<[u8]>,
    millis: String,
}

impl Keyspace {
    /// Removes the session if it is as expected, and leaves the mark.
    pub(crate) async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<CasAnswer, RedisError> {
        let key = self.keys.of(id);
        let Some(mark) = self.mark(&key, by) else { return self.remove(&key, expect).await };
        let marked = if mark.key.shares_its_slot || !self.connections.is_cluster() {
            self.remove_and_mark(&key, &mark, expect).await
        } else {
            self.mark_and_remove(&key, &mark, expect).await
        };
        match marked {
            // Nothing was done: Redis looks at the permissions for all keys first.
            Err(error) if error.has_code("NOPERM") => {
                let removed = self.remove(&key, expect).await?;
                self.warn_of_refused_marks();
                Ok(removed)
            }
            answer => answer,
        }
    }

    /// The id in the mark of this one.
    pub(crate) async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, RedisError> {
        let Some(mark) = self.keys.mark_of(&self.keys.of(id)) else { return Ok(None) };
        let mut command = Cmd::new();
        command.arg("GET").arg(mark.name);
        match self.connections.call(&command).await {
            Ok(value) => {
                let value = bytes(value)?;
                Ok(value.and_then(|id| SessionId::parse(std::str::from_utf8(&id).ok()?).ok()))
            }
            Err(error) if error.has_code("NOPERM") => {
                self.warn_of_refused_marks();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn mark(&self, key: &[u8], by: Successor<'_>) -> Option<Mark> {
        if by.grace.is_zero() {
            return None;
        }
        let key = self.keys.mark_of(key)?;
        let millis = by.grace.min(MAX_GRACE).as_nanos().div_ceil(1_000_000).to_string();
        Some(Mark { key, successor: by.id.as_bytes().into(), millis })
    }

    /// One step. A connection that breaks does no harm: whoever finds the own mark the second time has left it the first
    /// time.
    async fn remove_and_mark(
        &self,
        key: &[u8],
        mark: &Mark,
        expect: Expect<'_>,
    ) -> Result<CasAnswer, RedisError> {
        let expected = Expected::of(expect);
        let keys = [key, &mark.key.name];
        let arguments = [expected.bytes(), expected.kind(), &mark.successor, mark.millis.as_bytes()];
        let run = || self.connections.run_once(&SUPERSEDE, &keys, &arguments);
        let answer = match run().await {
            Err(error) if error.asks_for_a_new_connection() => run().await,
            answer => answer,
        };
        CasAnswer::of(answer?)
    }

    /// Two steps, where a cluster keeps the two keys in two places: the mark first, so that no moment is without both,
    /// then the session. The mark is taken back if that is not removed, and left again if it is, because somebody else may
    /// have taken it back meanwhile.
    async fn mark_and_remove(
        &self,
        key: &[u8],
        mark: &Mark,
        expect: Expect<'_>,
    ) -> Result<CasAnswer, RedisError> {
        let mut leave = Cmd::new();
        leave.arg("SET").arg(&*mark.key.name).arg(&*mark.successor).arg("PX").arg(&mark.millis);
        self.connections.call(&leave).await?;
        let answer = self.remove(key, expect).await;
        match (&answer, expect) {
            (Ok(CasAnswer::Written), Expect::Revision(_)) => {
                self.connections.call(&leave).await?;
            }
            (Ok(CasAnswer::Written), Expect::Any) => {}
            (Ok(CasAnswer::Gone | CasAnswer::Conflict(_)) | Err(_), _) => {
                let taken_back = self.compare_and_set(&mark.key.name, &mark.successor, b"", "0").await;
                if answer.is_ok() {
                    taken_back?;
                }
            }
        }
        answer
    }

    /// Removes the session if it is as expected.
    async fn remove(&self, key: &[u8], expect: Expect<'_>) -> Result<CasAnswer, RedisError> {
        let Expect::Revision(revision) = expect else {
            let mut command = Cmd::new();
            command.arg("DEL").arg(key);
            self.connections.call(&command).await?;
            return Ok(CasAnswer::Written);
        };
        self.compare_and_set(key, revision.as_bytes(), b"", "0").await
    }

    fn warn_of_refused_marks(&self) {
        if !self.warned_of_refused_marks.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "Redis denies access to the keys `ended:*`, so a request that is under way during a login can undo it, \
                 and a logout under the old id does not end it; allow the user the key pattern `~ended:*`"
            );
        }
    }
}
