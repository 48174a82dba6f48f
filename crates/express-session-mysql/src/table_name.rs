//! Names of tables and columns, parsed before they become SQL.

use std::fmt;

/// The longest name MySQL and MariaDB accept, in characters.
const MAX_CHARS: usize = 64;

/// The name of a column, or of one part of a table's name. It cannot be anything but a name in SQL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identifier(Box<str>);

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name is empty.
    #[error("a table or column name must not be empty")]
    Empty,
    /// The name has more than 64 characters.
    #[error("a table or column name may have 64 characters, not {0}")]
    TooLong(usize),
    /// MySQL has no names with NUL or with characters beyond U+FFFF.
    #[error("a table or column name must not contain NUL or characters beyond U+FFFF")]
    Character,
    /// MySQL has no names that end in a space.
    #[error("a table or column name must not end in a space")]
    TrailingSpace,
    /// A column's name has no parts, and a table's at most `database.table`.
    #[error("a dot separates a database from its table; no other name has one")]
    Dots,
    /// Two columns have the same name.
    #[error("the three columns need three different names")]
    Duplicate,
}

impl Identifier {
    /// Accepts any name that MySQL and MariaDB accept between backticks, without a dot.
    ///
    /// # Errors
    ///
    /// [`NameError`] says which rule is broken.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let length = text.chars().count();
        if length == 0 {
            return Err(NameError::Empty);
        }
        if length > MAX_CHARS {
            return Err(NameError::TooLong(length));
        }
        if text.chars().any(|c| c == '\0' || c > '\u{ffff}') {
            return Err(NameError::Character);
        }
        if text.ends_with(' ') {
            return Err(NameError::TrailingSpace);
        }
        if text.contains('.') {
            return Err(NameError::Dots);
        }
        Ok(Self(text.into()))
    }

    /// The name, unquoted.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    /// The name between backticks, backticks in it doubled.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.replace('`', "``"))
    }
}

/// The name of a table: `table`, or `database.table` for one in another database of the same server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableName {
    database: Option<Identifier>,
    table: Identifier,
}

impl TableName {
    /// Accepts `table` or `database.table`, as express-mysql-session's `schema.tableName` does.
    ///
    /// # Errors
    ///
    /// [`NameError`] says which rule is broken.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.split_once('.') {
            None => Ok(Self { database: None, table: Identifier::parse(text)? }),
            Some((database, table)) => {
                Ok(Self { database: Some(Identifier::parse(database)?), table: Identifier::parse(table)? })
            }
        }
    }

    /// The database, if one was named.
    pub fn database(&self) -> Option<&Identifier> {
        self.database.as_ref()
    }

    /// The table within its database.
    pub fn table(&self) -> &Identifier {
        &self.table
    }
}

impl fmt::Display for TableName {
    /// The name as it stands in SQL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.database {
            Some(database) => write!(f, "{database}.{}", self.table),
            None => self.table.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_so_that_nothing_gets_out() {
        let name = |text| Identifier::parse(text).unwrap().to_string();
        assert_eq!(name("sessions"), "`sessions`");
        assert_eq!(name("odd`table"), "`odd``table`");
        assert_eq!(name("x`; DROP TABLE users; -- "[..24].trim_end()), "`x``; DROP TABLE users; --`");
        assert_eq!(TableName::parse("other.sessions").unwrap().to_string(), "`other`.`sessions`");
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        assert_eq!(Identifier::parse(""), Err(NameError::Empty));
        assert_eq!(Identifier::parse(&"x".repeat(65)), Err(NameError::TooLong(65)));
        assert!(Identifier::parse(&"\u{e9}".repeat(64)).is_ok());
        assert_eq!(Identifier::parse("a\0b"), Err(NameError::Character));
        assert_eq!(Identifier::parse("a\u{1f36a}"), Err(NameError::Character));
        assert_eq!(Identifier::parse("a "), Err(NameError::TrailingSpace));
        assert_eq!(Identifier::parse("a.b"), Err(NameError::Dots));
        assert_eq!(TableName::parse("a.b.c"), Err(NameError::Dots));
        assert_eq!(TableName::parse("a."), Err(NameError::Empty));
    }
}
