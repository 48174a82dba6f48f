#![doc = include_str!("../README.md")]

mod client;
pub mod config;
mod cookies;
mod expected;
pub mod fleet;
pub mod generate;
mod instant;
pub mod jar;
pub mod lab;
mod members;
mod mismatch;
pub mod node;
pub mod option_sets;
mod probe;
pub mod random;
pub mod script;
pub mod server;
pub mod shrink;

pub use client::Answer;
pub use probe::{Entries, Entry};
