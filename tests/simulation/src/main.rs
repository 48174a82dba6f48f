//! `simulate`: runs seeds until one breaks a promise, and tells its shortest history.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context as _, Result};
use clap::Parser;
use express_session_simulation::{StoreKind, run_seed, tell_seed};
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
        Some(seed) => Found::Seed(seed),
        None => search(&arguments)?,
    };
    let seed = match seed {
        Found::Seed(seed) => seed,
        Found::Nothing { fingerprint } => {
            let Arguments { seeds, from, .. } = arguments;
            println!("{seeds} seeds from {from}: every promise was kept (fingerprint {fingerprint:016x})");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let told = tell_seed(seed, arguments.store, !arguments.whole)?;
    println!("{}", told.text);
    if let Some(file) = &arguments.picture {
        fs::write(file, told.picture).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(if let Some(violation) = told.violation {
        println!("seed {seed}: {violation}");
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What a search came to.
enum Found {
    /// A seed that breaks a promise.
    Seed(u64),
    /// None; the same number for the same seeds, whoever runs them.
    Nothing { fingerprint: u64 },
}

/// The lowest seed found that breaks a promise. Others that are under way are run to their end.
fn search(arguments: &Arguments) -> Result<Found> {
    /// So many at a time, so that threads rarely meet.
    const CHUNK: u64 = 64;
    let threads =
        arguments.threads.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let style =
        ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} seeds, {per_sec}, {eta} left")?;
    let progress = ProgressBar::new(arguments.seeds).with_style(style);
    let end = arguments.from.saturating_add(arguments.seeds);
    let fingerprint = AtomicU64::new(0);
    let (next, found) = (AtomicU64::new(arguments.from), Mutex::new(None::<u64>));
    let work = || -> Result<()> {
        loop {
            let first = next.fetch_add(CHUNK, Ordering::Relaxed);
            if first >= end {
                return Ok(());
            }
            let last = end.min(first.saturating_add(CHUNK));
            for seed in first..last {
                let outcome = run_seed(seed, arguments.store)?;
                fingerprint.fetch_xor(outcome.fingerprint, Ordering::Relaxed);
                if outcome.violation.is_some() {
                    let mut found = found.lock().map_err(|_| anyhow::anyhow!("a thread has failed"))?;
                    *found = Some(found.map_or(seed, |lowest| lowest.min(seed)));
                    next.store(end, Ordering::Relaxed);
                    return Ok(());
                }
            }
            progress.inc(last - first);
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread has panicked")))
        })
    })?;
    progress.finish_and_clear();
    let found = found.into_inner().map_err(|_| anyhow::anyhow!("a thread has failed"))?;
    Ok(found.map_or(Found::Nothing { fingerprint: fingerprint.into_inner() }, Found::Seed))
}
