//! The app of the benchmarks on other crates: actix-session ([`actix`]) and tower-sessions ([`tower`]).

mod actix;
mod tower;

use benchmark_launch::{Launch, Parser as _};

/// Serves the subject that the arguments name, until standard input ends.
///
/// # Errors
///
/// If there is no such subject, or its store cannot be used.
pub fn run() -> anyhow::Result<()> {
    let launch = Launch::parse();
    if launch.subject.starts_with("actix-session") { actix::run(launch) } else { tower::run(&launch) }
}
