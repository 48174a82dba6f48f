//! Removes expired rows in the background, in small steps that no request has to wait for.
//!
//! Expired rows are first found by a plain SELECT, which locks nothing, and then removed by their primary key,
//! which locks nothing but them. Node's single `DELETE … WHERE expires < now` has no index to use and so locks
//! every row of the table until it is done.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Clock, UnixMillis};
use mysql_async::{Conn, Value};
use tokio::time::{sleep, timeout};

use crate::database::{Database, LONG_STATEMENT, answer, jittered};
use crate::error::{MySqlError, Remedy, remedy, statement_failed};
use crate::expiry::current_second;
use crate::mark;
use crate::row::{BEFORE_ALL_IDS, column};
use crate::schema::Schema;
use crate::statements::{DATABASE_SECOND, LOCK_SWEEP, Statements, UNLOCK_SWEEP};

/// How many rows are looked at in one SELECT when there is no index on `expires`.
const WINDOW: u64 = 10_000;

/// How often a statement of a sweep is tried that requests are in the way of.
const MAX_ATTEMPTS: u32 = 10;

/// From here on two clocks that differ are worth a warning.
const SKEW_LIMIT: Duration = Duration::from_mins(1);

/// The instant of a sweep, as statements are told.
struct Now {
    second: i64,
    /// What marks begin with that end now.
    mark: String,
}

impl Now {
    fn at(now: UnixMillis) -> Self {
        Self { second: current_second(now), mark: mark::instant(now) }
    }

    /// The two parameters between the others.
    fn between(
        &self,
        before: impl IntoIterator<Item = Value>,
        after: impl IntoIterator<Item = Value>,
    ) -> Vec<Value> {
        before.into_iter().chain([self.second.into(), self.mark.as_str().into()]).chain(after).collect()
    }
}

/// One sweep after the other.
#[derive(Debug)]
pub(crate) struct Sweeper {
    pub(crate) database: Arc<Database>,
    pub(crate) schema: Arc<Schema>,
    pub(crate) statements: Arc<Statements>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether nothing is removed that lives by the database's clock.
    pub(crate) by_database: bool,
    pub(crate) has_index: bool,
    pub(crate) batch: u32,
    pub(crate) pause: Duration,
    pub(crate) interval: Duration,
}

impl Sweeper {
    /// Sweeps after every interval, if no other server of the fleet is sweeping.
    pub(crate) async fn sweep_forever(self) {
        loop {
            sleep(jittered(self.interval)).await;
            match self.sweep_alone().await {
                Ok(Some(0) | None) => {}
                Ok(Some(rows)) => tracing::debug!(rows, "expired sessions removed"),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "sweeping sessions failed");
                }
            }
        }
    }

    /// Sweeps; `None` if another server is doing so.
    async fn sweep_alone(&self) -> Result<Option<u64>, MySqlError> {
        let mut conn = self.database.sweep_connection().await?;
        let table = || vec![Value::from(self.schema.table.to_string())];
        let locked: Option<i64> = match self.run(&mut conn, LOCK_SWEEP, table()).await?.first_mut() {
            Some(row) => column(row, 0)?,
            None => None,
        };
        if locked != Some(1) {
            return Ok(None);
        }
        let swept = self.sweep_on(&mut conn).await;
        // If this fails the connection is broken, and the lock is free with that.
        let unlocked = self.run(&mut conn, UNLOCK_SWEEP, table()).await;
        let rows = swept?;
        unlocked?;
        Ok(Some(rows))
    }

    /// Sweeps, whoever else does.
    pub(crate) async fn sweep_now(&self) -> Result<u64, MySqlError> {
        let mut conn = self.database.sweep_connection().await?;
        self.sweep_on(&mut conn).await
    }

    async fn sweep_on(&self, conn: &mut Conn) -> Result<u64, MySqlError> {
        let now = self.now(conn).await?;
        if self.has_index {
            self.sweep_by_index(conn, &now).await
        } else {
            self.sweep_by_windows(conn, &now).await
        }
    }

    /// The earlier of two clocks. One server whose clock was 25 hours ahead would otherwise remove everybody's sessions, and
    /// so would all of them if the database's was.
    async fn now(&self, conn: &mut Conn) -> Result<Now, MySqlError> {
        let here = self.clock.now();
        if !self.by_database {
            return Ok(Now::at(here));
        }
        let there: i64 = match self.run(conn, DATABASE_SECOND, Vec::new()).await?.first_mut() {
            Some(row) => column(row, 0)?,
            None => return Ok(Now::at(here)),
        };
        let there = UnixMillis(there.saturating_mul(1000));
        if here.until(there) > SKEW_LIMIT || there.until(here) > SKEW_LIMIT {
            tracing::warn!(
                "the clocks of this server and of the database differ by more than {SKEW_LIMIT:?}: sessions expire at \
                 different times on different servers; synchronise the clocks (NTP)"
            );
        }
        Ok(Now::at(here.min(there)))
    }

    /// Takes the longest expired rows first, until there are none.
    async fn sweep_by_index(&self, conn: &mut Conn, now: &Now) -> Result<u64, MySqlError> {
        let mut removed = 0;
        loop {
            let params = now.between([], [self.batch.into()]);
            let ids = self.ids(conn, &self.statements.expired_by_index, params).await?;
            let complete = ids.len() < self.batch as usize;
            let gone = self.delete(conn, &ids, now).await?;
            removed += gone;
            // A batch of which nothing could be removed would be found again and again.
            if complete || gone == 0 {
                return Ok(removed);
            }
        }
    }

    /// Walks once through the table in the order of ids.
    async fn sweep_by_windows(&self, conn: &mut Conn, now: &Now) -> Result<u64, MySqlError> {
        let mut removed = 0;
        let mut start = BEFORE_ALL_IDS.to_owned();
        loop {
            let params = vec![Value::from(&*start), (WINDOW - 1).into()];
            let end = self.ids(conn, &self.statements.window_end, params).await?.pop();
            let ids = if let Some(end) = &end {
                let params = now.between([Value::from(&*start), end.into()], []);
                self.ids(conn, &self.statements.expired_in_window, params).await?
            } else {
                let params = now.between([Value::from(&*start)], []);
                self.ids(conn, &self.statements.expired_in_last_window, params).await?
            };
            removed += self.delete(conn, &ids, now).await?;
            match end {
                Some(end) => start = end,
                None => return Ok(removed),
            }
            sleep(self.pause).await;
        }
    }

    async fn ids(&self, conn: &mut Conn, sql: &str, params: Vec<Value>) -> Result<Vec<String>, MySqlError> {
        let mut rows = self.run(conn, sql, params).await?;
        rows.iter_mut().map(|row| column(row, 0)).collect()
    }

    /// Removes those of these rows that are still expired, batch by batch.
    async fn delete(&self, conn: &mut Conn, ids: &[String], now: &Now) -> Result<u64, MySqlError> {
        let mut removed = 0;
        for batch in ids.chunks(self.batch as usize) {
            let sql = Statements::delete_expired(&self.schema, batch.len());
            let params = now.between([], batch.iter().map(Value::from));
            self.run(conn, &sql, params).await?;
            removed += conn.affected_rows();
            sleep(self.pause).await;
        }
        Ok(removed)
    }

    async fn run(
        &self,
        conn: &mut Conn,
        sql: &str,
        params: Vec<Value>,
    ) -> Result<Vec<mysql_async::Row>, MySqlError> {
        let mut attempts = 1;
        loop {
            let Ok(result) = timeout(LONG_STATEMENT, answer(conn, sql, params.clone())).await else {
                return Err(MySqlError::QueryTimeout(LONG_STATEMENT));
            };
            match result {
                Ok(answer) => return Ok(answer.rows),
                Err(error) if remedy(&error) == Remedy::Retry && attempts < MAX_ATTEMPTS => {
                    sleep(jittered(self.pause * attempts)).await;
                    attempts += 1;
                }
                Err(error) => return Err(statement_failed(error, 0)),
            }
        }
    }
}
