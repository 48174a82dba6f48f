//! The table: express-mysql-session's, byte for byte.

use crate::column_index::IndexedColumn;
use crate::table_name::{Identifier, NameError, TableName};

/// The index that `create_expires_index` makes.
const EXPIRES_INDEX: &str = "express_session_expires";

/// The column that `create_owner_column` makes, and the index on it.
pub(crate) const OWNER_COLUMN: &str = "express_session_owner";

/// What the table and its three columns are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) table: TableName,
    pub(crate) session_id: Identifier,
    pub(crate) expires: Identifier,
    pub(crate) data: Identifier,
}

impl Schema {
    pub(crate) fn parse(table: &str, session_id: &str, expires: &str, data: &str) -> Result<Self, NameError> {
        let schema = Self {
            table: TableName::parse(table)?,
            session_id: Identifier::parse(session_id)?,
            expires: Identifier::parse(expires)?,
            data: Identifier::parse(data)?,
        };
        // Column names are not case-sensitive in MySQL.
        let [a, b, c] =
            [&schema.session_id, &schema.expires, &schema.data].map(|name| name.as_str().to_lowercase());
        if a == b || b == c || a == c { Err(NameError::Duplicate) } else { Ok(schema) }
    }

    /// Source: express-mysql-session `schema.sql`, with its names replaced.
    pub(crate) fn create_table(&self) -> String {
        let Self { table, session_id, expires, data } = self;
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (\n  \
               {session_id} varchar(128) COLLATE utf8mb4_bin NOT NULL,\n  \
               {expires} int(11) unsigned NOT NULL,\n  \
               {data} mediumtext COLLATE utf8mb4_bin,\n  \
               PRIMARY KEY ({session_id})\n\
             ) ENGINE=InnoDB"
        )
    }

    /// Counts the indexes that begin with the `expires` column.
    ///
    /// Parameters: database (NULL: the selected one), table, column.
    pub(crate) const fn find_index() -> &'static str {
        "SELECT COUNT(*) FROM information_schema.statistics \
         WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND column_name = ? \
         AND seq_in_index = 1"
    }

    pub(crate) fn create_index(&self, on: IndexedColumn) -> String {
        let table = &self.table;
        match on {
            IndexedColumn::Expires => format!("CREATE INDEX `{EXPIRES_INDEX}` ON {table} ({})", self.expires),
            IndexedColumn::Owner => format!("CREATE INDEX `{OWNER_COLUMN}` ON {table} (`{OWNER_COLUMN}`)"),
        }
    }

    /// What a column is called.
    pub(crate) fn indexed(&self, on: IndexedColumn) -> &str {
        match on {
            IndexedColumn::Expires => self.expires.as_str(),
            IndexedColumn::Owner => OWNER_COLUMN,
        }
    }

    /// Counts the columns of this name. Parameters: database (NULL: the selected one), table, column.
    pub(crate) const fn find_column() -> &'static str {
        "SELECT COUNT(*) FROM information_schema.columns \
         WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND column_name = ?"
    }

    /// Adds whose the session is by its document. The value is not stored with the row, so that this is done at once
    /// however large the table is; and neither `SELECT *` nor an `INSERT` without names meets the column.
    pub(crate) fn create_owner_column(&self) -> String {
        let Self { table, data, .. } = self;
        format!(
            "ALTER TABLE {table} ADD COLUMN `{OWNER_COLUMN}` varchar(255) COLLATE utf8mb4_bin \
             GENERATED ALWAYS AS (IF(JSON_VALID({data}), LEFT(JSON_VALUE({data}, '$.__owner'), 255), NULL)) VIRTUAL INVISIBLE"
        )
    }

    /// Fails if the table cannot be read, and reads nothing.
    pub(crate) fn probe(&self) -> String {
        let Self { table, session_id, expires, data } = self;
        format!("SELECT {session_id}, {expires}, {data} FROM {table} LIMIT 0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_created_under_a_fixed_name() {
        let schema = Schema::parse("odd`table", "id", "exp", "data").unwrap();
        assert_eq!(
            schema.create_index(IndexedColumn::Expires),
            "CREATE INDEX `express_session_expires` ON `odd``table` (`exp`)"
        );
    }
}
