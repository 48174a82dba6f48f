//! Every article's app, over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

mod attempts;
mod counting;
mod file_session;
mod login_process;
mod memory_session;
#[cfg(feature = "server-tests")]
mod mysql_session;
mod page_views;
#[cfg(feature = "server-tests")]
mod page_views_mysql;
#[cfg(feature = "server-tests")]
mod redis_session;
mod safe_headers;
mod slow_clients;
mod starting_and_stopping;
mod visit_counter;
