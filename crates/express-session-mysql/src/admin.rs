//! What operators need: all sessions, their number, and removing them.

use express_session_core::{Document, SessionId, SessionStoreAdmin, StoreError};
use mysql_async::{Row, Value};

use crate::database::Statement;
use crate::expiry::current_second;
use crate::row::{BEFORE_ALL_IDS, column};
use crate::store::MySqlStore;

/// How many rows are read at a time.
const PAGE: usize = 1000;

impl MySqlStore {
    /// All rows of `sql`, page by page, so that no answer is larger than a page of sessions.
    async fn pages(&self, sql: &str) -> Result<Vec<(SessionId, Row)>, StoreError> {
        self.ready().await?;
        let now = current_second(self.table.now());
        let mut found = Vec::new();
        let mut last = BEFORE_ALL_IDS.to_owned();
        loop {
            let params = || vec![Value::from(&*last), now.into(), PAGE.into()];
            let answer = self.table.database.run(Statement::new(sql), params).await?;
            let count = answer.rows.len();
            for mut row in answer.rows {
                last = column(&mut row, 0)?;
                // Only the empty id, which no session has, cannot be parsed.
                if let Ok(id) = SessionId::parse(&*last) {
                    found.push((id, row));
                }
            }
            if count < PAGE {
                return Ok(found);
            }
        }
    }
}

impl SessionStoreAdmin for MySqlStore {
    async fn all(&self) -> Result<Vec<(SessionId, Document)>, StoreError> {
        let rows = self.pages(&self.table.statements.page).await?;
        let mut sessions = Vec::with_capacity(rows.len());
        for (id, mut row) in rows {
            let data: Option<Vec<u8>> = column(&mut row, 1)?;
            if let Some(Ok(Some(document))) = data.map(|data| Document::decode(&data)) {
                sessions.push((id, document));
            }
        }
        Ok(sessions)
    }

    async fn ids(&self) -> Result<Vec<SessionId>, StoreError> {
        let rows = self.pages(&self.table.statements.page_of_ids).await?;
        Ok(rows.into_iter().map(|(id, _)| id).collect())
    }

    /// The number of live rows, as in the Node package.
    async fn length(&self) -> Result<u64, StoreError> {
        self.ready().await?;
        let now = current_second(self.table.now());
        let params = || vec![now.into()];
        let table = &self.table;
        let mut answer = table.database.run(Statement::long(&table.statements.length), params).await?;
        match answer.rows.first_mut() {
            Some(row) => Ok(column(row, 0)?),
            None => Ok(0),
        }
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.ready().await?;
        let table = &self.table;
        table.database.run(Statement::long(&table.statements.clear), Vec::new).await?;
        Ok(())
    }

    /// Sweeps at once, also while another server of the fleet does.
    async fn sweep(&self) -> Result<u64, StoreError> {
        self.ready().await?;
        Ok(self.table.sweeper().sweep_now().await?)
    }
}
