//! Every option, its default and why.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Clock, SystemClock};
use mysql_async::{Opts, OptsBuilder, Pool, SslOpts};

use crate::error::MySqlError;
use crate::schema::Schema;

/// How a [`MySqlStore`](crate::MySqlStore) reaches its table, and what it does there.
///
/// The names are express-mysql-session's in `snake_case`. `Debug` shows neither password nor URL.
///
/// ```
/// use express_session_mysql::MySqlOptions;
/// use std::time::Duration;
///
/// let options = MySqlOptions::new()
///     .host("localhost")
///     .user("session_test")
///     .password("password")
///     .database("session_test")
///     .expiration(Duration::from_hours(2));
/// # let _ = options;
/// ```
///
/// DIFFERENCE: there is no `charset`; the Node package accepts one and ignores it. Connections use `utf8mb4`.
#[derive(Clone)]
#[must_use = "options do nothing until a store is made with them"]
#[allow(clippy::struct_excessive_bools, reason = "each is an independent option of the Node package")]
pub struct MySqlOptions {
    pub(crate) server: OptsBuilder,
    pub(crate) pool: Option<Pool>,
    pub(crate) connection_limit: usize,
    pub(crate) end_connection_on_close: Option<bool>,
    pub(crate) connect_timeout: Duration,
    pub(crate) pool_timeout: Duration,
    pub(crate) query_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) expiration: Duration,
    pub(crate) disable_touch: bool,
    pub(crate) share_statements: bool,
    pub(crate) create_database_table: bool,
    pub(crate) create_expires_index: bool,
    pub(crate) create_owner_column: bool,
    pub(crate) clear_expired: bool,
    pub(crate) check_expiration_interval: Duration,
    pub(crate) sweep_batch: u32,
    pub(crate) sweep_pause: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sweeps_by_database: bool,
    table_name: String,
    session_id_column: String,
    expires_column: String,
    data_column: String,
}

impl Default for MySqlOptions {
    fn default() -> Self {
        Self {
            server: OptsBuilder::default().prefer_socket(false),
            pool: None,
            connection_limit: 10,
            end_connection_on_close: None,
            connect_timeout: Duration::from_secs(5),
            pool_timeout: Duration::from_secs(5),
            query_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(5),
            expiration: Duration::from_hours(24),
            disable_touch: false,
            share_statements: true,
            create_database_table: true,
            create_expires_index: false,
            create_owner_column: false,
            clear_expired: true,
            check_expiration_interval: Duration::from_mins(15),
            sweep_batch: 200,
            sweep_pause: Duration::from_millis(20),
            clock: Arc::new(SystemClock),
            sweeps_by_database: true,
            table_name: "sessions".into(),
            session_id_column: "session_id".into(),
            expires_column: "expires".into(),
            data_column: "data".into(),
        }
    }
}

impl MySqlOptions {
    /// The defaults: 127.0.0.1, port 3306, no user, no database.
    pub fn new() -> Self {
        Self::default()
    }

    /// The server, user, password and database of a URL: `mysql://user:password@host:3306/database`.
    ///
    /// Of the driver's own parameters all are understood (`?require_ssl=true`, `?socket=/path`); its pool
    /// settings have no effect, as [`connection_limit`](Self::connection_limit) decides.
    ///
    /// # Errors
    ///
    /// [`MySqlError::Url`] if the text is not such a URL. The error does not show it.
    pub fn from_url(url: &str) -> Result<Self, MySqlError> {
        let opts = Opts::from_url(url).map_err(|_| MySqlError::Url)?;
        let mut server = OptsBuilder::from_opts(opts);
        if !url.contains("prefer_socket=") {
            // The driver would look for the server's own socket on this machine, after every connect.
            server = server.prefer_socket(false);
        }
        Ok(Self { server, ..Self::default() })
    }

    /// The server's name or address.
    ///
    /// # Default
    ///
    /// 127.0.0.1.
    pub fn host(mut self, host: &str) -> Self {
        self.server = self.server.ip_or_hostname(host);
        self
    }

    /// The server's TCP port.
    ///
    /// # Default
    ///
    /// 3306.
    pub fn port(mut self, port: u16) -> Self {
        self.server = self.server.tcp_port(port);
        self
    }

    /// Connects through this Unix domain socket instead of TCP.
    pub fn socket_path(mut self, path: &str) -> Self {
        self.server = self.server.socket(Some(path));
        self
    }

    /// The user to log in as.
    pub fn user(mut self, user: &str) -> Self {
        self.server = self.server.user(Some(user));
        self
    }

    /// The user's password.
    pub fn password(mut self, password: &str) -> Self {
        self.server = self.server.pass(Some(password));
        self
    }

    /// The database that holds, or will hold, the session table. It must exist.
    pub fn database(mut self, database: &str) -> Self {
        self.server = self.server.db_name(Some(database));
        self
    }

    /// Encrypts the connections with TLS (rustls; roots are Mozilla's and those given).
    ///
    /// # Default
    ///
    /// None, as in the Node package.
    ///
    /// # Security
    ///
    /// Without TLS, session ids and data can be read on the way to a server on another machine.
    pub fn tls(mut self, tls: SslOpts) -> Self {
        self.server = self.server.ssl_opts(tls);
        self
    }

    /// How many connections the store may hold open, over all threads; at least 1. A sweep uses one more.
    ///
    /// # Default
    ///
    /// 10. DIFFERENCE: express-mysql-session has 1, so that its statements queue up one behind the other.
    pub fn connection_limit(mut self, connections: usize) -> Self {
        self.connection_limit = connections.max(1);
        self
    }

    /// Takes connections from the caller's pool; its limits, login and session settings apply, and the server named here
    /// is not looked at. Let the settings include strict mode, or the server may cut to size what does not fit.
    ///
    /// `mysql_async::Pool` must not be used by several independent runtimes, such as Actix's workers: its connections go
    /// through the first runtime that used it. Prefer the default there.
    ///
    /// # Default
    ///
    /// Connections of the store's own, which know several runtimes.
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Whether [`close`](crate::MySqlStore::close) also ends a pool that was handed in.
    ///
    /// # Default
    ///
    /// Connections the store has made are ended, a pool handed in is not, as in the Node package.
    pub fn end_connection_on_close(mut self, end: bool) -> Self {
        self.end_connection_on_close = Some(end);
        self
    }

    /// How long connecting may take, login included.
    ///
    /// # Default
    ///
    /// 5 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long a request may wait for a free connection.
    ///
    /// # Default
    ///
    /// 5 s. The Node package waits without limit.
    pub fn pool_timeout(mut self, limit: Duration) -> Self {
        self.pool_timeout = limit;
        self
    }

    /// How long one statement may take. The server waits up to a second less, and at least one second, for a
    /// row that another transaction has locked.
    ///
    /// # Default
    ///
    /// 5 s. The Node package waits without limit.
    pub fn query_timeout(mut self, limit: Duration) -> Self {
        self.query_timeout = limit;
        self
    }

    /// How long an unused connection is kept. It should be below the server's `wait_timeout` (8 h by default).
    ///
    /// # Default
    ///
    /// 5 min.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// How long a session lives whose cookie has no expiry, from its last use.
    ///
    /// # Default
    ///
    /// 24 h, as in the Node package.
    pub fn expiration(mut self, expiration: Duration) -> Self {
        self.expiration = expiration;
        self
    }

    /// Whether reading a session leaves its expiry as it is. Sessions then live from their last change.
    ///
    /// # Default
    ///
    /// `false`.
    pub fn disable_touch(mut self, disable: bool) -> Self {
        self.disable_touch = disable;
        self
    }

    /// Whether requests that wait at the same moment share a statement. A lone request waits for nothing either way.
    ///
    /// Switch it off behind a proxy that changes statements, or to see what it gains.
    ///
    /// # Default
    ///
    /// `true`. DIFFERENCE: the Node package sends each statement alone.
    pub fn share_statements(mut self, share: bool) -> Self {
        self.share_statements = share;
        self
    }

    /// Whether the table is created if it does not exist, before the first statement.
    ///
    /// # Default
    ///
    /// `true`.
    pub fn create_database_table(mut self, create: bool) -> Self {
        self.create_database_table = create;
        self
    }

    /// Whether an index on the `expires` column is created if there is none.
    ///
    /// It makes sweeping proportional to the number of expired sessions instead of all, and every touch a
    /// little more expensive. On a large existing table, creating it takes a while; requests go on meanwhile.
    ///
    /// # Default
    ///
    /// `false`, which leaves the table as the Node package makes it. DIFFERENCE: it has no such option.
    pub fn create_expires_index(mut self, create: bool) -> Self {
        self.create_expires_index = create;
        self
    }

    /// Whether a column is created, if there is none, that says whose a session is, and an index on it: then an owner's
    /// sessions can be listed and ended.
    ///
    /// The column, `express_session_owner`, is what the database reads in the document (`__owner`), so it is right whoever
    /// writes. It takes no place in the rows and is invisible to a Node server: adding it takes no time. The index is
    /// made in the background; until it is there, a listing reads the whole table. Needs MariaDB 10.3 or MySQL 8.0.23,
    /// and the permission to alter the table, once.
    ///
    /// # Default
    ///
    /// `false`, which leaves the table as the Node package makes it.
    pub fn create_owner_column(mut self, create: bool) -> Self {
        self.create_owner_column = create;
        self
    }

    /// Whether expired sessions are removed in the background. They are never read either way.
    ///
    /// # Default
    ///
    /// `true`.
    pub fn clear_expired(mut self, clear: bool) -> Self {
        self.clear_expired = clear;
        self
    }

    /// The time between two sweeps, give or take a tenth. The first comes after one interval.
    ///
    /// # Default
    ///
    /// 15 min, as in the Node package.
    pub fn check_expiration_interval(mut self, interval: Duration) -> Self {
        self.check_expiration_interval = interval;
        self
    }

    /// How many rows one `DELETE` of a sweep removes, 1 to 10 000.
    ///
    /// # Default
    ///
    /// 200: each holds its locks for some milliseconds. DIFFERENCE: the Node package removes all expired rows
    /// in one statement, which locks every row it looks at.
    pub fn sweep_batch(mut self, rows: u32) -> Self {
        self.sweep_batch = rows.clamp(1, 10_000);
        self
    }

    /// The pause after each `DELETE` of a sweep.
    ///
    /// # Default
    ///
    /// 20 ms.
    pub fn sweep_pause(mut self, pause: Duration) -> Self {
        self.sweep_pause = pause;
        self
    }

    /// The clock that expiry is measured by.
    ///
    /// # Default
    ///
    /// This machine's. Sweeps, which remove what the whole fleet has written, go by the database's clock as well then: a row is
    /// removed once it has expired by both. A clock given here is believed in everything.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self.sweeps_by_database = false;
        self
    }

    /// The table: `table`, or `database.table` (`schema.tableName`).
    ///
    /// # Default
    ///
    /// `sessions`.
    pub fn table_name(mut self, name: &str) -> Self {
        self.table_name = name.into();
        self
    }

    /// The column of the session id (`schema.columnNames.session_id`).
    ///
    /// # Default
    ///
    /// `session_id`.
    pub fn session_id_column(mut self, name: &str) -> Self {
        self.session_id_column = name.into();
        self
    }

    /// The column of the expiry (`schema.columnNames.expires`).
    ///
    /// # Default
    ///
    /// `expires`.
    pub fn expires_column(mut self, name: &str) -> Self {
        self.expires_column = name.into();
        self
    }

    /// The column of the session as JSON (`schema.columnNames.data`).
    ///
    /// # Default
    ///
    /// `data`.
    pub fn data_column(mut self, name: &str) -> Self {
        self.data_column = name.into();
        self
    }

    pub(crate) fn schema(&self) -> Result<Schema, MySqlError> {
        Schema::parse(&self.table_name, &self.session_id_column, &self.expires_column, &self.data_column)
            .map_err(MySqlError::Name)
    }
}

impl fmt::Debug for MySqlOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlOptions")
            .field("table_name", &self.table_name)
            .field("connection_limit", &self.connection_limit)
            .field("expiration", &self.expiration)
            .field("clear_expired", &self.clear_expired)
            .field("check_expiration_interval", &self.check_expiration_interval)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table_name::NameError;

    #[test]
    fn neither_password_nor_url_is_shown() {
        let options = MySqlOptions::from_url("mysql://root:top-secret@db.example/app").unwrap();
        assert!(!format!("{options:?}").contains("secret"));
        let error = MySqlOptions::from_url("mysql://root:top-secret@/app?pool_min=top-secret").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    #[test]
    fn a_url_and_fields_say_the_same() {
        let url: Opts = MySqlOptions::from_url("mysql://u:p%40ss@db.example:3307/app").unwrap().server.into();
        let fields: Opts = MySqlOptions::new()
            .host("db.example")
            .port(3307)
            .user("u")
            .password("p@ss")
            .database("app")
            .server
            .into();
        assert_eq!(
            (
                url.ip_or_hostname(),
                url.tcp_port(),
                url.user(),
                url.pass(),
                url.db_name(),
                url.prefer_socket()
            ),
            (
                fields.ip_or_hostname(),
                fields.tcp_port(),
                fields.user(),
                fields.pass(),
                fields.db_name(),
                fields.prefer_socket()
            )
        );
    }

    #[test]
    fn names_are_checked_before_they_become_sql() {
        let error = |options: MySqlOptions| options.schema().unwrap_err();
        assert!(matches!(error(MySqlOptions::new().table_name("")), MySqlError::Name(NameError::Empty)));
        assert!(matches!(
            error(MySqlOptions::new().data_column("EXPIRES")),
            MySqlError::Name(NameError::Duplicate)
        ));
        assert!(matches!(
            error(MySqlOptions::new().expires_column("a.b")),
            MySqlError::Name(NameError::Dots)
        ));
    }
}
