//! What a row says.

use mysql_async::prelude::FromValue;
use mysql_async::{FromValueError, Row, Value, from_value_opt};

use crate::error::{Cause, MySqlError};

/// Sorts before every id that a generator makes. An empty text would not: by `utf8mb4_bin` control characters
/// sort before it (PAD SPACE).
pub(crate) const BEFORE_ALL_IDS: &str = "\0\0\0\0\0\0\0\0";

/// A row that has not expired.
pub(crate) struct LiveRow {
    pub(crate) data: Vec<u8>,
    pub(crate) expires: u32,
}

/// The value of a column that has the type it should have.
pub(crate) fn column<T: FromValue>(row: &mut Row, index: usize) -> Result<T, MySqlError> {
    let mistyped = || MySqlError::Other(Cause::Driver("a column is not of the expected type"));
    let value: Value = row.take(index).ok_or_else(mistyped)?;
    // The error holds the value.
    from_value_opt(value).map_err(|FromValueError(_)| mistyped())
}
