//! A database of its own for every test.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use express_session_core::{
    Cookie, Data, Document, SessionId, SessionStore as _, StoreError, TouchOutcome, UnixMillis,
};
use express_session_mysql::mysql_async;
use express_session_mysql::mysql_async::prelude::Queryable;
use express_session_mysql::mysql_async::{Conn, Opts, OptsBuilder, Pool};
use express_session_mysql::{MySqlError, MySqlOptions, MySqlStore};
use express_session_testbed::MariaDb;
use express_session_testbed::vectors::NOW_MS;

/// The instant at which the recorded vectors stand still.
pub(crate) const FROZEN: UnixMillis = UnixMillis(NOW_MS);

/// One row of a session table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredRow {
    pub(crate) id: String,
    pub(crate) expires: u64,
    pub(crate) data: Option<String>,
}

/// An empty database.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl Database {
    /// On the server that all tests share.
    pub(crate) async fn fresh() -> Self {
        Self::with_charset("utf8mb4").await
    }

    pub(crate) async fn with_charset(charset: &str) -> Self {
        let base = env::var("MYSQL_URL").ok();
        let base = base.as_deref().map_or_else(|| MariaDb::shared().url(""), |url| format!("{url}/"));
        Self::on(&base, charset).await
    }

    /// On the server with this URL, which ends in a slash.
    pub(crate) async fn on(base: &str, charset: &str) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let mut conn = Conn::from_url(base).await.unwrap();
        conn.query_drop(format!("CREATE DATABASE {name} CHARACTER SET {charset}")).await.unwrap();
        conn.disconnect().await.unwrap();
        Self { url: format!("{base}{name}"), name }
    }

    /// Options for a store here that does nothing in the background.
    pub(crate) fn options(&self) -> MySqlOptions {
        MySqlOptions::from_url(&self.url).unwrap().clear_expired(false)
    }

    pub(crate) async fn store(&self) -> MySqlStore {
        connect(self.options()).await.unwrap()
    }

    pub(crate) async fn conn(&self) -> Conn {
        self.try_conn().await.unwrap()
    }

    /// The driver would connect a second time through the server's socket, if left to itself.
    pub(crate) async fn try_conn(&self) -> mysql_async::Result<Conn> {
        let opts = OptsBuilder::from_opts(Opts::from_url(&self.url).unwrap()).prefer_socket(false);
        Conn::new(opts).await
    }

    /// A pool as an application might have it.
    pub(crate) fn pool(&self) -> Pool {
        Pool::new(Opts::from_url(&self.url).unwrap())
    }

    pub(crate) async fn run(&self, sql: &str) {
        let mut conn = self.conn().await;
        conn.query_drop(sql).await.unwrap();
        conn.disconnect().await.unwrap();
    }

    pub(crate) async fn number(&self, sql: &str) -> u64 {
        let mut conn = self.conn().await;
        let number = conn.query_first(sql).await.unwrap().unwrap();
        conn.disconnect().await.unwrap();
        number
    }

    /// Waits until so many tables here have the index on the column of the expiry, which is made in the background.
    pub(crate) async fn has_indexes(&self, count: u64) {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = '{}' AND index_name <> 'PRIMARY'",
            self.name
        );
        until(async || self.number(&sql).await == count).await;
    }

    pub(crate) async fn put_row(&self, id: &str, expires: u64, data: Option<&str>) {
        self.put_row_into("INSERT INTO sessions VALUES (?, ?, ?)", id, expires, data).await;
    }

    pub(crate) async fn put_row_into(&self, sql: &str, id: &str, expires: u64, data: Option<&str>) {
        let mut conn = self.conn().await;
        conn.exec_drop(sql, (id, expires, data)).await.unwrap();
        conn.disconnect().await.unwrap();
    }

    /// The rows of `sessions` in the order of ids.
    pub(crate) async fn rows(&self) -> Vec<StoredRow> {
        self.rows_of("SELECT session_id, expires, data FROM sessions ORDER BY session_id").await
    }

    pub(crate) async fn rows_of(&self, sql: &str) -> Vec<StoredRow> {
        let mut conn = self.conn().await;
        let rows = conn.query_map(sql, |(id, expires, data)| StoredRow { id, expires, data }).await.unwrap();
        conn.disconnect().await.unwrap();
        rows
    }
}

/// A store that has reached its server and its table.
pub(crate) async fn connect(options: MySqlOptions) -> Result<MySqlStore, MySqlError> {
    let store = MySqlStore::new(options)?;
    store.ready().await?;
    Ok(store)
}

/// Looks until it is so; the test's own limit is the one that counts.
pub(crate) async fn until(mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..2000 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came to that");
}

/// The connections of this database, without the one that asks.
pub(crate) async fn connections(asking: &mut Conn) -> u64 {
    let count = "SELECT COUNT(*) FROM information_schema.processlist \
                 WHERE db = DATABASE() AND id <> CONNECTION_ID()";
    asking.query_first(count).await.unwrap().unwrap()
}

pub(crate) fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

/// A session with a browser-session cookie and one key.
pub(crate) fn document(key: &str, value: &str) -> Document {
    let mut data = Data::new(Cookie::default());
    data.insert_raw(key, value).unwrap();
    data.encode()
}

/// A touch that leaves the document its cookie.
pub(crate) async fn touch(
    store: &MySqlStore,
    id: &SessionId,
    document: &Document,
) -> Result<TouchOutcome, StoreError> {
    store.touch(id, document, document.cookie()).await
}
