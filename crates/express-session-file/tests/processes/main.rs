//! What several processes do to one folder, what killing them leaves, and what a hostile system does to one.
//!
//! This program starts itself again as its child processes, so it has a `main` of its own instead of the test
//! harness. `cargo test --test processes -- NAME` runs the scenarios whose names contain NAME.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "test code: a panic is the failure"
)]

mod counting;
mod faults;
mod killing;
mod waiting;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use express_session_core::{Cookie, Data, Document, SessionId};
use express_session_file::{FileOptions, FileStore};

/// A scenario: its name, and what to do.
type Scenario = (&'static str, fn());

const SCENARIOS: [Scenario; 7] = [
    ("increments_from_four_processes_are_exact", counting::exact),
    ("writers_killed_200_times_lose_nothing", killing::lose_nothing),
    ("a_full_disk_fails_one_request_and_nothing_else", faults::full_disk),
    ("a_read_only_folder_can_still_be_read", faults::read_only),
    ("too_many_open_files_fail_one_request_and_nothing_else", faults::too_many_open_files),
    ("a_folder_replaced_by_a_file_is_an_error_until_it_is_back", faults::no_folder),
    ("a_lock_held_for_ever_is_a_timeout", waiting::timeout),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [child, role, rest @ ..] = arguments.as_slice()
        && child == "child"
    {
        return play(role, rest);
    }
    let filter = arguments.iter().find(|argument| !argument.starts_with('-')).cloned().unwrap_or_default();
    for (name, scenario) in SCENARIOS.iter().filter(|(name, _)| name.contains(&filter)) {
        println!("test {name} ...");
        scenario();
        println!("test {name} ... ok");
    }
}

fn play(role: &str, arguments: &[String]) {
    match role {
        "count" => counting::child(arguments),
        "write" => killing::child(arguments),
        "full-disk" => faults::full_disk_child(arguments),
        "read-only" => faults::read_only_child(arguments),
        "open-files" => faults::open_files_child(arguments),
        "hold" => waiting::child(arguments),
        other => panic!("an unknown role: {other}"),
    }
}

/// This program in a role, to be run directly.
fn role(role: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", role]).arg(folder);
    command
}

/// This program in a role, started by a shell after `setup`, in which `$1` is the folder.
fn role_after(setup: &str, name: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    let program = std::env::current_exe().unwrap();
    command
        .arg("-c")
        .arg(format!("{setup} && exec \"$2\" child {name} \"$1\""))
        .arg("sh")
        .arg(folder)
        .arg(program);
    command
}

fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Runs a child to its end, which must be a good one.
fn succeed(mut command: Command) {
    let status = command.status().expect("the program can be started");
    assert!(status.success(), "the child process failed: {status}");
}

fn open(folder: impl AsRef<Path>) -> FileStore {
    FileStore::new(FileOptions::new().path(folder.as_ref()).reap_interval(None)).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

fn with(key: &str, value: impl serde::Serialize) -> Document {
    let mut data = Data::new(Cookie::default());
    data.insert(key, value).unwrap();
    data.encode()
}

/// A session without data.
fn empty() -> Document {
    Data::new(Cookie::default()).encode()
}
