//! Every article's app, over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code: a panic is the failure"
)]

mod counting;
mod login_process;
mod memory_session;
mod page_views;
mod starting_and_stopping;
mod visit_counter;
