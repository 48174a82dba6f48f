//! A session that makes way for another one: its row becomes a mark that names the other.

use express_session_core::{Expect, Revision, SessionId, StoreError, Successor, SupersedeOutcome};
use mysql_async::Value;

use crate::conditional::MAX_REPLACE_ATTEMPTS;
use crate::database::Statement;
use crate::error::MySqlError;
use crate::expiry::current_second;
use crate::mark;
use crate::store::{MySqlStore, check_id};

/// The `expires` of a mark: to Node, and to all verbs but one, it ended in 1970.
const EXPIRES: u32 = 0;

impl MySqlStore {
    pub(crate) async fn make_way(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        if check_id(id).is_err() {
            return Ok(without_a_row(expect));
        }
        self.ready().await?;
        let statements = &self.table.statements;
        let mark = (!by.grace.is_zero()).then(|| mark::encode(by.id, self.table.now().plus(by.grace)));
        match (expect, mark) {
            (Expect::Any, Some(mark)) => self.mark(id, &mark).await,
            (Expect::Any, None) => {
                self.destroy_row(id).await?;
                Ok(SupersedeOutcome::Superseded)
            }
            (Expect::Revision(expected), Some(mark)) => {
                // It may run twice: whoever finds the own mark has left it.
                let statement = Statement::sized(&statements.replace_bytes, mark.len());
                let values = [EXPIRES.into(), mark.as_str().into()];
                self.if_expected(id, expected, by.id, statement, &values).await
            }
            (Expect::Revision(expected), None) => {
                let statement = Statement::once(&statements.destroy_expected, 0);
                self.if_expected(id, expected, by.id, statement, &[]).await
            }
        }
    }

    /// Puts the mark into the row, whatever is there.
    async fn mark(&self, id: &SessionId, mark: &str) -> Result<SupersedeOutcome, StoreError> {
        let params = || vec![id.as_str().into(), EXPIRES.into(), mark.into()];
        let statement = Statement::sized(&self.table.statements.insert, mark.len());
        match self.table.database.run(statement, params).await.map_err(|error| self.or_id_too_long(error)) {
            Ok(_) => Ok(SupersedeOutcome::Superseded),
            Err(MySqlError::IdTooLong(_)) => Ok(without_a_row(Expect::Any)),
            Err(error) => Err(error.into()),
        }
    }

    /// One statement on the row with the expected data, and a second to tell what stood in its way. Its parameters are
    /// `values`, id twice, current second, expected data.
    async fn if_expected(
        &self,
        id: &SessionId,
        expected: &Revision,
        successor: &SessionId,
        statement: Statement<'_>,
        values: &[Value],
    ) -> Result<SupersedeOutcome, StoreError> {
        let mut attempts = 0;
        loop {
            let now = self.table.now();
            let params = || {
                let mut params = values.to_vec();
                params.extend([id.as_str().into(), id.as_str().into(), current_second(now).into()]);
                params.push(expected.as_bytes().into());
                params
            };
            if self.table.database.run(statement, params).await?.affected > 0 {
                return Ok(SupersedeOutcome::Superseded);
            }
            let Some(row) = self.row(id).await? else { return Ok(SupersedeOutcome::Gone) };
            if mark::decode(&row.data).is_some_and(|(marked, _)| marked == *successor) {
                return Ok(SupersedeOutcome::Superseded);
            }
            let Some(row) = row.live(now) else { return Ok(SupersedeOutcome::Gone) };
            attempts += 1;
            if row.data == expected.as_bytes() && attempts < MAX_REPLACE_ATTEMPTS {
                continue;
            }
            return Ok(match self.stored(&row, now)? {
                Some(stored) => SupersedeOutcome::Conflict(Box::new(stored)),
                None => SupersedeOutcome::Gone,
            });
        }
    }

    /// The successor that the row names, while that counts.
    pub(crate) async fn marked_successor(&self, id: &SessionId) -> Result<Option<SessionId>, MySqlError> {
        let now = self.table.now();
        let mark = self.row(id).await?.and_then(|row| mark::decode(&row.data));
        Ok(mark.filter(|(_, until)| *until >= now).map(|(successor, _)| successor))
    }
}

/// There can be no session under an id that the table cannot hold, and no mark.
fn without_a_row(expect: Expect<'_>) -> SupersedeOutcome {
    match expect {
        Expect::Any => SupersedeOutcome::Superseded,
        Expect::Revision(_) => SupersedeOutcome::Gone,
    }
}
