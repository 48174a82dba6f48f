#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! `options` (every option and its default), `store` (the contract), `admin` (what operators need), `shards` (which part a
//! session is in, and what is done to it while that is locked), `bounds` (what is counted, and who makes room), `shard` (one
//! part), `table` (its sessions), which is made of `slot` (a session as it is kept), `chunks` (where the slots are), `index`
//! (which slot an id is in) and `recency` (who goes when it is full); `life` (how long a session lives), `marks` (who has taken
//! its place), `owners` (whose it is), `sweep` (expired sessions), `stats`. `model` is a test of `table`.

mod admin;
mod bounds;
mod chunks;
mod index;
mod life;
mod marks;
#[cfg(test)]
mod model;
mod options;
mod owners;
mod recency;
mod shard;
mod shards;
mod slot;
mod stats;
mod store;
mod sweep;
mod table;

pub use options::{
    DEFAULT_CHECK_PERIOD, DEFAULT_MAX_BYTES, DEFAULT_TTL, Disposal, DisposeFn, MemoryOptions, TtlFn,
};
pub use slot::SESSION_OVERHEAD;
pub use stats::MemoryStats;
pub use store::MemoryStore;
