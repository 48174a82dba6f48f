//! Private Redis servers: one alone, a cluster of three masters with a replica each, a group watched by Sentinel.
//!
//! Nothing is written but in a throwaway folder; everything listens on 127.0.0.1 and ends with its guard.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Process, StartError, free_port};

/// How long `redis-cli` may wait for one answer.
const CLI_LIMIT: Duration = Duration::from_secs(10);

/// One `redis-server`.
#[derive(Debug)]
pub struct RedisServer {
    process: Process,
    port: u16,
    folder: PathBuf,
    arguments: Vec<String>,
    // Last, so that the folder goes after the process.
    _own_folder: Option<TempDir>,
}

impl RedisServer {
    /// A server that keeps everything in memory, with further arguments as on its command line
    /// (`["--requirepass", "…"]`).
    ///
    /// # Errors
    ///
    /// [`StartError`] if it cannot be started.
    pub fn start(arguments: &[&str]) -> Result<Self, StartError> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let mut all = vec!["--port".to_owned(), port.to_string()];
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let mut server = Self::start_in(folder.path().to_owned(), port, all)?;
        server._own_folder = Some(folder);
        Ok(server)
    }

    fn start_in(folder: PathBuf, port: u16, arguments: Vec<String>) -> Result<Self, StartError> {
        let mut process = spawn(&folder, &arguments)?;
        process.wait_for_port(port)?;
        Ok(Self { process, port, folder, arguments, _own_folder: None })
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps its files; a good place for a unix socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Ends it at once (SIGKILL).
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill().map(drop)
    }

    /// Starts it again on the same port, with the same arguments and what its folder holds.
    ///
    /// # Errors
    ///
    /// [`StartError`] if it cannot be started.
    pub fn restart(&mut self) -> Result<(), StartError> {
        // It may have been killed already.
        let _ = self.process.kill();
        self.process = spawn(&self.folder, &self.arguments)?;
        self.process.wait_for_port(self.port)
    }

    /// Sends one command and gives back the answer as the server writes it (RESP2, line ends included).
    ///
    /// # Errors
    ///
    /// If the server is not there, or answers with an error.
    pub fn command(&self, arguments: &[&str]) -> io::Result<String> {
        command(self.port, arguments)
    }
}

fn spawn(folder: &Path, arguments: &[String]) -> Result<Process, StartError> {
    let mut server = Command::new("redis-server");
    server.args(["--bind", "127.0.0.1", "--daemonize", "no", "--save", "", "--dir"]).arg(folder);
    server.args(arguments).current_dir(folder);
    Process::spawn(server, folder.join("redis.log"))
}

/// Sends one command to the server at this port of 127.0.0.1; the answer as it was written (RESP2).
///
/// # Errors
///
/// If the server is not there, or answers with an error.
pub fn command(port: u16, arguments: &[&str]) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(CLI_LIMIT))?;
    let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        request.extend_from_slice(format!("${}\r\n{argument}\r\n", argument.len()).as_bytes());
    }
    // The server closes after QUIT, which ends the answer.
    request.extend_from_slice(b"*1\r\n$4\r\nQUIT\r\n");
    stream.write_all(&request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(answer.strip_suffix(b"+OK\r\n").unwrap_or(&answer)).into_owned();
    if answer.starts_with('-') { Err(io::Error::other(answer)) } else { Ok(answer) }
}

/// Three masters and three replicas that share all slots.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
    _folder: TempDir,
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
            nodes.push(RedisServer::start_in(place, port.parse().unwrap_or_default(), arguments)?);
        }
        let mut join = Command::new("redis-cli");
        join.args(["--cluster", "create"]);
        join.args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
        join.args(["--cluster-replicas", "1", "--cluster-yes"]);
        let mut joining = Process::spawn(join, folder.path().join("create.log"))?;
        let joined = joining.wait()?;
        if !joined.success() {
            return Err(io::Error::other(joining.log()).into());
        }
        let mut cluster = Self { nodes, _folder: folder };
        cluster.wait_until_complete()?;
        Ok(cluster)
    }

    /// Waits until every running node finds all slots served and every replica follows its master.
    ///
    /// # Errors
    ///
    /// [`StartError::NotReady`] if that takes longer than a minute.
    pub fn wait_until_complete(&mut self) -> Result<(), StartError> {
        for node in &mut self.nodes {
            let port = node.port;
            if command(port, &["PING"]).is_err() {
                continue;
            }
            node.process.wait_until(|| {
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
            let master = node.command(&["INFO", "replication"]).is_ok_and(|info| info.contains("role:master"));
            // Another node would answer MOVED.
            if master && node.command(&["EXISTS", key]).is_ok() {
                return Ok(number);
            }
        }
        Err(io::Error::other("no master serves this key"))
    }
}

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
                let follow = ["--replicaof", "127.0.0.1", &master.port.to_string()].map(str::to_owned);
                arguments.extend(follow);
            }
            servers.push(RedisServer::start_in(place, port, arguments)?);
        }
        let mut group = Self { servers, sentinels: Vec::new(), folder };
        for number in 0..3 {
            group.start_sentinel(number)?;
        }
        group.wait_until_complete()?;
        Ok(group)
    }

    fn start_sentinel(&mut self, number: usize) -> Result<(), StartError> {
        let master = self.servers.first().map_or(0, RedisServer::port);
        let (place, port) = (self.folder.path().join(format!("sentinel-{number}")), free_port()?);
        fs::create_dir(&place)?;
        let (name, file) = (Self::MASTER, place.join("sentinel.conf"));
        fs::write(
            &file,
            format!(
                "port {port}\nbind 127.0.0.1\ndir {}\n\
                 sentinel monitor {name} 127.0.0.1 {master} 2\n\
                 sentinel down-after-milliseconds {name} 500\n\
                 sentinel failover-timeout {name} 3000\n\
                 sentinel parallel-syncs {name} 2\n",
                place.display()
            ),
        )?;
        let mut sentinel = Command::new("redis-server");
        sentinel.arg(&file).arg("--sentinel");
        let mut process = Process::spawn(sentinel, place.join("sentinel.log"))?;
        process.wait_for_port(port)?;
        self.sentinels.push((process, port));
        Ok(())
    }

    /// Waits until the replicas follow and every sentinel knows all of them and its colleagues.
    fn wait_until_complete(&mut self) -> Result<(), StartError> {
        for server in self.servers.iter_mut().skip(1) {
            let port = server.port;
            server.process.wait_until(|| {
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

    /// The data servers; after the start the first is the master.
    pub fn servers(&mut self) -> &mut [RedisServer] {
        &mut self.servers
    }
}
