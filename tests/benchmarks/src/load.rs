//! Load by `wrk`, pinned to its own processor: many connections, each asking again as soon as it is answered.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// How many connections ask at the same time.
pub(crate) const CONNECTIONS: u32 = 32;

/// The script that chooses requests and reports the result as JSON.
const SCRIPT: &str = include_str!("load.lua");

/// What `wrk` has seen.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    /// Failed connections, answers other than pages, time-outs.
    pub(crate) errors: u64,
    pub(crate) seconds: f64,
    /// Latencies in microseconds: `(percentile, microseconds)`, the last one is the slowest.
    pub(crate) latency: Vec<(f64, f64)>,
}

impl Seen {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// What one load is.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) port: u16,
    /// The page; [`VISIT`] for logins and logouts in turn.
    pub(crate) page: &'a str,
    /// A file of cookies, one a line, to be used in turn.
    pub(crate) cookies: Option<&'a Path>,
    pub(crate) seconds: f64,
    pub(crate) processors: &'a str,
}

/// The page name that stands for a login, then a logout with its cookie.
pub(crate) const VISIT: &str = "visit";

/// Writes the script into `folder`, for [`run`].
pub(crate) fn write_script(folder: &Path) -> anyhow::Result<PathBuf> {
    let script = folder.join("load.lua");
    fs::write(&script, SCRIPT)?;
    Ok(script)
}

/// Runs one load to its end.
pub(crate) fn run(script: &Path, load: &Load<'_>) -> anyhow::Result<Seen> {
    let milliseconds = (load.seconds * 1000.0).round();
    anyhow::ensure!(milliseconds >= 1000.0, "wrk runs for whole seconds");
    let mut command = Command::new("taskset");
    command.args(["-c", load.processors, "wrk", "-t1"]);
    command.arg(format!("-c{CONNECTIONS}")).arg(format!("-d{}s", load.seconds.round()));
    command.arg("-s").arg(script).arg(format!("http://127.0.0.1:{}", load.port));
    command.arg("--").arg(load.page);
    if let Some(cookies) = load.cookies {
        command.arg(cookies);
    }
    let output =
        command.process_group(0).stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).with_context(|| format!("wrk printed no result: {text}"))
}

/// The result is the line that the script prints last.
fn parse(text: &str) -> Option<Seen> {
    text.lines().rev().find(|line| line.starts_with('{')).and_then(|line| serde_json::from_str(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_found_among_what_wrk_prints() {
        let text = "Running 2s test @ http://127.0.0.1:1\n  1 threads and 32 connections\n\
            Requests/sec:  2.00\n\
            {\"requests\":4,\"errors\":0,\"seconds\":2.0,\"latency\":[[50,10.5],[100,99]]}\n";
        let seen = parse(text).unwrap();
        assert_eq!(seen.per_second(), 2.0);
        assert_eq!(seen.latency, [(50.0, 10.5), (100.0, 99.0)]);
        assert_eq!(parse("unable to connect"), None);
    }
}
