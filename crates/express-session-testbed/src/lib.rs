//! Starts private servers on loopback for tests, with throwaway data folders, and stops them.
//!
//! A test that needs a server fails if it cannot be started; nothing here skips.

pub mod mariadb;
pub mod process;
pub mod redis;

pub use mariadb::MariaDb;
pub use process::{Process, StartError, free_port};
