//! The table: express-mysql-session's, byte for byte.

use crate::table_name::{Identifier, NameError, TableName};

/// The index that `create_expires_index` makes.
const INDEX_NAME: &str = "express_session_expires";

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

    pub(crate) fn create_index(&self) -> String {
        format!("CREATE INDEX `{INDEX_NAME}` ON {} ({})", self.table, self.expires)
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
        assert_eq!(schema.create_index(), "CREATE INDEX `express_session_expires` ON `odd``table` (`exp`)");
    }
}
