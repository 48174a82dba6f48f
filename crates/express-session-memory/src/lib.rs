#![doc = include_str!("../README.md")]

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
mod sweeper;

pub use options::{
    DEFAULT_CHECK_PERIOD, DEFAULT_MAX_BYTES, DEFAULT_TTL, Disposal, DisposeFn, MemoryOptions, TtlFn,
};
pub use shard::SESSION_OVERHEAD;
pub use stats::MemoryStats;
pub use store::MemoryStore;
