//! Which sessions belong to whom: a column that the database reads in the document, with an index on it.
//!
//! There is no list that could be wrong: the rows are the list.

use express_session_core::{EntryState, IndexCall, Owner, OwnerEntry, OwnerIndex, SessionId};
use mysql_async::Value;

use crate::database::Statement;
use crate::error::{Cause, MySqlError};
use crate::expiry::current_second;
use crate::row::{BEFORE_ALL_IDS, DataRow, column};
use crate::schema::{OWNER_COLUMN, Schema};
use crate::store::MySqlStore;
use crate::table::Table;

/// How many rows are read at a time.
const PAGE: usize = 1000;

impl Table {
    /// Adds the column unless the table has it.
    pub(crate) async fn create_owner_column(&self) -> Result<(), MySqlError> {
        let table = &self.schema.table;
        let params = || {
            vec![
                table.database().map(|database| database.as_str().to_owned()).into(),
                table.table().as_str().into(),
                OWNER_COLUMN.into(),
            ]
        };
        let mut answer = self.database.run(Statement::new(Schema::find_column()), params).await?;
        let found: u64 = match answer.rows.first_mut() {
            Some(row) => column(row, 0)?,
            None => 0,
        };
        if found > 0 {
            return Ok(());
        }
        match self.database.run(Statement::long(&self.schema.create_owner_column()), Vec::new).await {
            // Another server of the fleet was quicker.
            Err(MySqlError::Other(Cause::Server { code: 1060, .. })) => Ok(()),
            other => other.map(drop),
        }
    }
}

impl Schema {
    /// An owner's rows. Parameters: owner, last id of the page before, current second, page size. Columns: data, expires,
    /// id.
    fn find_owned(&self) -> String {
        let Self { table, session_id, expires, data } = self;
        format!(
            "SELECT {data}, {expires}, {session_id} FROM {table} WHERE `{OWNER_COLUMN}` = ? AND {session_id} > ? \
             AND {expires} >= ? ORDER BY {session_id} LIMIT ?"
        )
    }
}

impl OwnerIndex for MySqlStore {
    /// One statement for every 1 000 sessions.
    fn find<'a>(&'a self, owner: &'a Owner) -> IndexCall<'a, Vec<OwnerEntry>> {
        Box::pin(async {
            self.ready().await?;
            let now = self.table.now();
            let sql = self.table.schema.find_owned();
            let (mut listed, mut last) = (Vec::new(), BEFORE_ALL_IDS.to_owned());
            loop {
                let second = current_second(now);
                let params = || -> Vec<Value> {
                    vec![owner.as_str().into(), (&*last).into(), second.into(), PAGE.into()]
                };
                let answer = self.table.database.run(Statement::new(&sql), params).await?;
                let count = answer.rows.len();
                for mut row in answer.rows {
                    last = column(&mut row, 2)?;
                    let live = DataRow::read(&mut row, 0)?.and_then(|row| row.live(now));
                    let stored = live.and_then(|row| self.stored(&row, now).ok().flatten());
                    if let Ok(id) = SessionId::parse(&*last) {
                        listed.push(OwnerEntry { id, entry: EntryState::Confirmed, stored });
                    }
                }
                if count < PAGE {
                    return Ok(listed);
                }
            }
        })
    }
}
