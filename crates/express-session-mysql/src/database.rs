//! Carries out single statements: on which connection, within which time, and how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Pool, Row, Value};
use tokio::time::{Instant, sleep, timeout};

use crate::connection::driver_options;
use crate::error::{MySqlError, Remedy, connect_failed, remedy, statement_failed};
use crate::options::MySqlOptions;
use crate::pool::{Connections, Lease};

/// How often a statement is tried that other transactions are in the way of, within its time limit.
const MAX_ATTEMPTS: u32 = 20;

/// The pause before the second attempt; doubled for each further one up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(4);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection may have been idle and still be taken for open without asking: half the shortest
/// `wait_timeout` that a server can have.
const STALE_AFTER: Duration = Duration::from_millis(500);

/// How long statements about all rows may take.
pub(crate) const LONG_STATEMENT: Duration = Duration::from_mins(10);

/// One SQL text, and how it may be run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement<'a> {
    sql: &'a str,
    /// The query timeout, if not said otherwise.
    limit: Option<Duration>,
    /// Whether a second run, after one whose answer was lost, does no harm.
    repeatable: bool,
    /// The size of the record it sends, for the error that it is too large.
    size: usize,
    /// Whether it is for several requests, each of which runs its own if other transactions are in the way.
    shared: bool,
    /// Whether it must not wait for a locked row longer than the server makes it.
    impatient: bool,
    /// How much of its time the request has spent already.
    spent: Duration,
}

impl<'a> Statement<'a> {
    pub(crate) const fn new(sql: &'a str) -> Self {
        Self {
            sql,
            limit: None,
            repeatable: true,
            size: 0,
            shared: false,
            impatient: false,
            spent: Duration::ZERO,
        }
    }

    /// One for several requests.
    pub(crate) const fn shared(sql: &'a str) -> Self {
        Self { shared: true, ..Self::new(sql) }
    }

    /// An `UPDATE` for several requests. What it says to MariaDB about locked rows, MySQL has to be told before.
    pub(crate) const fn shared_update(sql: &'a str) -> Self {
        Self { impatient: true, ..Self::shared(sql) }
    }

    /// One for several requests, that must not run twice.
    pub(crate) const fn shared_once(sql: &'a str) -> Self {
        Self { shared: true, impatient: true, ..Self::once(sql, 0) }
    }

    /// The same for a request that has spent some of its time already.
    pub(crate) const fn after(self, spent: Duration) -> Self {
        Self { spent, ..self }
    }

    /// One that sends a record of `size` bytes.
    pub(crate) const fn sized(sql: &'a str, size: usize) -> Self {
        Self { size, ..Self::new(sql) }
    }

    /// One that sends a record and must not run twice: compare-and-set. If its answer is lost, nobody can say
    /// whether what is stored then was written by it or by another.
    pub(crate) const fn once(sql: &'a str, size: usize) -> Self {
        Self { repeatable: false, ..Self::sized(sql, size) }
    }

    /// One that goes through the whole table.
    pub(crate) const fn long(sql: &'a str) -> Self {
        Self { limit: Some(LONG_STATEMENT), ..Self::new(sql) }
    }
}

/// A database, by our own connections or a pool that was handed in.
#[derive(Debug)]
pub(crate) struct Database {
    source: Source,
    query_timeout: Duration,
    pool_timeout: Duration,
}

#[derive(Debug)]
enum Source {
    Own(Arc<Connections>),
    HandedIn(Pool),
}

/// A connection in use.
enum Using {
    Own(Lease),
    HandedIn(Conn),
}

/// What a statement gave back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The rows of a SELECT.
    pub(crate) rows: Vec<Row>,
    /// The rows that an UPDATE matched (or changed, see below), or that a DELETE removed.
    pub(crate) affected: u64,
    /// Whether `affected` counts the rows an UPDATE matched, not only those it made different.
    pub(crate) counts_matches: bool,
    /// The value that the statement gave to `LAST_INSERT_ID`; 0 if none.
    pub(crate) last_insert_id: u64,
}

impl Database {
    pub(crate) fn new(options: &MySqlOptions) -> Self {
        let connections = Connections::new(
            driver_options(options),
            options.connection_limit,
            options.connect_timeout,
            options.pool_timeout,
            options.idle_timeout,
        );
        Self::with(Source::Own(connections), options)
    }

    pub(crate) fn from_pool(pool: Pool, options: &MySqlOptions) -> Self {
        Self::with(Source::HandedIn(pool), options)
    }

    fn with(source: Source, options: &MySqlOptions) -> Self {
        Self { source, query_timeout: options.query_timeout, pool_timeout: options.pool_timeout }
    }

    /// Runs one statement. A deadlock is tried again, and a broken connection replaced once if that is safe.
    /// `params` makes the parameters for an attempt, as the driver keeps them.
    pub(crate) async fn run(
        &self,
        statement: Statement<'_>,
        params: impl Fn() -> Vec<Value> + Send + Sync,
    ) -> Result<Answer, MySqlError> {
        let limit = statement.limit.unwrap_or(self.query_timeout);
        let left = limit.saturating_sub(statement.spent);
        if left.is_zero() {
            return Err(MySqlError::QueryTimeout(limit));
        }
        let begun = Instant::now();
        let mut reconnected = false;
        let mut attempts = 0;
        loop {
            let mut using = self.using(reconnected).await?;
            let replaceable = !reconnected && !using.is_fresh();
            let check = !statement.repeatable && using.may_be_stale();
            let conn = using.begin().ok_or(MySqlError::Closed)?;
            let checked = AtomicBool::new(!check);
            let result = timeout(left, async {
                if check {
                    conn.ping().await?;
                    checked.store(true, Ordering::Relaxed);
                }
                if statement.impatient && is_mysql(conn) {
                    impatient_answer(conn, statement.sql, params()).await
                } else {
                    answer(conn, statement.sql, params()).await
                }
            })
            .await;
            let error = match result {
                Err(_) => return Err(MySqlError::QueryTimeout(limit)),
                Ok(Ok(answer)) => {
                    using.done();
                    return Ok(answer);
                }
                Ok(Err(error)) => error,
            };
            // An error that the server tells means that nothing was done.
            let harmless = statement.repeatable
                || !checked.load(Ordering::Relaxed)
                || matches!(error, mysql_async::Error::Server(_));
            match remedy(&error) {
                Remedy::Retry
                    if !statement.shared && attempts + 1 < MAX_ATTEMPTS && begun.elapsed() < left =>
                {
                    using.done();
                    drop(using);
                    let pause = FIRST_PAUSE * 2_u32.saturating_pow(attempts.min(8));
                    sleep(jittered(pause.min(LONGEST_PAUSE))).await;
                    attempts += 1;
                }
                Remedy::Reconnect => {
                    drop(using);
                    if let Source::Own(connections) = &self.source {
                        connections.close_idle();
                    }
                    if !(replaceable && harmless) {
                        return Err(statement_failed(error, statement.size));
                    }
                    reconnected = true;
                }
                Remedy::Retry | Remedy::GiveUp => {
                    // An error of the server leaves the connection in order; others have closed it.
                    using.done();
                    return Err(match statement_failed(error, statement.size) {
                        MySqlError::Contended { cause, .. } => {
                            MySqlError::Contended { attempts: attempts + 1, cause }
                        }
                        error => error,
                    });
                }
            }
        }
    }

    async fn using(&self, fresh: bool) -> Result<Using, MySqlError> {
        match &self.source {
            Source::Own(connections) => Ok(Using::Own(connections.lease(fresh).await?)),
            Source::HandedIn(pool) => {
                let mut conn = self.lease_of(pool).await?;
                // Our statements leave nothing behind in the connection.
                conn.reset_connection(false);
                Ok(Using::HandedIn(conn))
            }
        }
    }

    async fn lease_of(&self, pool: &Pool) -> Result<Conn, MySqlError> {
        match timeout(self.pool_timeout, pool.get_conn()).await {
            Ok(Ok(conn)) => Ok(conn),
            Ok(Err(error)) => Err(connect_failed(error)),
            Err(_) => {
                let limit = pool.metrics().connection_count.load(Ordering::Relaxed);
                Err(MySqlError::PoolTimeout { limit, waited: self.pool_timeout })
            }
        }
    }

    /// A connection for a sweep, outside our own bounded set so that it takes none from requests.
    pub(crate) async fn sweep_connection(&self) -> Result<Conn, MySqlError> {
        match &self.source {
            Source::Own(connections) => connections.extra().await,
            Source::HandedIn(pool) => self.lease_of(pool).await,
        }
    }

    /// Ends our own connections, and a handed-in pool if asked to.
    pub(crate) async fn close(&self, end_connection: Option<bool>) {
        match &self.source {
            Source::Own(connections) if end_connection != Some(false) => connections.close().await,
            Source::HandedIn(pool) if end_connection == Some(true) => {
                // What is left of it is of no interest.
                let _ = timeout(self.pool_timeout, pool.clone().disconnect()).await;
            }
            _ => {}
        }
    }
}

impl Using {
    fn is_fresh(&self) -> bool {
        match self {
            Self::Own(lease) => lease.fresh,
            Self::HandedIn(_) => false,
        }
    }

    /// Whether the server may have closed the connection since it was last used.
    fn may_be_stale(&self) -> bool {
        match self {
            Self::Own(lease) => lease.idle_for >= STALE_AFTER,
            // The pool has looked at its socket.
            Self::HandedIn(_) => false,
        }
    }

    fn begin(&mut self) -> Option<&mut Conn> {
        match self {
            Self::Own(lease) => lease.begin(),
            Self::HandedIn(conn) => Some(conn),
        }
    }

    fn done(&mut self) {
        if let Self::Own(lease) = self {
            lease.done();
        }
    }
}

/// Prepares `sql` unless this connection has already, runs it and reads the whole answer.
pub(crate) async fn answer(conn: &mut Conn, sql: &str, params: Vec<Value>) -> mysql_async::Result<Answer> {
    let rows: Vec<Row> = conn.exec(sql, params).await?;
    let affected = conn.affected_rows();
    let last_insert_id = conn.last_insert_id().unwrap_or(0);
    Ok(Answer { rows, affected, counts_matches: conn.opts().client_found_rows(), last_insert_id })
}

/// As [`answer`], by a connection of MySQL that waits for a locked row for a second at most, the least there is.
async fn impatient_answer(conn: &mut Conn, sql: &str, params: Vec<Value>) -> mysql_async::Result<Answer> {
    conn.query_drop(
        "SET @express_session_wait = @@SESSION.innodb_lock_wait_timeout, SESSION innodb_lock_wait_timeout = 1",
    )
    .await?;
    let answer = answer(conn, sql, params).await;
    // If this fails, the connection is broken, and is not used again.
    let _ = conn.query_drop("SET SESSION innodb_lock_wait_timeout = @express_session_wait").await;
    answer
}

/// Whether the server is not MariaDB, whose versions begin with 10.
fn is_mysql(conn: &Conn) -> bool {
    conn.server_version().0 < 10
}

/// `pause`, shortened or lengthened by up to a tenth, so that servers of a fleet do not act in step.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    // Without randomness there is no jitter, which is no harm.
    let share = getrandom::fill(&mut byte).map_or(0.5, |()| f64::from(byte[0]) / 255.0);
    pause.mul_f64(0.9 + 0.2 * share)
}
