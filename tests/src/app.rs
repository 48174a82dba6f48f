//! An app's program, built and started on a free port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::sync::Mutex;
use std::{env, fs};

use express_session_testbed::Process;
use tempfile::TempDir;

/// A running app; ended with its guard.
#[derive(Debug)]
pub struct RunningApp {
    process: Process,
    address: SocketAddr,
    folder: TempDir,
}

impl RunningApp {
    /// Starts an app on a free port, in a working folder of its own, with these environment variables.
    pub fn start(app: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), app, variables)
    }

    /// As [`start`](Self::start), in the folder of an app that ran before.
    pub fn start_in(folder: TempDir, app: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = command(app);
        command.current_dir(folder.path()).env("PORT", "0").envs(variables.iter().copied());
        let mut process = Process::spawn(command, folder.path().join("app.log")).unwrap();
        let log = folder.path().join("app.log");
        process.wait_until(|| address_in(&log).is_some()).unwrap();
        let address = address_in(&log).expect("the app prints its address once it listens");
        Self { process, address, folder }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address with a path, for a browser.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The folder it works in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has printed and logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Sends SIGTERM, or another signal by name, and waits for the end; the folder is kept.
    pub fn stop(mut self, signal: &str) -> (ExitStatus, String, TempDir) {
        self.process.signal(signal).unwrap();
        let status = self.process.wait().unwrap();
        let log = self.process.log();
        (status, log, self.folder)
    }
}

/// Runs an app that is expected to end by itself.
pub fn run_to_end(app: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    command(app).args(arguments).current_dir(folder.path()).envs(variables.iter().copied()).output().unwrap()
}

/// The app's program with an environment in which nothing overrides its configuration.
fn command(app: &str) -> Command {
    let mut command = Command::new(program(app));
    for (name, _) in env::vars_os() {
        let known =
            ["PORT", "SESSION_SECRET", "COOKIE_SECRET", "DATABASE_URL", "REDIS_URL", "NODE_ENV", "RUST_LOG"];
        if name.to_str().is_some_and(|name| known.contains(&name) || name.starts_with("APP__")) {
            command.env_remove(name);
        }
    }
    command
}

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the workspace")
}

/// The folder that cargo builds this test into.
pub fn target_folder() -> PathBuf {
    // <target>/debug/deps/<this test>
    let test = env::current_exe().unwrap();
    test.ancestors().nth(2).expect("cargo builds tests into <target>/<profile>/deps").to_owned()
}

/// The app's program; built now, unless `APPS_ARE_BUILT` says that this was just done.
fn program(app: &str) -> PathBuf {
    static BUILT: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let program = target_folder().join(app);
    let mut fresh = BUILT.lock().unwrap();
    if !fresh.iter().any(|name| name == app) {
        if env::var_os("APPS_ARE_BUILT").is_none() {
            let build = cargo().args(["build", "--quiet", "-p", app]).output().unwrap();
            assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
        }
        fresh.push(app.to_owned());
    }
    program
}

/// Cargo in the workspace, building into the folder this test was built into.
pub fn cargo() -> Command {
    let target = target_folder();
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace()).env("CARGO_TARGET_DIR", target.parent().expect("<target>/<profile>"));
    command
}

/// The address in the line that an app prints when it listens.
fn address_in(log: &Path) -> Option<SocketAddr> {
    let log = fs::read_to_string(log).ok()?;
    // Only a whole line: the app may be in the middle of it.
    let (line, _) = log.split_once("listening on http://")?.1.split_once('\n')?;
    line.replace("localhost", "127.0.0.1").parse().ok()
}
