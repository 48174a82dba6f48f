//! The lab as tests: no difference but the known ones, and deliberate bugs are found.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code: a panic is the failure"
)]

mod differences;
mod sabotage;
mod sequences;
