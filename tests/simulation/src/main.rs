//! `simulate`: runs seeds until one breaks a promise, and tells its shortest history.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use express_session_simulation::{Found, StoreKind, search, tell_seed};
use indicatif::{ProgressBar, ProgressStyle};

/// Looks for a seed that breaks a promise of express-session.
#[derive(Debug, Parser)]
#[command(about, long_about = None)]
struct Arguments {
    /// How many seeds to run
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Tell what happens with this seed, and run no other
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// What is behind the network
    #[arg(long, value_enum, default_value_t)]
    store: StoreKind,
    /// Tell a failing seed as it is, not its shortest form
    #[arg(long)]
    whole: bool,
    /// Write the history that is told as a picture (SVG) into this file
    #[arg(long)]
    picture: Option<PathBuf>,
    /// Threads; one for each processor if not given
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => match search_with_progress(&arguments)? {
            Found::Seed(seed) => seed,
            Found::Nothing { fingerprint } => {
                let Arguments { seeds, from, .. } = arguments;
                println!(
                    "{seeds} seeds from {from}: every promise was kept (fingerprint {fingerprint:016x})"
                );
                return Ok(ExitCode::SUCCESS);
            }
        },
    };
    let told = tell_seed(seed, arguments.store, !arguments.whole)?;
    println!("{}", told.text);
    if let Some(file) = &arguments.picture {
        fs::write(file, told.picture).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if let Some(violation) = told.violation {
        println!("seed {seed}: {violation}");
    } else if arguments.seed.is_some() {
        return Ok(ExitCode::SUCCESS);
    } else {
        println!("seed {seed}: a promise was broken, and kept when it was told: not the seed alone decides");
    }
    Ok(ExitCode::FAILURE)
}

fn search_with_progress(arguments: &Arguments) -> Result<Found> {
    let style =
        ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} seeds, {per_sec}, {eta} left")?;
    let progress = ProgressBar::new(arguments.seeds).with_style(style);
    let seeds = arguments.from..arguments.from.saturating_add(arguments.seeds);
    let found = search(seeds, arguments.store, arguments.threads, |more| progress.inc(more));
    progress.finish_and_clear();
    found
}
