//! The lab as tests: no difference but the known ones, and deliberate bugs are found.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code: a panic is the failure"
)]
#![allow(clippy::future_not_send, reason = "the lab lives on one thread of Actix's runtime")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "`json!` makes values, and scripts read better without `&`"
)]

mod differences;
mod sabotage;
mod sequences;
