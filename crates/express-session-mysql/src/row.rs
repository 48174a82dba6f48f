//! What a row says.

use express_session_core::UnixMillis;
use mysql_async::prelude::FromValue;
use mysql_async::{FromValueError, Row, Value, from_value_opt};

use crate::error::{Cause, MySqlError};
use crate::expiry::current_second;

/// Sorts before every id that a generator makes. An empty text would not: by `utf8mb4_bin` control characters
/// sort before it (PAD SPACE).
pub(crate) const BEFORE_ALL_IDS: &str = "\0\0\0\0\0\0\0\0";

/// A row with data.
#[derive(Clone, Debug)]
pub(crate) struct DataRow {
    pub(crate) data: Vec<u8>,
    expires: i64,
}

/// A row that has not expired.
pub(crate) struct LiveRow {
    pub(crate) data: Vec<u8>,
    pub(crate) expires: u32,
}

impl DataRow {
    pub(crate) const fn new(data: Vec<u8>, expires: i64) -> Self {
        Self { data, expires }
    }

    /// From the column at this index, data, and the next, expires. A row without data is none.
    pub(crate) fn read(row: &mut Row, data: usize) -> Result<Option<Self>, MySqlError> {
        let (data, expires): (Option<Vec<u8>>, i64) = (column(row, data)?, column(row, data + 1)?);
        Ok(data.map(|data| Self { data, expires }))
    }

    /// Source: express-mysql-session `index.js`, `get`: an expired row is not looked at any further.
    pub(crate) fn live(self, now: UnixMillis) -> Option<LiveRow> {
        let expires = u32::try_from(self.expires).unwrap_or(u32::MAX);
        (self.expires >= current_second(now)).then_some(LiveRow { data: self.data, expires })
    }
}

/// The value of a column that has the type it should have.
pub(crate) fn column<T: FromValue>(row: &mut Row, index: usize) -> Result<T, MySqlError> {
    let mistyped = || MySqlError::Other(Cause::Driver("a column is not of the expected type"));
    let value: Value = row.take(index).ok_or_else(mistyped)?;
    // The error holds the value.
    from_value_opt(value).map_err(|FromValueError(_)| mistyped())
}
