//! What an app takes on its command line.

use std::path::PathBuf;

use clap::Parser;

/// The command line of every app.
#[derive(Debug, Parser)]
#[command(about = None, long_about = None)]
pub struct Arguments {
    /// The configuration file; by default the one named like the app in config/, here or in a folder above
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
