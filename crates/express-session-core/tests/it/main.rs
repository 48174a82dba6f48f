//! The session model against the recordings of the real Node packages (`tests/vectors` at the workspace root)
//! and against its own promises.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: a panic is the failure"
)]

mod support;

mod autotraits;
mod beginnings;
mod conflicts;
mod cookie_header;
mod cookies;
mod decision_matrix;
mod events;
mod first_life;
mod foreign_documents;
mod freshness;
mod fuzz;
mod handles;
mod late_changes;
mod lifetimes;
mod logout_wins;
mod lost_answers;
mod middleware_edge;
mod opaque;
mod outage;
mod renewal;
mod session_json;
mod set_cookie;
mod settings;
mod signature;
mod transactions;
