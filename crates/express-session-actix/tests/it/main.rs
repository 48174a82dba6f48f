//! The middleware over HTTP: real servers on loopback, a real client.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code: a panic is the failure"
)]
#![allow(clippy::future_not_send, reason = "Actix test servers and clients live on one thread")]

mod bridge;
mod client;
mod concurrency;
mod ecosystem;
mod errors;
mod lifecycle;
mod nested;
mod outage;
mod responses;
mod stores;
