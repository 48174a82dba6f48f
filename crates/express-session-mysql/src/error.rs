//! What can go wrong with a database, and what a caller can do about it.

use std::time::Duration;

use express_session_core::{BoxError, StoreError};
use mysql_async::{DriverError, Error, IoError};

use crate::table_name::NameError;

/// Why the database did not do what the store asked. No text here holds an id, session data, a password or a URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MySqlError {
    /// A table or column name in the options cannot be a name.
    #[error("the options name an impossible table or column")]
    Name(#[from] NameError),
    /// The connection URL cannot be used. The URL is not shown: it may hold the password.
    #[error("the database URL is not of the form mysql://user:password@host:port/database")]
    Url,
    /// No connection can be made: the server is down, starting, or somewhere else.
    #[error(
        "cannot connect to the database server; check that it is running and that host and port are right"
    )]
    Connect(#[source] Cause),
    /// The server did not accept a connection in time.
    #[error("the database server did not accept a connection within {0:?}")]
    ConnectTimeout(Duration),
    /// All connections of the pool were busy for too long.
    #[error("none of the {limit} database connections became free within {waited:?}; raise connection_limit")]
    PoolTimeout {
        /// The size of the pool.
        limit: usize,
        /// How long the caller waited.
        waited: Duration,
    },
    /// A statement was not answered in time. It may or may not have been carried out.
    #[error("the database did not answer a statement within {0:?}")]
    QueryTimeout(Duration),
    /// The connection broke during a statement, also on the second attempt.
    #[error("the connection to the database server was lost")]
    ConnectionLost(#[source] Cause),
    /// The server, or the limits of this user, allow no further connection.
    #[error(
        "the database server allows no more connections; lower connection_limit or raise max_connections"
    )]
    TooManyConnections(#[source] Cause),
    /// User, password, host or permissions are not accepted.
    #[error(
        "the database server denies access; check user, password and the permissions on the session table"
    )]
    AccessDenied(#[source] Cause),
    /// The database does not exist, or none is selected.
    #[error("the database does not exist or none is named; create it, or name it in the options or the URL")]
    UnknownDatabase(#[source] Cause),
    /// The table does not exist.
    #[error("the session table does not exist; restart with create_database_table, or create it")]
    TableMissing(#[source] Cause),
    /// The table is there, but not with these columns.
    #[error("the session table has not the columns that the options name")]
    ColumnMissing(#[source] Cause),
    /// The server takes no writes: a replica, or one under maintenance.
    #[error("the database server is read-only; sessions need a primary")]
    ReadOnly(#[source] Cause),
    /// The row does not fit into the column or into a packet.
    #[error("the session does not fit: the data column or max_allowed_packet is too small for {size} bytes")]
    TooLarge {
        /// The size of the encoded record in bytes.
        size: usize,
        /// What the server or the driver says.
        #[source]
        cause: Option<Cause>,
    },
    /// The id is longer than its column.
    #[error("the session id does not fit into its column")]
    IdTooLong(#[source] Cause),
    /// The `expires` column holds instants from 1970 to 2106-02-07T06:28:15Z only.
    #[error("the session's expiry is before 1970 or after 2106-02-07, which the expires column cannot hold")]
    ExpiryOutOfRange,
    /// Other transactions were in the way again and again.
    #[error("a deadlock or lock wait in the database persisted through {attempts} attempts")]
    Contended {
        /// How often it was tried.
        attempts: u32,
        /// The last answer.
        #[source]
        cause: Cause,
    },
    /// The store was closed.
    #[error("the session store has been closed")]
    Closed,
    /// Anything else the server or the driver reports.
    #[error("the database reports an error")]
    Other(#[source] Cause),
}

impl MySqlError {
    /// The same failure, for another request that shared the statement; `None` if it may be different for that one, so
    /// that it has to try for itself.
    pub(crate) fn for_another(&self) -> Option<Self> {
        Some(match self {
            Self::Connect(cause) => Self::Connect(cause.again()),
            Self::ConnectTimeout(limit) => Self::ConnectTimeout(*limit),
            Self::PoolTimeout { limit, waited } => Self::PoolTimeout { limit: *limit, waited: *waited },
            Self::QueryTimeout(limit) => Self::QueryTimeout(*limit),
            Self::ConnectionLost(cause) => Self::ConnectionLost(cause.again()),
            Self::TooManyConnections(cause) => Self::TooManyConnections(cause.again()),
            Self::Closed => Self::Closed,
            Self::Name(_)
            | Self::Url
            | Self::AccessDenied(_)
            | Self::UnknownDatabase(_)
            | Self::TableMissing(_)
            | Self::ColumnMissing(_)
            | Self::ReadOnly(_)
            | Self::TooLarge { .. }
            | Self::IdTooLong(_)
            | Self::ExpiryOutOfRange
            | Self::Contended { .. }
            | Self::Other(_) => return None,
        })
    }
}

/// What the server or the driver says, without what it might quote.
///
/// A server's message can hold values (`Duplicate entry '…'`), so it is kept only where it cannot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The server answered with an error.
    #[error("error {code} ({state}){}", message.as_deref().map(|m| format!(": {m}")).unwrap_or_default())]
    Server {
        /// MySQL's error number.
        code: u16,
        /// The SQLSTATE.
        state: String,
        /// The message, for errors whose message names no values.
        message: Option<String>,
    },
    /// The network failed.
    #[error("input or output failed: {0}")]
    Io(std::io::Error),
    /// TLS failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The driver gave up; its name for the reason.
    #[error("the driver gave up: {0}")]
    Driver(&'static str),
}

impl Cause {
    fn again(&self) -> Self {
        match self {
            Self::Server { code, state, message } => {
                Self::Server { code: *code, state: state.clone(), message: message.clone() }
            }
            Self::Io(error) => Self::Io(std::io::Error::new(error.kind(), error.to_string())),
            Self::Tls(text) => Self::Tls(text.clone()),
            Self::Driver(text) => Self::Driver(text),
        }
    }
}

/// What to do with a failed statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Another transaction was in the way; nothing was done. Try again.
    Retry,
    /// The connection is no longer usable. Take a new one.
    Reconnect,
    /// Trying again changes nothing.
    GiveUp,
}

/// Errors whose messages name users, hosts, databases, tables, columns or options, but no values.
const MESSAGES_WITHOUT_VALUES: &[u16] = &[
    1021, 1040, 1044, 1045, 1046, 1047, 1049, 1053, 1054, 1114, 1129, 1130, 1142, 1143, 1146, 1203, 1205,
    1213, 1226, 1227, 1264, 1290, 1406, 1461, 1698, 1792, 1820, 1836, 1862, 1927, 3118, 3159, 3169, 4031,
    4151,
];

/// What a statement's failure calls for.
pub(crate) fn remedy(error: &Error) -> Remedy {
    match error {
        _ if is_packet_too_large(error) => Remedy::GiveUp,
        Error::Server(server) => match server.code {
            // Lock wait timeout, deadlock, record changed since last read, query interrupted.
            1205 | 1213 | 1020 | 1317 => Remedy::Retry,
            // Shutdown, killed, closed for idling, network trouble, prepared statement unknown or outdated.
            1053 | 1927 | 3169 | 4031 | 1158..=1161 | 1243 | 1615 => Remedy::Reconnect,
            _ => Remedy::GiveUp,
        },
        Error::Io(_)
        | Error::Driver(
            DriverError::ConnectionClosed
            | DriverError::PacketOutOfOrder
            | DriverError::UnexpectedPacket { .. },
        ) => Remedy::Reconnect,
        Error::Driver(_) | Error::Other(_) | Error::Url(_) => Remedy::GiveUp,
    }
}

/// The failure of a statement, in our words. `size` is that of the record sent, if one was.
pub(crate) fn statement_failed(error: Error, size: usize) -> MySqlError {
    if is_packet_too_large(&error) {
        return MySqlError::TooLarge { size, cause: Some(error.into()) };
    }
    let Error::Server(server) = &error else {
        return match remedy(&error) {
            Remedy::Reconnect => MySqlError::ConnectionLost(error.into()),
            Remedy::Retry | Remedy::GiveUp => MySqlError::Other(error.into()),
        };
    };
    let code = server.code;
    let cause = Cause::from(error);
    match code {
        1040 | 1203 | 1226 => MySqlError::TooManyConnections(cause),
        1044 | 1045 | 1129 | 1130 | 1142 | 1143 | 1227 | 1698 | 1820 | 1862 | 3118 | 3159 | 4151 => {
            MySqlError::AccessDenied(cause)
        }
        1046 | 1049 => MySqlError::UnknownDatabase(cause),
        1146 => MySqlError::TableMissing(cause),
        1054 => MySqlError::ColumnMissing(cause),
        1290 | 1792 | 1836 => MySqlError::ReadOnly(cause),
        1406 => MySqlError::TooLarge { size, cause: Some(cause) },
        1264 => MySqlError::ExpiryOutOfRange,
        1047 | 1053 | 1158..=1161 | 1927 | 3169 | 4031 => MySqlError::ConnectionLost(cause),
        1020 | 1205 | 1213 | 1317 => MySqlError::Contended { attempts: 1, cause },
        _ => MySqlError::Other(cause),
    }
}

/// The failure to connect, in our words.
pub(crate) fn connect_failed(error: Error) -> MySqlError {
    match error {
        Error::Server(_) => match statement_failed(error, 0) {
            MySqlError::ConnectionLost(cause) | MySqlError::Other(cause) => MySqlError::Connect(cause),
            told => told,
        },
        Error::Driver(DriverError::PoolDisconnected) => MySqlError::Closed,
        Error::Url(_) => MySqlError::Url,
        other => MySqlError::Connect(other.into()),
    }
}

/// The driver refuses to send, or the server to take, so large a packet.
fn is_packet_too_large(error: &Error) -> bool {
    match error {
        Error::Driver(DriverError::PacketTooLarge) => true,
        // ER_NET_PACKET_TOO_LARGE, and the two messages about data that was sent in pieces.
        Error::Server(server) => {
            server.code == 1153
                || (server.code == 1105
                    && ["max_long_data_size", "max_allowed_packet"]
                        .iter()
                        .any(|it| server.message.contains(it)))
        }
        Error::Io(IoError::Io(io)) => io.to_string().contains("larger than max_allowed_packet"),
        _ => false,
    }
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        match error {
            Error::Server(server) => Self::Server {
                message: MESSAGES_WITHOUT_VALUES.contains(&server.code).then_some(server.message),
                code: server.code,
                state: server.state,
            },
            Error::Io(IoError::Io(io)) => Self::Io(io),
            Error::Io(IoError::Tls(tls)) => Self::Tls(tls.to_string()),
            Error::Driver(driver) => Self::Driver(match driver {
                DriverError::ConnectionClosed => "the connection is closed",
                DriverError::PacketTooLarge => "the packet is too large",
                DriverError::PacketOutOfOrder | DriverError::UnexpectedPacket { .. } => {
                    "the server sent something unexpected"
                }
                DriverError::UnknownAuthPlugin { .. } => "the server asks for an unknown way to log in",
                DriverError::MysqlOldPasswordDisabled => "the server asks for mysql_old_password",
                DriverError::CleartextPluginDisabled => "the server asks for the password in clear text",
                DriverError::NoClientSslFlagFromServer => "TLS was asked for, and the server has none",
                DriverError::FromRow { .. } | DriverError::FromValue { .. } => {
                    "a column is not of the expected type"
                }
                _ => "see the driver's own log",
            }),
            Error::Url(_) => Self::Driver("the URL cannot be used"),
            Error::Other(_) => Self::Driver("see the driver's own log"),
        }
    }
}

impl From<MySqlError> for StoreError {
    fn from(error: MySqlError) -> Self {
        match error {
            MySqlError::QueryTimeout(limit) => Self::Timeout(limit),
            MySqlError::TooLarge { size, cause } => {
                Self::TooLarge { size, source: cause.map(|cause| Box::new(cause) as BoxError) }
            }
            MySqlError::IdTooLong(_) => Self::UnsupportedId("it is longer than its column"),
            MySqlError::Connect(_)
            | MySqlError::ConnectTimeout(_)
            | MySqlError::PoolTimeout { .. }
            | MySqlError::ConnectionLost(_)
            | MySqlError::TooManyConnections(_)
            | MySqlError::Contended { .. }
            | MySqlError::Closed => Self::Unavailable(Box::new(error)),
            MySqlError::ReadOnly(_) => Self::ReadOnly(Box::new(error)),
            MySqlError::Name(_)
            | MySqlError::Url
            | MySqlError::AccessDenied(_)
            | MySqlError::UnknownDatabase(_)
            | MySqlError::TableMissing(_)
            | MySqlError::ColumnMissing(_)
            | MySqlError::ExpiryOutOfRange
            | MySqlError::Other(_) => Self::Backend(Box::new(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use mysql_async::ServerError;

    use super::*;

    fn server(code: u16, message: &str) -> Error {
        Error::Server(ServerError { code, message: message.into(), state: "HY000".into() })
    }

    #[test]
    fn messages_that_may_quote_values_are_dropped() {
        for code in [1062, 1064, 1105, 1292, 1366] {
            let error = statement_failed(server(code, "Duplicate entry 'top-secret'"), 0);
            let shown = format!("{error} {error:?} {:?}", error.source());
            assert!(!shown.contains("top-secret"), "{shown}");
            assert!(shown.contains(&code.to_string()), "{shown}");
        }
    }

    #[test]
    fn messages_about_the_server_are_kept() {
        let error = statement_failed(server(1146, "Table 'a.sessions' doesn't exist"), 0);
        assert!(matches!(error, MySqlError::TableMissing(_)));
        assert_eq!(
            error.source().unwrap().to_string(),
            "error 1146 (HY000): Table 'a.sessions' doesn't exist"
        );
    }

    /// What concerns the connection or the server is the same for all who shared a statement; what may be the fault of
    /// one row is not.
    #[test]
    fn a_shared_failure_is_told_to_all_only_if_it_is_the_same_for_all() {
        for code in [1040, 1053, 1203, 1927] {
            let error = statement_failed(server(code, ""), 0);
            let other = error.for_another().unwrap();
            assert_eq!(other.to_string(), error.to_string());
            assert_eq!(other.source().unwrap().to_string(), error.source().unwrap().to_string());
        }
        let lost = MySqlError::ConnectionLost(Cause::Io(std::io::ErrorKind::ConnectionReset.into()));
        assert!(matches!(
            lost.for_another(),
            Some(MySqlError::ConnectionLost(Cause::Io(io))) if io.kind() == std::io::ErrorKind::ConnectionReset
        ));
        for code in [1205, 1213, 1153, 1406, 1264, 1290, 1644] {
            assert!(statement_failed(server(code, ""), 0).for_another().is_none(), "{code}");
        }
    }

    #[test]
    fn outages_are_told_from_mistakes() {
        let store_error = |code| StoreError::from(statement_failed(server(code, ""), 0));
        for outage in [1040, 1053, 1203, 1205, 1213, 1290, 1836, 1927, 4031] {
            assert!(store_error(outage).is_outage(), "{outage}");
        }
        for mistake in [1045, 1046, 1049, 1054, 1142, 1146, 1264] {
            assert!(matches!(store_error(mistake), StoreError::Backend(_)), "{mistake}");
        }
        assert!(matches!(store_error(1153), StoreError::TooLarge { .. }));
        assert!(matches!(store_error(1406), StoreError::TooLarge { .. }));
    }
}
