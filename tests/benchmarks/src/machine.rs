//! What it was measured on, and with what.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::server::{node, node_folder};
use crate::subject::Program;

/// Processor, cores, memory, system.
pub(crate) fn machine() -> BTreeMap<String, String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split_once(':'))
            .map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let memory = value(&read("/proc/meminfo"), "MemTotal");
    let gigabytes = memory.split(' ').next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1e6;
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    BTreeMap::from([
        ("processor".to_owned(), value(&read("/proc/cpuinfo"), "model name")),
        ("cores".to_owned(), cores.to_string()),
        ("memory".to_owned(), format!("{gigabytes:.0} GB")),
        ("kernel".to_owned(), format!("Linux {}", read("/proc/sys/kernel/osrelease").trim())),
        (
            "system".to_owned(),
            value(&read("/etc/os-release").replace('=', ":"), "PRETTY_NAME").replace('"', ""),
        ),
    ])
}

/// Of everything that takes part.
pub(crate) fn versions() -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap_or_default();
    for name in [
        "actix-web",
        "actix-session",
        "axum",
        "tower-sessions",
        "tower-sessions-redis-store",
        "tower-sessions-sqlx-store",
        "fred",
        "sqlx",
    ] {
        versions.extend(locked(&lock, name).map(|version| (name.to_owned(), version)));
    }
    let package = fs::read_to_string(node_folder().join("package.json")).unwrap_or_default();
    let package: serde_json::Value = serde_json::from_str(&package).unwrap_or_default();
    for (name, version) in package["dependencies"].as_object().into_iter().flatten() {
        versions.insert(name.clone(), version.as_str().unwrap_or_default().to_owned());
    }
    let programs = [
        ("rustc", "rustc", "--version"),
        ("redis-server", "redis-server", "--version"),
        ("mariadbd", "mariadbd", "--version"),
        ("wrk", "wrk", "--version"),
        ("valgrind", "valgrind", "--version"),
    ];
    for (name, program, argument) in programs {
        versions
            .extend(first_line(Path::new(program), argument).map(|line| (name.to_owned(), number(&line))));
    }
    let nodes = [("node (current)", Program::CurrentNode), ("node (older)", Program::Node)];
    for (name, program) in nodes {
        versions.extend(first_line(&node(program), "--version").map(|line| (name.to_owned(), number(&line))));
    }
    versions
}

/// The commit, with a mark if the tree has changes that are not in it.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"]).is_empty();
    git(&["rev-parse", "--short=10", "HEAD"]) + if changed { " with changes" } else { "" }
}

/// The time, as people write it.
pub(crate) fn now() -> String {
    first_line(Path::new("date"), "+%Y-%m-%d %H:%M UTC%z").unwrap_or_default().replace("UTC+0000", "UTC")
}

fn first_line(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&text).lines().next().map(str::to_owned)
}

/// The first thing in a line that looks like a version.
fn number(line: &str) -> String {
    let is_version =
        |word: &&str| word.chars().next().is_some_and(|first| first.is_ascii_digit()) && word.contains('.');
    let words = line.split([' ', '=', ',', '/']).map(|word| word.trim_start_matches('v'));
    words
        .map(|word| word.strip_prefix("algrind-").unwrap_or(word))
        .find(is_version)
        .unwrap_or(line)
        .to_owned()
}

/// The newest version of a crate in a lock file.
fn locked(lock: &str, name: &str) -> Option<String> {
    let line = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|it| *it != line);
    lines.nth(1)?.strip_prefix("version = ").map(|version| version.replace('"', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (line, version) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", "1.95.0"),
            ("Redis server v=7.0.15 sha=00000000:0", "7.0.15"),
            ("mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu", "10.11.14-MariaDB-0+deb12u2"),
            ("v26.10.0", "26.10.0"),
            ("valgrind-3.19.0", "3.19.0"),
            ("wrk debian/4.1.0-3+b2 [epoll]", "4.1.0-3+b2"),
        ] {
            assert_eq!(number(line), version);
        }
    }

    #[test]
    fn a_locked_version_is_the_line_below_the_name() {
        let lock = "[[package]]\nname = \"axum\"\nversion = \"0.8.9\"\n";
        assert_eq!(locked(lock, "axum").unwrap(), "0.8.9");
        assert_eq!(locked(lock, "axu"), None);
    }
}
