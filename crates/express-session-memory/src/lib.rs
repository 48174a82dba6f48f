#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! `options` (every option and its default), `shards` and `shard` (where a session is), `recency` (who goes when it is full),
//! `life` (how long a session lives), `marks` (who has taken its place), `store` (the contract, and what operators need), `sweep`
//! (expired sessions), `stats`.

mod admin;
mod life;
mod marks;
mod options;
mod owners;
mod recency;
mod shard;
mod shards;
mod stats;
mod store;
mod sweep;

pub use options::{
    DEFAULT_CHECK_PERIOD, DEFAULT_MAX_BYTES, DEFAULT_TTL, Disposal, DisposeFn, MemoryOptions, TtlFn,
};
pub use shard::SESSION_OVERHEAD;
pub use stats::MemoryStats;
pub use store::MemoryStore;
