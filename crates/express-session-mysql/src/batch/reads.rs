//! Reads together: one `SELECT … IN`.

use std::collections::HashMap;
use std::sync::Arc;

use express_session_core::SessionId;
use mysql_async::Value;

use super::{Sender, Verb};
use crate::database::Statement;
use crate::error::MySqlError;
use crate::row::{DataRow, column};

/// Reads of rows by their ids.
#[derive(Debug)]
pub(crate) struct Reads(pub(super) Arc<Sender>);

impl Verb for Reads {
    type Request = SessionId;
    /// The row as it is, if there is one with data.
    type Outcome = Option<DataRow>;

    const REPEATABLE: bool = true;

    /// A row can be told to any number of requests.
    fn exclude_each_other(_: &SessionId, _: &SessionId) -> bool {
        false
    }

    async fn carry_out(&self, ids: &[SessionId]) -> Result<Vec<Option<Self::Outcome>>, MySqlError> {
        let sized = self.0.statements.for_requests(ids.len());
        let params = || super::padded(ids, sized.size).map(|id| Value::from(id.as_str())).collect();
        let answer = self.0.database.run(Statement::shared(&sized.read), params).await?;
        let mut rows = HashMap::with_capacity(ids.len());
        for mut row in answer.rows {
            let id: Vec<u8> = column(&mut row, 0)?;
            // One that cannot be read is the business of the request for it.
            rows.insert(id, DataRow::read(&mut row, 1).ok());
        }
        // The bytes are compared here: a collation may have found a row whose id is another.
        Ok(ids.iter().map(|id| rows.get(id.as_bytes()).map_or(Some(None), Clone::clone)).collect())
    }
}
