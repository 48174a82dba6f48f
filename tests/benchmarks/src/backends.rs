//! The databases of a run: private, on loopback, with data in throwaway folders.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use express_session_testbed::MariaDb;
use express_session_testbed::redis::RedisServer;
use tempfile::TempDir;

use crate::server::LOAD_PROCESSOR;
use crate::subject::{Store, Subject};

/// What the sessions of one store are kept in.
#[derive(Debug)]
pub(crate) struct Backend {
    store: Store,
    redis: Option<RedisServer>,
    mariadb: Option<MariaDb>,
    folder: TempDir,
}

impl Backend {
    /// Starts what `store` needs, on the processor of the load.
    pub(crate) fn start(store: Store) -> anyhow::Result<Self> {
        Self::start_with(store, &[])
    }

    /// As [`start`](Self::start), with further arguments for the database.
    pub(crate) fn start_with(store: Store, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut backend = Self { store, redis: None, mariadb: None, folder: temporary_folder()? };
        match store {
            Store::Memory | Store::File => {}
            Store::Redis => backend.redis = Some(RedisServer::start(arguments)?),
            Store::Mysql => backend.mariadb = Some(MariaDb::start(arguments)?),
        }
        if let Some(pid) = backend.pid() {
            pin(pid)?;
        }
        Ok(backend)
    }

    /// The process of the database, if there is one.
    pub(crate) fn pid(&self) -> Option<u32> {
        let mariadb = || {
            let file = self.mariadb.as_ref()?.dir().join("mariadb.pid");
            std::fs::read_to_string(file).ok()?.trim().parse().ok()
        };
        self.redis.as_ref().map(RedisServer::pid).or_else(mariadb)
    }

    /// Redis' port.
    pub(crate) fn redis_port(&self) -> Option<u16> {
        self.redis.as_ref().map(RedisServer::port)
    }

    /// Where a subject finds its sessions: a database of its own on MySQL, made if it is not there.
    pub(crate) fn url(&self, subject: &Subject) -> anyhow::Result<String> {
        if let Some(redis) = &self.redis {
            return Ok(redis.url());
        }
        let Some(mariadb) = &self.mariadb else { return Ok(String::new()) };
        let database = subject.serves.replace('-', "_");
        self.sql(&format!("CREATE DATABASE IF NOT EXISTS {database}"))?;
        Ok(mariadb.url(&database))
    }

    /// The folder for a subject's files, made if it is not there.
    pub(crate) fn folder(&self, subject: &Subject) -> anyhow::Result<PathBuf> {
        let folder = self.folder.path().join(subject.serves);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Runs SQL on MariaDB; what it prints.
    pub(crate) fn sql(&self, text: &str) -> anyhow::Result<String> {
        let mariadb = self.mariadb.as_ref().context("no MariaDB in this run")?;
        let output = Command::new("mariadb")
            .args(["--no-defaults", "--batch", "--skip-column-names"])
            .arg(format!("--socket={}", mariadb.socket().display()))
            .arg(format!("--user={}", express_session_testbed::mariadb::USER))
            .env("MYSQL_PWD", express_session_testbed::mariadb::PASSWORD)
            .args(["--execute", text])
            .stdin(Stdio::null())
            .output()
            .context("mariadb")?;
        anyhow::ensure!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Waits until what was written is on the disk: later it would be written while something is timed.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        if matches!(self.store, Store::File | Store::Mysql) {
            let mut sync = Command::new("sync");
            let status = sync.arg("--file-system").arg(self.folder.path()).stdin(Stdio::null()).status()?;
            anyhow::ensure!(status.success(), "sync");
        }
        Ok(())
    }

    pub(crate) const fn store(&self) -> Store {
        self.store
    }
}

/// A folder on a real disk where there is one: what `/tmp` is made of would decide about files.
pub(crate) fn temporary_folder() -> anyhow::Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("session-bench-").tempdir()?)
}

/// Moves all threads of a process to the processor of the load.
fn pin(pid: u32) -> anyhow::Result<()> {
    let pid = pid.to_string();
    let mut taskset = Command::new("taskset");
    let status = taskset.args(["-a", "-p", "-c", LOAD_PROCESSOR, &pid]).stdout(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "cannot choose the processor of a database");
    Ok(())
}

/// Writes one cookie a line, for the load.
pub(crate) fn write_cookies(folder: &Path, name: &str, cookies: &[String]) -> anyhow::Result<PathBuf> {
    let file = folder.join(format!("{name}.cookies"));
    std::fs::write(&file, cookies.join("\n") + "\n")?;
    Ok(file)
}
