//! The server with an allocator that counts. Not timed.

use std::alloc::System;

use benchmark_launch::stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    benchmark_ours::run().await
}
