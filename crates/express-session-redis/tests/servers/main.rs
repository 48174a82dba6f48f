//! The store against private servers: the contract, the recorded vectors, round trips, deployments, failures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: a panic is the failure"
)]

mod cluster;
mod contract;
mod deployments;
mod failures;
mod lifecycle;
mod log;
mod marks;
mod monitor;
mod over_actix;
mod read_only;
mod replay;
mod round_trips;
mod sentinel;
mod store_api;
mod support;
