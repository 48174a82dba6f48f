//! The SQL texts of shared statements. Values are always parameters.

use super::MAX_SHARED;
use super::matched::Matched;
use crate::schema::Schema;
use crate::statements::same_text;

/// For how many requests there are texts. A smaller number repeats its last one, so that few texts have to be prepared.
const SIZES: [usize; 4] = [4, 8, 16, MAX_SHARED];

/// Waiting for a locked row would make all wait for one, so MariaDB is told not to. To MySQL this is a comment.
const UPDATE: &str = "/*M!100300 SET STATEMENT innodb_lock_wait_timeout=0 FOR */ UPDATE";

/// The texts for one number of requests.
#[derive(Debug)]
pub(super) struct Sized {
    /// How many requests it is for.
    pub(super) size: usize,
    /// Ids. Columns: id, data, expires.
    pub(super) read: String,
    /// Ids, expires of each, statement number twice, ids, ids, current second.
    pub(super) touch: String,
    /// Ids, data of each; ids, expires of each; statement number twice, ids; ids, current second; ids, expected data of
    /// each; ids, number of characters of each of these.
    pub(super) replace: String,
}

/// The statements of one table.
#[derive(Debug)]
pub(super) struct SharedStatements([Sized; SIZES.len()]);

impl SharedStatements {
    pub(super) fn new(schema: &Schema) -> Self {
        Self(SIZES.map(|size| Sized::new(schema, size)))
    }

    /// The smallest that is large enough.
    pub(super) fn for_requests(&self, count: usize) -> &Sized {
        let [.., largest] = &self.0;
        self.0.iter().find(|sized| sized.size >= count).unwrap_or(largest)
    }
}

impl Sized {
    fn new(schema: &Schema, size: usize) -> Self {
        let Schema { table, session_id, expires, data } = schema;
        let values = vec!["?"; size].join(", ");
        let these = format!("{session_id} IN ({values})");
        // By bytes, so that only one of the ids can be the row's, whatever the collation takes for equal.
        let place = format!("FIELD(CAST(CONVERT({session_id} USING utf8mb4) AS BINARY), {values})");
        let each = format!("ELT({place}, {values})");
        let expiry = format!("{expires} = {each} + {}", Matched::sql(&place));
        Self {
            size,
            read: format!(
                "SELECT {session_id} AS id, {data} AS data, {expires} AS expires FROM {table} WHERE {these}"
            ),
            touch: format!("{UPDATE} {table} SET {expiry} WHERE {these} AND {expires} >= ?"),
            replace: format!(
                "{UPDATE} {table} SET {data} = {each}, {expiry} WHERE {these} AND {expires} >= ? AND {}",
                same_text(data, &each)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_requests_send() {
        let schema = Schema::parse("sessions", "session_id", "expires", "data").unwrap();
        let statements = SharedStatements::new(&schema);
        let Sized { size, read, touch, replace } = statements.for_requests(3);
        assert_eq!(*size, 4);
        assert_eq!(
            read,
            "SELECT `session_id` AS id, `data` AS data, `expires` AS expires FROM `sessions` \
             WHERE `session_id` IN (?, ?, ?, ?)"
        );
        let place = "FIELD(CAST(CONVERT(`session_id` USING utf8mb4) AS BINARY), ?, ?, ?, ?)";
        assert_eq!(
            *touch,
            format!(
                "/*M!100300 SET STATEMENT innodb_lock_wait_timeout=0 FOR */ UPDATE \
                 `sessions` SET `expires` = ELT({place}, ?, ?, ?, ?) \
                 + 0 * LAST_INSERT_ID(IF(LAST_INSERT_ID() >> 32 = ?, LAST_INSERT_ID(), ? << 32) | (1 << ({place} - 1))) \
                 WHERE `session_id` IN (?, ?, ?, ?) AND `expires` >= ?"
            )
        );
        assert!(
            replace.ends_with(&format!(
                "AND `expires` >= ? AND `data` = CONVERT(ELT({place}, ?, ?, ?, ?) USING utf8mb4) COLLATE utf8mb4_bin \
                 AND CHAR_LENGTH(`data`) = ELT({place}, ?, ?, ?, ?)"
            )),
            "{replace}"
        );
        for (count, size) in [(2, 4), (4, 4), (5, 8), (32, 32)] {
            let sized = statements.for_requests(count);
            assert_eq!(sized.size, size);
            for (sql, parameters) in
                [(&sized.read, size), (&sized.touch, 4 * size + 3), (&sized.replace, 10 * size + 3)]
            {
                assert_eq!(sql.matches('?').count(), parameters, "{sql}");
            }
        }
    }
}
