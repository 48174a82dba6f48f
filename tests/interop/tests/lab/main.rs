//! The lab as tests: no difference but the known ones, and deliberate bugs are found.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "`json!` makes values, and scripts read better without `&`"
)]

mod differences;
mod marks;
mod own_options;
mod sabotage;
mod sequences;
mod store_failures;
mod support;
