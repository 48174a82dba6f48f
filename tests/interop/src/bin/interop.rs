//! Runs the lab from the command line: `make interop`, `make interop-replay`.

#![allow(clippy::print_stdout, reason = "a program that reports to a person")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use clap::{Parser, Subcommand};
use express_session_interop::config::StoreKind;
use express_session_interop::generate;
use express_session_interop::lab::{Lab, Mismatch};
use express_session_interop::option_sets::option_sets;
use express_session_interop::script::Script;
use express_session_interop::server::Sabotage;
use express_session_interop::shrink::shrink;
use indicatif::{ProgressBar, ProgressStyle};

/// The real Node packages and ours, request by request.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs many scripts; stops at the first difference and shows the shortest script that has it.
    Run {
        /// The stores, all by default.
        #[arg(long, value_enum, value_delimiter = ',')]
        store: Vec<StoreKind>,
        /// How many scripts for each store.
        #[arg(long, default_value_t = 2000)]
        sequences: u64,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many labs work at the same time.
        #[arg(long, default_value_t = 2)]
        jobs: u64,
        /// Puts a deliberate bug into the Rust server, which must then be found.
        #[arg(long, value_enum)]
        sabotage: Option<Sabotage>,
    },
    /// Runs one script step by step and shows everything.
    Replay {
        /// The store.
        #[arg(long, value_enum)]
        store: StoreKind,
        /// The seed of the script.
        #[arg(long, required_unless_present = "script")]
        seed: Option<u64>,
        /// The script itself, as JSON, in place of a seed.
        #[arg(long)]
        script: Option<String>,
        /// Puts a deliberate bug into the Rust server.
        #[arg(long, value_enum)]
        sabotage: Option<Sabotage>,
    },
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Run { store, sequences, seed, jobs, sabotage } => {
            let stores = if store.is_empty() { StoreKind::ALL.to_vec() } else { store };
            let mut clean = true;
            for store in stores {
                clean &= run(store, seed, sequences, jobs, sabotage)?;
            }
            Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Replay { store, seed, script, sabotage } => {
            let script = match script {
                Some(text) => serde_json::from_str(&text).context("the script is not one")?,
                None => generate::script(seed.unwrap_or_default(), store, &option_sets(store)),
            };
            actix_rt::System::new().block_on(replay(store, &script, sabotage))
        }
    }
}

/// A script with a difference, as short as it could be made.
struct Found {
    seed: u64,
    script: Script,
    mismatch: Mismatch,
}

fn run(store: StoreKind, first: u64, sequences: u64, jobs: u64, sabotage: Option<Sabotage>) -> Result<bool> {
    let bar = ProgressBar::new(sequences);
    bar.set_style(ProgressStyle::with_template("{prefix:>8} {bar:40} {pos}/{len} {per_sec} {eta}")?);
    bar.set_prefix(store.to_string());
    let next = AtomicU64::new(first);
    let found = Mutex::new(None);
    let worker = || -> Result<()> {
        actix_rt::System::new().block_on(async {
            let mut lab = Lab::start(store, option_sets(store), sabotage).await?;
            loop {
                let seed = next.fetch_add(1, Ordering::SeqCst);
                if seed >= first + sequences {
                    return Ok(());
                }
                let script = generate::script(seed, store, &lab.option_sets);
                if let Some(mismatch) = lab.run(&script).await.with_context(|| format!("seed {seed}"))? {
                    next.store(first + sequences, Ordering::SeqCst);
                    let (script, mismatch) = shrink(&mut lab, script, mismatch).await?;
                    *found.lock().map_err(|_| anyhow!("a worker has panicked"))? =
                        Some(Found { seed, script, mismatch });
                    return Ok(());
                }
                bar.inc(1);
            }
        })
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|it| it.join().map_err(|_| anyhow!("a worker has panicked"))?)
    })?;
    bar.finish_and_clear();
    let found = found.into_inner().map_err(|_| anyhow!("a worker has panicked"))?;
    match found {
        None => println!("{store}: {sequences} scripts from seed {first}, no difference"),
        Some(Found { seed, script, mismatch }) => {
            let options = option_sets(store);
            println!("{store}: seed {seed} shows a difference; the shortest script that does:");
            println!("  options {}", serde_json::to_string(&options.get(script.set))?);
            for (number, step) in script.steps.iter().enumerate() {
                println!("  {}. {step}", number + 1);
            }
            println!("{mismatch}");
            println!("again: make interop-replay STORE={store} SEED={seed}");
            println!("short: make interop-replay STORE={store} SCRIPT='{}'", serde_json::to_string(&script)?);
            return Ok(false);
        }
    }
    Ok(true)
}

async fn replay(store: StoreKind, script: &Script, sabotage: Option<Sabotage>) -> Result<ExitCode> {
    let mut lab = Lab::start(store, option_sets(store), sabotage).await?;
    println!("options {}", serde_json::to_string(&lab.option_sets.get(script.set))?);
    lab.watch(script, |index, all| {
        if let Some(step) = script.steps.get(index) {
            println!("\n{}. {step}", index + 1);
        }
        for (space, observed) in all {
            match observed {
                Err(error) => println!("  {space:>5}: no answer: {error}"),
                Ok(observed) => {
                    if let Some(answer) = &observed.answer {
                        println!("  {space:>5}: {answer}");
                    }
                    for (id, entry) in &observed.stored {
                        println!("  {space:>5}  {id} = {} [{}]", entry.document, entry.life);
                    }
                }
            }
        }
        true
    })
    .await?;
    let Some(mismatch) = lab.run(script).await? else {
        println!("\nno difference");
        return Ok(ExitCode::SUCCESS);
    };
    let (script, mismatch) = shrink(&mut lab, script.clone(), mismatch).await?;
    println!("\n{mismatch}\nshortest: {}", serde_json::to_string(&script)?);
    Ok(ExitCode::FAILURE)
}
