//! How one connection is made and set up.

use std::time::Duration;

use mysql_async::{Conn, Opts, OptsBuilder};
use tokio::time::timeout;

use crate::error::{MySqlError, connect_failed};
use crate::options::MySqlOptions;

/// What every connection is told once, after login.
///
/// - Every statement is its own transaction, whatever the server's `init_connect` says.
/// - Values that do not fit are errors and never cut to size, as in Node on any server with default settings.
/// - The server stops waiting for a locked row before the client stops waiting for the answer.
fn set_up(query_timeout: Duration) -> String {
    // MySQL looks at its clock for this once a second.
    let seconds = query_timeout.as_secs().saturating_sub(1).clamp(1, 50);
    format!(
        "SET SESSION autocommit = 1, innodb_lock_wait_timeout = {seconds}, \
         sql_mode = CONCAT_WS(',', NULLIF(@@SESSION.sql_mode, ''), 'STRICT_TRANS_TABLES')"
    )
}

/// The driver's options for all connections of a store.
pub(crate) fn driver_options(options: &MySqlOptions) -> Opts {
    let server: OptsBuilder = options
        .server
        .clone()
        // A conditional UPDATE must say how many rows it matched, not how many values were different.
        .client_found_rows(true)
        .tcp_nodelay(true)
        // Enough for every statement of the store, so that each is prepared once per connection.
        .stmt_cache_size(64)
        .setup(vec![set_up(options.query_timeout)]);
    server.into()
}

/// A new connection, logged in and set up.
pub(crate) async fn connect(opts: Opts, limit: Duration) -> Result<Conn, MySqlError> {
    match timeout(limit, Conn::new(opts)).await {
        Ok(Ok(conn)) => Ok(conn),
        Ok(Err(error)) => Err(connect_failed(error)),
        Err(_) => Err(MySqlError::ConnectTimeout(limit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_waits_end_with_the_query_timeout() {
        assert!(set_up(Duration::from_secs(5)).contains("innodb_lock_wait_timeout = 4,"));
        assert!(set_up(Duration::from_millis(10)).contains("innodb_lock_wait_timeout = 1,"));
    }
}
