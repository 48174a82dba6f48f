//! The indexes that the options ask for, created where they are missing: on `expires`, which makes sweeping cheap, and on the
//! owner, which makes finding them cheap.

use std::sync::Arc;

use crate::database::{Database, Statement};
use crate::error::{Cause, MySqlError};
use crate::row::column;
use crate::schema::Schema;

/// An index of one table.
#[derive(Debug)]
pub(crate) struct ColumnIndex {
    pub(crate) database: Arc<Database>,
    pub(crate) schema: Arc<Schema>,
    pub(crate) on: IndexedColumn,
}

/// What an index is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexedColumn {
    Expires,
    Owner,
}

impl ColumnIndex {
    /// Creates the index unless the table has one that begins with the column.
    pub(crate) async fn ensure(&self) -> Result<(), MySqlError> {
        let table = &self.schema.table;
        let params = || {
            vec![
                table.database().map(|database| database.as_str().to_owned()).into(),
                table.table().as_str().into(),
                self.schema.indexed(self.on).into(),
            ]
        };
        let mut answer = self.database.run(Statement::new(Schema::find_index()), params).await?;
        let found: u64 = match answer.rows.first_mut() {
            Some(row) => column(row, 0)?,
            None => 0,
        };
        if found > 0 {
            return Ok(());
        }
        match self.database.run(Statement::long(&self.schema.create_index(self.on)), Vec::new).await {
            // Another server of the fleet was quicker.
            Err(MySqlError::Other(Cause::Server { code: 1061, .. })) => Ok(()),
            other => other.map(drop),
        }
    }
}
