//! Starts the scenario server on the real packages.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::config::ServerConfig;

/// A running Node server; killed when dropped. It also ends by itself when this program is gone.
#[derive(Debug)]
pub struct NodeServer {
    /// The port on 127.0.0.1.
    pub port: u16,
    child: Child,
}

/// The folder of the Node package.
pub fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("node")
}

/// The Node that comes with the packages, as the machine's may be older than they ask for. There are packages of it for
/// Linux; elsewhere the machine's own is taken.
fn program() -> PathBuf {
    if cfg!(target_os = "linux") { package().join("node_modules/.bin/node") } else { "node".into() }
}

impl NodeServer {
    /// Starts the scenario server.
    ///
    /// # Errors
    ///
    /// If Node or the packages are not installed, or the server does not come up.
    pub fn start(config: &ServerConfig) -> Result<Self> {
        Self::run("server.js", &serde_json::to_string(config)?)
    }

    /// Starts one of the package's scripts, which prints `listening on <port>`.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn run(script: &str, argument: &str) -> Result<Self> {
        let folder = package();
        ensure!(
            folder.join("node_modules/express-session").is_dir(),
            "the Node packages are not installed; run `npm ci` in tests/interop/node (`make deps` does)"
        );
        let mut child = Command::new(program())
            .arg(script)
            .arg(argument)
            .current_dir(folder)
            .env("NODE_ENV", "test")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start node")?;
        let mut line = String::new();
        let output = child.stdout.take().context("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().strip_prefix("listening on ").and_then(|port| port.parse().ok());
        let Some(port) = port else {
            let _ = child.kill();
            let _ = child.wait();
            anyhow::bail!("the Node server did not come up; it said: {line}");
        };
        Ok(Self { port, child })
    }

    /// Ends the server at once.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for NodeServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}
