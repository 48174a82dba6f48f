//! Tests against a real server: a private MariaDB, or the one that `MYSQL_URL` names.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

mod contract;
mod database;
mod expected;
mod faults;
mod general_log;
mod hostile;
mod locks;
mod marks;
mod pool;
mod runtimes;
mod sharing;
mod sharing_faults;
mod statements;
mod sweeping;
mod vectors;
