//! Every SQL text that serves sessions, built once per store. Values are always parameters.

use crate::mark;
use crate::schema::Schema;

/// The statements of one table. The order of parameters is said at each.
#[derive(Debug)]
pub(crate) struct Statements {
    /// Id twice. Columns: data, expires.
    pub(crate) get: String,
    /// Id, expires, data. Express's blind `set`.
    pub(crate) insert: String,
    /// New expires, new data, id twice, current second, expected data, number of its characters.
    pub(crate) replace: String,
    /// The same for a column that holds no text, or text that is not UTF-8: without the number of characters.
    pub(crate) replace_bytes: String,
    /// New expires, id twice, current second.
    pub(crate) touch: String,
    /// Id twice, current second.
    pub(crate) destroy: String,
    /// Id twice, current second, expected data.
    pub(crate) destroy_expected: String,
    /// Current second.
    pub(crate) length: String,
    /// Last id of the page before, current second, page size. Columns: id, data, expires.
    pub(crate) page: String,
    /// Id, expires, data. Fails if there is a row.
    pub(crate) add: String,
    /// No parameters.
    pub(crate) clear: String,
    /// Current second, current instant, number of rows. For tables with an index on `expires`. Column: id.
    pub(crate) expired_by_index: String,
    /// Last id of the window before, number of rows in it less one. Column: the last id of this window.
    pub(crate) window_end: String,
    /// First (excluded) and last id of the window, current second, current instant. Column: id.
    pub(crate) expired_in_window: String,
    /// First (excluded) id of the last window, current second, current instant. Column: id.
    pub(crate) expired_in_last_window: String,
}

/// `column` has exactly the bytes of the parameter.
///
/// `=` alone is not enough: by `utf8mb4_bin`, trailing spaces do not count (PAD SPACE), and a table that was
/// made by hand may have a collation in which letter case does not count either.
fn exactly(column: &impl std::fmt::Display) -> String {
    format!("CAST(CONVERT({column} USING utf8mb4) AS BINARY) = CAST(? AS BINARY)")
}

/// `column` has exactly this text. `value` stands in it twice: for the text, and for the number of its characters.
///
/// This does not copy the text, as [`exactly`] does, so it is for long ones. The collation is named, so that the column's
/// does not matter; by it only trailing spaces do not count, and these show in the number of characters. A text that is
/// not stored as one, in a `blob`, can be missed: then the other form has to decide.
pub(crate) fn same_text(column: &impl std::fmt::Display, value: &str) -> String {
    format!(
        "{column} = CONVERT({value} USING utf8mb4) COLLATE utf8mb4_bin AND CHAR_LENGTH({column}) = {value}"
    )
}

/// The row's life is over, and it is no mark that still counts. Parameters: current second, current instant as
/// [`mark::instant`] writes it.
fn over(schema: &Schema) -> String {
    let Schema { expires, data, .. } = schema;
    let (len, latest) = (mark::INSTANT_LEN, mark::LATEST);
    format!("{expires} < ? AND COALESCE(LEFT({data}, {len}), '') NOT BETWEEN ? AND '{latest}'")
}

impl Statements {
    pub(crate) fn new(schema: &Schema) -> Self {
        let Schema { table, session_id, expires, data } = schema;
        // The first comparison finds the row by the primary key, the second looks at its bytes.
        let this_session = format!("{session_id} = ? AND {}", exactly(session_id));
        let (alive, over) = (format!("{expires} >= ?"), over(schema));
        let replace =
            format!("UPDATE {table} SET {expires} = ?, {data} = ? WHERE {this_session} AND {alive}");
        Self {
            get: format!("SELECT {data} AS data, {expires} AS expires FROM {table} WHERE {this_session}"),
            insert: format!(
                "INSERT INTO {table} ({session_id}, {expires}, {data}) VALUES (?, ?, ?) \
                 ON DUPLICATE KEY UPDATE {expires} = VALUES({expires}), {data} = VALUES({data})"
            ),
            replace: format!("{replace} AND {}", same_text(data, "?")),
            replace_bytes: format!("{replace} AND {}", exactly(data)),
            touch: format!("UPDATE {table} SET {expires} = ? WHERE {this_session} AND {alive}"),
            destroy: format!("DELETE FROM {table} WHERE {this_session} AND {alive}"),
            destroy_expected: format!(
                "DELETE FROM {table} WHERE {this_session} AND {alive} AND {}",
                exactly(data)
            ),
            length: format!("SELECT COUNT(*) FROM {table} WHERE {alive}"),
            page: format!(
                "SELECT {session_id}, {data}, {expires} FROM {table} \
                 WHERE {session_id} > ? AND {alive} ORDER BY {session_id} LIMIT ?"
            ),
            add: format!("INSERT INTO {table} ({session_id}, {expires}, {data}) VALUES (?, ?, ?)"),
            clear: format!("DELETE FROM {table}"),
            expired_by_index: format!(
                "SELECT {session_id} FROM {table} WHERE {over} ORDER BY {expires} LIMIT ?"
            ),
            window_end: format!(
                "SELECT {session_id} FROM {table} WHERE {session_id} > ? ORDER BY {session_id} LIMIT 1 OFFSET ?"
            ),
            expired_in_window: format!(
                "SELECT {session_id} FROM {table} \
                 WHERE {session_id} > ? AND {session_id} <= ? AND {over}"
            ),
            expired_in_last_window: format!(
                "SELECT {session_id} FROM {table} WHERE {session_id} > ? AND {over}"
            ),
        }
    }

    /// Removes the rows with these `count` ids that are still expired. Parameters: current second, current instant,
    /// ids.
    pub(crate) fn delete_expired(schema: &Schema, count: usize) -> String {
        let Schema { table, session_id, .. } = schema;
        let places = vec!["?"; count].join(", ");
        format!("DELETE FROM {table} WHERE {} AND {session_id} IN ({places})", over(schema))
    }
}

/// Claims the right to sweep, for the fleet and until released or disconnected. Parameter: the table.
///
/// The name of a lock may have 64 characters, so a digest stands for the table. MySQL 9 has no `MD5` any more.
pub(crate) const LOCK_SWEEP: &str = "SELECT GET_LOCK(CONCAT('express-session-sweep:', LEFT(SHA2(CONCAT_WS('.', DATABASE(), ?), 256), 40)), 0)";

/// The database's clock, in whole seconds since 1970. Column: a number.
pub(crate) const DATABASE_SECOND: &str = "SELECT CAST(FLOOR(UNIX_TIMESTAMP()) AS SIGNED)";

/// Gives the right to sweep back. Parameter: the table.
pub(crate) const UNLOCK_SWEEP: &str = "SELECT RELEASE_LOCK(CONCAT('express-session-sweep:', LEFT(SHA2(CONCAT_WS('.', DATABASE(), ?), 256), 40)))";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_sends() {
        let schema = Schema::parse("sessions", "session_id", "expires", "data").unwrap();
        let statements = Statements::new(&schema);
        assert_eq!(
            statements.get,
            "SELECT `data` AS data, `expires` AS expires FROM `sessions` WHERE `session_id` = ? \
             AND CAST(CONVERT(`session_id` USING utf8mb4) AS BINARY) = CAST(? AS BINARY)"
        );
        assert_eq!(
            statements.insert,
            "INSERT INTO `sessions` (`session_id`, `expires`, `data`) VALUES (?, ?, ?) \
             ON DUPLICATE KEY UPDATE `expires` = VALUES(`expires`), `data` = VALUES(`data`)"
        );
        assert_eq!(
            statements.replace,
            "UPDATE `sessions` SET `expires` = ?, `data` = ? WHERE `session_id` = ? \
             AND CAST(CONVERT(`session_id` USING utf8mb4) AS BINARY) = CAST(? AS BINARY) AND `expires` >= ? \
             AND `data` = CONVERT(? USING utf8mb4) COLLATE utf8mb4_bin AND CHAR_LENGTH(`data`) = ?"
        );
        assert!(
            statements
                .replace_bytes
                .ends_with("AND CAST(CONVERT(`data` USING utf8mb4) AS BINARY) = CAST(? AS BINARY)")
        );
        assert_eq!(
            Statements::delete_expired(&schema, 3),
            "DELETE FROM `sessions` WHERE `expires` < ? \
             AND COALESCE(LEFT(`data`, 17), '') NOT BETWEEN ? AND '0e999999999999999' AND `session_id` IN (?, ?, ?)"
        );
    }
}
