#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! `options` (every option and its default), `key` (where a session is), `ttl` (how long it lives), `scripts` and `set_if_equal`
//! (what is said to the server), `pool`, `sentinels` and `connection` (the way to it), `keyspace` (all of that for one store),
//! `store` (the contract), with `read`, `read_only`, `compare_and_set` and `supersede`, `owners` (whose a session is), `admin` (what operators need), with `scan`, `error`.

mod admin;
mod compare_and_set;
mod connection;
mod error;
mod key;
mod keyspace;
mod options;
mod owners;
mod pool;
mod read;
mod read_only;
mod scan;
mod scripts;
mod sentinel_pool;
mod sentinels;
mod set_if_equal;
mod store;
mod supersede;
mod ttl;

pub use deadpool_redis;

pub use error::{DriverError, RedisError};
pub use options::{
    DEFAULT_CONNECT_TIMEOUT, DEFAULT_PREFIX, DEFAULT_RESPONSE_TIMEOUT, DEFAULT_SCAN_COUNT, DEFAULT_URL,
    RedisOptions,
};
pub use pool::RedisPool;
pub use sentinel_pool::SentinelPool;
pub use store::RedisStore;
pub use ttl::{DEFAULT_TTL, Ttl};
