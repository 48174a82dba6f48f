//! What operators need: listing, adding, counting, clearing, sweeping.

use std::time::Duration;

use express_session_core::{
    Cookie, Cursor, Document, Listed, Page, SessionId, SessionStoreAdmin, StoreError, UnixMillis,
};
use mysql_async::{Row, Value};

use crate::database::Statement;
use crate::error::{Cause, MySqlError};
use crate::expiry::{column_value, current_second};
use crate::mark;
use crate::row::{BEFORE_ALL_IDS, DataRow, column};
use crate::statements::Statements;
use crate::store::{MAX_DATA_BYTES, MySqlStore, check_id};

/// The largest page that is asked for, so that its answer arrives within the query timeout.
const MAX_PAGE: usize = 10_000;

/// What the server says to an `INSERT` of a row that is there.
const DUPLICATE_ENTRY: u16 = 1062;

impl MySqlStore {
    /// The session in a row of a page. None without data, with falsy data (a mark), or without an id.
    fn listed(&self, mut row: Row, now: UnixMillis) -> Result<Option<Listed>, MySqlError> {
        let id: String = column(&mut row, 0)?;
        let (data, expires): (Option<Vec<u8>>, i64) = (column(&mut row, 1)?, column(&mut row, 2)?);
        let row = data.and_then(|data| DataRow::new(data, expires).live(now));
        let (Ok(id), Some(row)) = (SessionId::parse(id), row) else { return Ok(None) };
        let size = row.data.len();
        Ok(self.stored(&row, now).transpose().map(|stored| Listed::new(id, size, stored)))
    }

    /// Removes a row whose life is over and that is no mark any more, as a sweep does.
    async fn remove_expired(&self, id: &SessionId, now: UnixMillis) -> Result<(), MySqlError> {
        let sql = Statements::delete_expired(&self.table.schema, 1);
        let params = || vec![current_second(now).into(), mark::instant(now).into(), id.as_str().into()];
        self.table.database.run(Statement::new(&sql), params).await.map(drop)
    }
}

impl SessionStoreAdmin for MySqlStore {
    /// In the order of the primary key.
    async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.ready().await?;
        let now = self.table.now();
        let after = after.map_or(Ok(BEFORE_ALL_IDS), Cursor::as_text)?;
        let limit = limit.clamp(1, MAX_PAGE);
        let params = || vec![Value::from(after), current_second(now).into(), limit.into()];
        let rows = self.table.database.run(Statement::new(&self.table.statements.page), params).await?.rows;
        let next = match rows.last() {
            Some(last) if rows.len() == limit => {
                let id: Option<Vec<u8>> = last.get(0);
                id.map(Cursor::of_bytes)
            }
            _ => None,
        };
        let mut sessions = Vec::with_capacity(rows.len());
        for row in rows {
            sessions.extend(self.listed(row, now)?);
        }
        Ok(Page::new(sessions, next))
    }

    async fn look(&self, id: &SessionId) -> Result<Option<Listed>, StoreError> {
        let now = self.table.now();
        let Some(row) = self.row(id).await?.and_then(|row| row.live(now)) else { return Ok(None) };
        let size = row.data.len();
        Ok(self.stored(&row, now).transpose().map(|stored| Listed::new(id.clone(), size, stored)))
    }

    /// An `INSERT` that fails if there is a row. An expired one is swept first.
    async fn add(&self, id: &SessionId, document: &Document, at_most: Duration) -> Result<bool, StoreError> {
        let size = document.text().len();
        if size > MAX_DATA_BYTES {
            return Err(StoreError::TooLarge { size, source: None });
        }
        check_id(id)?;
        self.ready().await?;
        let now = self.table.now();
        let expires = self.expires(document.cookie(), now)?;
        let expires = expires.min(column_value(&Cookie::default(), at_most, now).unwrap_or(expires));
        if at_most.is_zero() || i64::from(expires) < current_second(now) {
            return Ok(false);
        }
        self.remove_expired(id, now).await?;
        let params = || vec![id.as_str().into(), expires.into(), document.text().into()];
        let statement = Statement::sized(&self.table.statements.add, size);
        match self.table.database.run(statement, params).await {
            Ok(_) => Ok(true),
            Err(MySqlError::Other(Cause::Server { code: DUPLICATE_ENTRY, .. })) => Ok(false),
            Err(error) => Err(self.or_id_too_long(error).into()),
        }
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
