#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! `options` (every option and its default), `table_name` and `schema` (where a session is), `expiry` (how long it lives),
//! `statements` (every SQL text), `pool`, `connection` and `database` (the way to the server), `table` (all of that for one
//! store), `store` (the contract), with `row`, `mark` and `supersede`, `admin` (what operators need), `sweep` and
//! `expires_index` (expired sessions), `error`.

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
