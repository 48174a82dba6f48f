//! A cluster.

use std::process::Command;
use std::sync::OnceLock;
use std::{fs, io};

use tempfile::TempDir;

use super::caretaker::Caretaker;
use super::server::{RedisServer, command};
use crate::process::{Process, StartError, free_port};

/// Three masters and three replicas that share all slots.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
    folder: TempDir,
}

impl RedisCluster {
    /// Starts six servers and joins them. A dead master is replaced within about two seconds.
    ///
    /// # Errors
    ///
    /// [`StartError`] if that fails.
    pub fn start() -> Result<Self, StartError> {
        let folder = tempfile::tempdir()?;
        let mut nodes = Vec::new();
        for number in 0..6 {
            let place = folder.path().join(number.to_string());
            fs::create_dir(&place)?;
            let (port, bus) = (free_port()?.to_string(), free_port()?.to_string());
            let arguments = [
                ["--port", &port],
                ["--cluster-enabled", "yes"],
                ["--cluster-port", &bus],
                ["--cluster-node-timeout", "500"],
                ["--cluster-replica-validity-factor", "0"],
                ["--repl-diskless-sync-delay", "0"],
                ["--appendonly", "no"],
            ];
            let arguments = arguments.concat().into_iter().map(str::to_owned).collect();
            nodes.push(RedisServer::start_in(place, port.parse().unwrap_or_default(), arguments, None)?);
        }
        let mut join = Command::new("redis-cli");
        join.args(["--cluster", "create"]);
        join.args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())));
        join.args(["--cluster-replicas", "1", "--cluster-yes"]);
        let mut joining = Process::spawn(join, folder.path().join("create.log"))?;
        let joined = joining.wait()?;
        if !joined.success() {
            return Err(io::Error::other(joining.log()).into());
        }
        let mut cluster = Self { nodes, folder };
        cluster.wait_until_complete()?;
        Ok(cluster)
    }

    /// The one cluster that all tests of a program share; it ends with the program.
    ///
    /// # Panics
    ///
    /// If it cannot be started: a test without its servers has failed.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<(RedisCluster, Caretaker)> = OnceLock::new();
        &SHARED
            .get_or_init(|| {
                let started = Self::start().and_then(|cluster| {
                    let pids: Vec<_> = cluster.nodes.iter().map(RedisServer::pid).collect();
                    let caretaker = Caretaker::of(&pids, cluster.folder.path())?;
                    Ok((cluster, caretaker))
                });
                started.unwrap_or_else(|error| panic!("{error}"))
            })
            .0
    }

    /// Waits until every running node finds all slots served and every replica follows its master.
    ///
    /// # Errors
    ///
    /// [`StartError::NotReady`] if that takes longer than a minute.
    pub fn wait_until_complete(&mut self) -> Result<(), StartError> {
        for node in &mut self.nodes {
            let port = node.port();
            if command(port, &["PING"]).is_err() {
                continue;
            }
            node.process().wait_until(|| {
                let complete = command(port, &["CLUSTER", "INFO"]).is_ok_and(|info| {
                    info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:6")
                });
                let following = command(port, &["INFO", "replication"])
                    .is_ok_and(|info| info.contains("role:master") || info.contains("master_link_status:up"));
                complete && following
            })?;
        }
        Ok(())
    }

    /// The URLs of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// The nodes; after the start the first three are the masters.
    pub fn nodes(&mut self) -> &mut [RedisServer] {
        &mut self.nodes
    }

    /// The number, in [`nodes`](Self::nodes), of the master that serves this key.
    ///
    /// # Errors
    ///
    /// If no node answers.
    pub fn master_of(&self, key: &str) -> io::Result<usize> {
        for (number, node) in self.nodes.iter().enumerate() {
            let master =
                node.command(&["INFO", "replication"]).is_ok_and(|info| info.contains("role:master"));
            // Another node would answer MOVED.
            if master && node.command(&["EXISTS", key]).is_ok() {
                return Ok(number);
            }
        }
        Err(io::Error::other("no master serves this key"))
    }
}
