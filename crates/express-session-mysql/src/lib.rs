#![doc = include_str!("../README.md")]

mod admin;
mod background;
mod batch;
mod column_index;
mod conditional;
mod connection;
mod database;
mod error;
mod expiry;
mod mark;
mod options;
mod owners;
mod pool;
mod row;
mod schema;
mod statements;
mod store;
mod supersede;
mod sweep;
mod table;
mod table_name;

pub use error::{Cause, MySqlError};
pub use mysql_async;
pub use options::MySqlOptions;
pub use store::MySqlStore;
pub use table_name::{Identifier, NameError, TableName};
