//! Private Redis servers: one alone, a cluster of three masters with a replica each, a group watched by Sentinel.
//!
//! Nothing is written but in a throwaway folder; everything listens on 127.0.0.1 and ends with its guard.

mod caretaker;
mod cluster;
mod sentinel;
mod server;

pub use cluster::RedisCluster;
pub use sentinel::RedisSentinel;
pub use server::{RedisServer, command};
