//! The middleware over HTTP: real servers on loopback, a real client.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

mod bridge;
mod caches;
mod client;
mod concurrency;
mod cross_origin;
mod ecosystem;
mod errors;
mod first_life;
mod lazy;
mod lifecycle;
mod login_wins;
mod nested;
mod outage;
mod owners;
mod responses;
mod stores;
