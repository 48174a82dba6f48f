//! A group watched by Sentinel.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::caretaker::Caretaker;
use super::server::{RedisServer, command};
use crate::process::{Process, StartError, free_port};

/// A master with two replicas, watched by three sentinels.
#[derive(Debug)]
pub struct RedisSentinel {
    servers: Vec<RedisServer>,
    sentinels: Vec<(Process, u16)>,
    folder: TempDir,
}

impl RedisSentinel {
    /// The name the sentinels know the master by.
    pub const MASTER: &'static str = "mymaster";

    /// Starts six processes. A dead master is replaced within a few seconds.
    ///
    /// # Errors
    ///
    /// [`StartError`] if that fails.
    pub fn start() -> Result<Self, StartError> {
        let folder = tempfile::tempdir()?;
        let mut servers: Vec<RedisServer> = Vec::new();
        for number in 0..3 {
            let place = folder.path().join(number.to_string());
            fs::create_dir(&place)?;
            let port = free_port()?;
            let mut arguments = vec!["--port".to_owned(), port.to_string()];
            arguments.extend(["--repl-diskless-sync-delay", "0"].map(str::to_owned));
            if let Some(master) = servers.first() {
                let follow = ["--replicaof", "127.0.0.1", &master.port().to_string()].map(str::to_owned);
                arguments.extend(follow);
            }
            servers.push(RedisServer::start_in(place, port, arguments, None)?);
        }
        let mut group = Self { servers, sentinels: Vec::new(), folder };
        for number in 0..3 {
            group.start_sentinel(number)?;
        }
        group.wait_until_complete()?;
        Ok(group)
    }

    /// The one group that all tests of a program share; it ends with the program.
    ///
    /// # Panics
    ///
    /// If it cannot be started: a test without its servers has failed.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<(RedisSentinel, Caretaker)> = OnceLock::new();
        &SHARED
            .get_or_init(|| {
                let started = Self::start().and_then(|group| {
                    let sentinels = group.sentinels.iter().map(|(process, _)| process.pid());
                    let pids: Vec<_> = group.servers.iter().map(RedisServer::pid).chain(sentinels).collect();
                    let caretaker = Caretaker::of(&pids, group.folder.path())?;
                    Ok((group, caretaker))
                });
                started.unwrap_or_else(|error| panic!("{error}"))
            })
            .0
    }

    fn start_sentinel(&mut self, number: usize) -> Result<(), StartError> {
        let master = self.servers.first().map_or(0, RedisServer::port);
        let (place, port) = (self.folder.path().join(format!("sentinel-{number}")), free_port()?);
        fs::create_dir(&place)?;
        let (name, file) = (Self::MASTER, place.join("sentinel.conf"));
        fs::write(
            &file,
            format!(
                "set-proc-title no\nport {port}\nbind 127.0.0.1\ndir {}\n\
                 sentinel monitor {name} 127.0.0.1 {master} 2\n\
                 sentinel down-after-milliseconds {name} 500\n\
                 sentinel failover-timeout {name} 3000\n\
                 sentinel parallel-syncs {name} 2\n",
                place.display()
            ),
        )?;
        let mut sentinel = Command::new(super::server::program());
        sentinel.arg(&file).arg("--sentinel");
        let mut process = Process::spawn(sentinel, place.join("sentinel.log"))?;
        process.wait_for_port(port)?;
        self.sentinels.push((process, port));
        Ok(())
    }

    /// Waits until the replicas follow and every sentinel knows all of them and its colleagues.
    fn wait_until_complete(&mut self) -> Result<(), StartError> {
        for server in self.servers.iter_mut().skip(1) {
            let port = server.port();
            server.process().wait_until(|| {
                command(port, &["INFO", "replication"])
                    .is_ok_and(|info| info.contains("master_link_status:up"))
            })?;
        }
        for (process, port) in &mut self.sentinels {
            process.wait_until(|| {
                command(*port, &["INFO", "sentinel"])
                    .is_ok_and(|info| info.contains("status=ok,") && info.contains("slaves=2,sentinels=3"))
            })?;
        }
        Ok(())
    }

    /// The URLs of the sentinels.
    pub fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(|(_, port)| format!("redis://127.0.0.1:{port}")).collect()
    }

    /// The ports of the sentinels.
    pub fn sentinel_ports(&self) -> impl Iterator<Item = u16> {
        self.sentinels.iter().map(|(_, port)| *port)
    }

    /// The data servers; after the start the first is the master.
    pub fn servers(&mut self) -> &mut [RedisServer] {
        &mut self.servers
    }
}
