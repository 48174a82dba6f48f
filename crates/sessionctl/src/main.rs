#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! `cli` (every command and option), `address` (what a store's URL says), `store` (opens it), `commands` (one file each), `migrate`,
//! `shown` (how ids, sizes and times are shown), `error` (exit codes).

mod address;
mod cli;
mod commands;
mod error;
mod migrate;
mod output;
mod progress;
mod seen;
mod shown;
mod store;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::error::{CtlError, Ended};
use crate::output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // What the stores have to say: a folder that others can write to, a mark that is refused.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .without_time()
        .with_target(false)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
    let mut output = Output::new(cli.json, cli.reveal);
    match run(cli, &mut output).and_then(|ended| output.flush().map(|()| ended)) {
        Ok(ended) => ended.into(),
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sessionctl: {}", error.with_causes());
            error.exit_code()
        }
    }
}

fn run(cli: Cli, output: &mut Output) -> Result<Ended, CtlError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CtlError::Runtime)?;
    let ended = runtime.block_on(commands::run(cli, output));
    // Nothing under way is worth waiting for: what is to be written has been.
    runtime.shutdown_background();
    ended
}
