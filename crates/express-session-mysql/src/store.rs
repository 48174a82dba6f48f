//! The store: what each verb sends, and what the answer means.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{
    Cookie, DecodeError, Document, Expect, OwnerIndex, Revision, SessionId, SessionStore, SetOutcome,
    StoreError, Stored, Successor, SupersedeOutcome, TouchHint, TouchOutcome, UnixMillis,
};
use mysql_async::Value;

use crate::batch::{Place, TouchRequest};
use crate::database::{Answer, Database, Statement};
use crate::error::{Cause, MySqlError};
use crate::expiry::{column_value, current_second, life};
use crate::options::MySqlOptions;
use crate::row::{DataRow, LiveRow};
use crate::table::Table;

/// The longest id the table holds, in characters.
const MAX_ID_CHARS: usize = 128;

/// The longest text a `mediumtext` column holds, in bytes.
pub(crate) const MAX_DATA_BYTES: usize = (1 << 24) - 1;

/// Sessions in a table of MySQL or MariaDB, shared with express-mysql-session.
///
/// A clone is another handle on the same connections. The background sweep ends with the last clone.
///
/// It needs a Tokio runtime with time and I/O, which Actix's is, and may be used by several.
///
/// # Cancel safety
///
/// Each write is one statement, so a dropped future has written everything or nothing. If it shared the statement
/// with others, it is carried out with theirs; if the statement was its own, its connection is not used again.
#[derive(Clone, Debug)]
pub struct MySqlStore {
    pub(crate) table: Arc<Table>,
}

impl MySqlStore {
    /// A store that connects when it is first used, and then creates the table if that is wanted.
    ///
    /// So it can be made while the server is down. See [`ready`](Self::ready) to know at once.
    ///
    /// # Errors
    ///
    /// [`MySqlError::Name`] if a table or column name is impossible.
    pub fn new(options: MySqlOptions) -> Result<Self, MySqlError> {
        let database = match &options.pool {
            Some(pool) => Database::from_pool(pool.clone(), &options),
            None => Database::new(&options),
        };
        Ok(Self { table: Arc::new(Table::new(database, options)?) })
    }

    /// Creates the table and starts the background work, once. Every verb does this first; when it fails, the
    /// next one tries again.
    ///
    /// # Errors
    ///
    /// [`MySqlError`] says what is wrong with the server, the login, the database or the table.
    pub async fn ready(&self) -> Result<(), MySqlError> {
        self.table.ready().await
    }

    /// Stops the sweep and ends the connections (see
    /// [`end_connection_on_close`](MySqlOptions::end_connection_on_close)). Later calls fail.
    pub async fn close(&self) {
        self.table.close().await;
    }

    /// One statement on the session table.
    async fn run(
        &self,
        sql: &str,
        params: impl Fn() -> Vec<Value> + Send + Sync,
    ) -> Result<Answer, MySqlError> {
        self.ready().await?;
        self.table.database.run(Statement::new(sql), params).await
    }

    /// The row of `id` as it is, if there is one.
    pub(crate) async fn row(&self, id: &SessionId) -> Result<Option<DataRow>, MySqlError> {
        self.ready().await?;
        let Table { database, statements, batches, .. } = &*self.table;
        let place = if batches.share_reads(id) {
            batches.reads.enter(|| id.clone()).await?
        } else {
            Place::outside()
        };
        let (_turn, spent) = match place {
            Place::Shared(row) => return Ok(row),
            Place::Alone { turn, spent } => (turn, spent),
        };
        let statement = Statement::new(&statements.get).after(spent);
        let params = || vec![id.as_str().into(), id.as_str().into()];
        let answer = database.run(statement, params).await?;
        answer.rows.into_iter().next().map_or(Ok(None), |mut row| DataRow::read(&mut row, 0))
    }

    /// The live row of `id` as it is, if there is one.
    pub(crate) async fn read(&self, id: &SessionId, now: UnixMillis) -> Result<Option<LiveRow>, MySqlError> {
        Ok(self.row(id).await?.and_then(|row| row.live(now)))
    }

    pub(crate) fn stored(&self, row: &LiveRow, now: UnixMillis) -> Result<Option<Stored>, DecodeError> {
        let Some(document) = Document::decode(&row.data)? else { return Ok(None) };
        let life = life(document.cookie(), row.expires, self.table.options.expiration, now);
        Ok(Some(Stored { life: Some(life), ..Stored::of_bytes(document, &row.data) }))
    }

    /// Removes a live row; whether there was one.
    pub(crate) async fn destroy_row(&self, id: &SessionId) -> Result<bool, MySqlError> {
        let now = current_second(self.table.now());
        let params = || vec![id.as_str().into(), id.as_str().into(), now.into()];
        Ok(self.run(&self.table.statements.destroy, params).await?.affected > 0)
    }

    /// Extends the life of a live row.
    async fn touch_row(
        &self,
        id: &SessionId,
        expires: u32,
        now: UnixMillis,
    ) -> Result<TouchOutcome, MySqlError> {
        self.ready().await?;
        let Table { database, statements, batches, .. } = &*self.table;
        let place = if batches.share_updates(id, 0) {
            batches.touches.enter(|| TouchRequest { id: id.clone(), expires }).await?
        } else {
            Place::outside()
        };
        let (turn, spent) = match place {
            Place::Shared(outcome) => return Ok(outcome),
            Place::Alone { turn, spent } => (turn, spent),
        };
        let statement = Statement::new(&statements.touch).after(spent);
        let params =
            || vec![expires.into(), id.as_str().into(), id.as_str().into(), current_second(now).into()];
        let answer = database.run(statement, params).await?;
        drop(turn);
        let touched = answer.affected > 0
            // This connection counts changed rows only: the row may have had this expiry already.
            || (!answer.counts_matches && self.read(id, now).await?.is_some());
        Ok(if touched { TouchOutcome::Touched } else { TouchOutcome::Gone })
    }

    pub(crate) fn expires(&self, cookie: &Cookie, now: UnixMillis) -> Result<u32, MySqlError> {
        column_value(cookie, self.table.options.expiration, now).ok_or(MySqlError::ExpiryOutOfRange)
    }

    async fn write(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        expires: u32,
    ) -> Result<SetOutcome, StoreError> {
        let size = document.text().len();
        if size > MAX_DATA_BYTES {
            return Err(StoreError::TooLarge { size, source: None });
        }
        match expect {
            Expect::Any => {
                check_id(id)?;
                self.insert(id, document, expires).await
            }
            Expect::Revision(revision) => self.replace(id, document, expires, revision).await,
        }
    }

    /// Express's blind `set`.
    async fn insert(
        &self,
        id: &SessionId,
        document: &Document,
        expires: u32,
    ) -> Result<SetOutcome, StoreError> {
        self.ready().await?;
        let params = || vec![id.as_str().into(), expires.into(), document.text().into()];
        let table = &self.table;
        let statement = Statement::sized(&table.statements.insert, document.text().len());
        table.database.run(statement, params).await.map_err(|error| self.or_id_too_long(error))?;
        Ok(SetOutcome::Written(Revision::of_bytes(document.shared_text())))
    }

    /// Tells an id that its column cannot hold from data that theirs cannot.
    pub(crate) fn or_id_too_long(&self, error: MySqlError) -> MySqlError {
        let column = format!("'{}'", self.table.schema.session_id.as_str());
        match error {
            MySqlError::TooLarge {
                cause: Some(Cause::Server { code: 1406, state, message: Some(message) }),
                ..
            } if message.contains(&column) => {
                MySqlError::IdTooLong(Cause::Server { code: 1406, state, message: Some(message) })
            }
            other => other,
        }
    }
}

/// Whether `set` can store under this id.
pub(crate) fn check_id(id: &SessionId) -> Result<(), StoreError> {
    if id.as_str().chars().count() > MAX_ID_CHARS {
        return Err(StoreError::UnsupportedId("it has more than 128 characters"));
    }
    if id.as_str().ends_with(' ') {
        // The primary key takes `a` and `a ` for the same.
        return Err(StoreError::UnsupportedId("it ends in a space"));
    }
    Ok(())
}

impl SessionStore for MySqlStore {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        let now = self.table.now();
        match self.read(id, now).await? {
            Some(row) => Ok(self.stored(&row, now)?),
            None => Ok(None),
        }
    }

    /// No statement of MySQL both reads and writes a row, so this is [`get`](Self::get).
    async fn get_and_touch(&self, id: &SessionId, _: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        self.get(id).await
    }

    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        let expires = self.expires(document.cookie(), self.table.now())?;
        self.write(id, document, expect, expires).await
    }

    /// As [`set`](Self::set), with a smaller `expires`.
    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        let now = self.table.now();
        let mut expires = self.expires(document.cookie(), now)?;
        // Without touches nothing would lengthen a life that was cut short.
        if !self.table.options.disable_touch {
            expires = expires.min(column_value(&Cookie::default(), at_most, now).unwrap_or(expires));
        }
        self.write(id, document, expect, expires).await
    }

    /// DIFFERENCE: the Node package extends the life of an expired row too, and so brings back a session that
    /// was dead.
    async fn touch(
        &self,
        id: &SessionId,
        _document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        if self.table.options.disable_touch {
            return Ok(TouchOutcome::Touched);
        }
        let now = self.table.now();
        let expires = self.expires(cookie, now)?;
        Ok(self.touch_row(id, expires, now).await?)
    }

    /// DIFFERENCE: an expired row, and so a mark, is left to the sweep; the Node package removes it here.
    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.destroy_row(id).await?)
    }

    /// One statement, which turns the row into the mark.
    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        self.make_way(id, expect, by).await
    }

    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        Ok(self.marked_successor(id).await?)
    }

    /// None without the option [`create_owner_column`](MySqlOptions::create_owner_column).
    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        self.table.options.create_owner_column.then_some(self)
    }
}
