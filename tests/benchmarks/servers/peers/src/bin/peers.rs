//! The server, as it is timed.

fn main() -> anyhow::Result<()> {
    benchmark_peers::run()
}
