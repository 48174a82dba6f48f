//! The file store as a black box: contract, recorded vectors, encryption, permissions and faults.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

mod bound;
mod busy;
mod contract;
mod encryption;
mod files;
mod lives;
mod marks;
mod quarantine;
mod support;
mod sweeping;
mod vectors;
