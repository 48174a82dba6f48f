//! What the tests of several crates share: private servers on loopback with throwaway data folders, and the
//! recordings of the Node packages.
//!
//! A test that needs a server fails if it cannot be started; nothing here skips.

pub mod mariadb;
pub mod process;
pub mod redis;
pub mod vectors;

pub use mariadb::MariaDb;
pub use process::{Process, StartError, free_port};
