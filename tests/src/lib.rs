#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "test code: a panic is the failure"
)]

pub mod app;
pub mod browser;
pub mod http;
pub mod mariadb;

pub use app::RunningApp;
pub use browser::Browser;
pub use http::{Client, Response};
