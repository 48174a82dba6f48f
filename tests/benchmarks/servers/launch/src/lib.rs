//! What every Rust server of the benchmarks does alike: arguments, port, end.
//!
//! A server prints the port it listens on, and ends when its standard input does: however the program that
//! measures ends, no server is left behind.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

pub use clap::Parser;
pub use stats_alloc;
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats};

/// How long every session lives, in all subjects.
pub const MAX_AGE: Duration = Duration::from_hours(24);

/// A secret long enough for every subject: 64 bytes.
pub const SECRET: &str = "benchmarks on loopback only; nobody will ever be served with this";

/// The keys that a session with ten keys has besides `num`.
pub const FURTHER_KEYS: [&str; 9] =
    ["user", "name", "roles", "theme", "locale", "cart", "csrf", "flash", "seen"];

/// The value of each further key.
pub const FURTHER_VALUE: &str = "a value of 24 characters";

/// What a server is told.
#[derive(Clone, Debug, Parser)]
pub struct Launch {
    /// Which sessions: the name of the subject.
    #[arg(long)]
    pub subject: String,
    /// How many worker threads.
    #[arg(long, default_value_t = 1)]
    pub workers: usize,
    /// The database's URL.
    #[arg(long, default_value = "")]
    pub url: String,
    /// The folder for sessions in files.
    #[arg(long, default_value = ".")]
    pub folder: PathBuf,
    /// How long a session lives, in seconds, where this is not a day.
    #[arg(long)]
    pub max_age: Option<u64>,
    /// How often expired sessions are removed, in seconds, where this is not the store's default.
    #[arg(long)]
    pub sweep: Option<u64>,
}

impl Launch {
    /// How long a session lives.
    pub fn max_age(&self) -> Duration {
        self.max_age.map_or(MAX_AGE, Duration::from_secs)
    }

    /// Binds a free port of 127.0.0.1, says which, and from then on ends with its parent.
    ///
    /// # Errors
    ///
    /// If there is no port, or nobody to tell it to.
    pub fn listen(&self) -> anyhow::Result<TcpListener> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?.port())?;
        std::thread::spawn(|| {
            // Nothing is ever sent; this returns when the other end is gone.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(0);
        });
        Ok(listener)
    }
}

/// Heap operations since the start and bytes asked for, as `allocations reallocations bytes`; zeros in a program
/// that does not count.
pub fn heap() -> String {
    let Stats { allocations, reallocations, bytes_allocated, .. } = INSTRUMENTED_SYSTEM.stats();
    format!("{allocations} {reallocations} {bytes_allocated}")
}
