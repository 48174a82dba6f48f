//! What holds for the workspace as a whole.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

mod dependencies;
mod readme;
