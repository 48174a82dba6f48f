//! Compare-and-set, in one of three ways: with others, alone, or alone and by its bytes.

use express_session_core::{Document, Revision, SessionId, SetOutcome, StoreError, UnixMillis};
use mysql_async::Value;

use crate::batch::{Place, WriteRequest};
use crate::database::Statement;
use crate::error::MySqlError;
use crate::expiry::current_second;
use crate::store::MySqlStore;
use crate::table::Table;

/// How often a conditional write is tried when a row changes back and forth under it.
pub(crate) const MAX_REPLACE_ATTEMPTS: u32 = 4;

/// A session as it shall be, if it is as expected.
struct ConditionalWrite<'a> {
    id: &'a SessionId,
    document: &'a Document,
    expires: u32,
    expected: &'a Revision,
}

/// Whether a row was as expected and has been written; and whether it says so also of a row that was as it should be.
type Attempt = (bool, bool);

impl ConditionalWrite<'_> {
    /// The parameters of the statement for one row, but the last.
    fn params(&self, now: UnixMillis) -> Vec<Value> {
        vec![
            self.expires.into(),
            self.document.text().as_bytes().into(),
            self.id.as_str().into(),
            self.id.as_str().into(),
            current_second(now).into(),
            self.expected.as_bytes().into(),
        ]
    }
}

impl MySqlStore {
    /// The conditional write: one statement, and a second to tell what stood in its way.
    pub(crate) async fn replace(
        &self,
        id: &SessionId,
        document: &Document,
        expires: u32,
        expected: &Revision,
    ) -> Result<SetOutcome, StoreError> {
        self.ready().await?;
        let data = document.text().as_bytes();
        let write = ConditionalWrite { id, document, expires, expected };
        let mut attempts = 0;
        loop {
            let now = self.table.now();
            let (written, counts_matches) = if attempts == 0 {
                self.try_write(&write, now).await?
            } else {
                self.write_by_bytes(&write, now).await?
            };
            if written {
                return Ok(SetOutcome::Written(Revision::of_bytes(document.shared_text())));
            }
            let Some(row) = self.read(id, now).await? else { return Ok(SetOutcome::Gone) };
            // A connection that counts only rows made different, and nothing had to be made different. In any
            // other case the same bytes prove nothing: another writer may have counted to the same number.
            let was_there = data == expected.as_bytes() && row.data == data && row.expires == expires;
            if was_there && !counts_matches {
                return Ok(SetOutcome::Written(Revision::of_bytes(document.shared_text())));
            }
            attempts += 1;
            if row.data == expected.as_bytes() && attempts < MAX_REPLACE_ATTEMPTS {
                continue;
            }
            return Ok(match self.stored(&row, now)? {
                Some(stored) => SetOutcome::Conflict(Box::new(stored)),
                None => SetOutcome::Gone,
            });
        }
    }

    /// Writes the row, together with others if any wait.
    async fn try_write(&self, write: &ConditionalWrite<'_>, now: UnixMillis) -> Result<Attempt, MySqlError> {
        let ConditionalWrite { id, document, expires, expected } = *write;
        let Ok(text) = std::str::from_utf8(expected.as_bytes()) else {
            return self.write_by_bytes(write, now).await;
        };
        let (expected_chars, size) = (text.chars().count(), document.text().len());
        let Table { database, statements, batches, .. } = &*self.table;
        let place = if batches.share_updates(id, size.max(text.len())) {
            let (id, document, expected) = (id.clone(), document.clone(), expected.clone());
            let request = || WriteRequest { id, document, expires, expected, expected_chars };
            batches.writes.enter(request).await?
        } else {
            Place::outside()
        };
        let (_turn, spent) = match place {
            Place::Shared(written) => return Ok((written, true)),
            Place::Alone { turn, spent } => (turn, spent),
        };
        let statement = Statement::once(&statements.replace, size).after(spent);
        let params = || {
            let mut params = write.params(now);
            params.push(expected_chars.into());
            params
        };
        let answer = database.run(statement, params).await?;
        Ok((answer.affected > 0, answer.counts_matches))
    }

    /// Writes the row if its bytes are as expected, whatever the column's type.
    async fn write_by_bytes(
        &self,
        write: &ConditionalWrite<'_>,
        now: UnixMillis,
    ) -> Result<Attempt, MySqlError> {
        let Table { database, statements, .. } = &*self.table;
        let statement = Statement::once(&statements.replace_bytes, write.document.text().len());
        let answer = database.run(statement, || write.params(now)).await?;
        Ok((answer.affected > 0, answer.counts_matches))
    }
}
