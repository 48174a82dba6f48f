//! The program, run on folders, Redis and MariaDB.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

mod commands;
mod ctl;
mod live;
mod migrate;
mod owners;
mod papers;
