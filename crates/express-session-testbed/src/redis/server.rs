//! One server.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use super::caretaker::Caretaker;
use crate::process::{Process, StartError, free_port};

/// How long one answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

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
        Self::start_on(free_port()?, arguments)
    }

    /// As [`start`](Self::start), on a port that has been chosen.
    ///
    /// # Errors
    ///
    /// [`StartError`] if it cannot be started.
    pub fn start_on(port: u16, arguments: &[&str]) -> Result<Self, StartError> {
        let folder = tempfile::tempdir()?;
        let mut all = vec!["--port".to_owned(), port.to_string()];
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        Self::start_in(folder.path().to_owned(), port, all, Some(folder))
    }

    /// The one server that all tests of a program share; it ends with the program.
    ///
    /// # Panics
    ///
    /// If it cannot be started: a test without its server has failed.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<(RedisServer, Caretaker)> = OnceLock::new();
        &SHARED
            .get_or_init(|| {
                let started = Self::start(&[]).and_then(|server| {
                    let caretaker = Caretaker::of(&[server.process.pid()], &server.folder)?;
                    Ok((server, caretaker))
                });
                started.unwrap_or_else(|error| panic!("{error}"))
            })
            .0
    }

    pub(super) fn start_in(
        folder: PathBuf,
        port: u16,
        arguments: Vec<String>,
        own_folder: Option<TempDir>,
    ) -> Result<Self, StartError> {
        let mut process = spawn(&folder, &arguments)?;
        process.wait_for_port(port)?;
        Ok(Self { process, port, folder, arguments, _own_folder: own_folder })
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
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

    /// Starts it again as [`restart`](Self::restart) does, with these arguments behind the others.
    ///
    /// # Errors
    ///
    /// [`StartError`] if it cannot be started.
    pub fn restart_with(&mut self, arguments: &[&str]) -> Result<(), StartError> {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self.restart()
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

/// What is started: `REDIS_SERVER`, for other servers that speak the same language.
pub(super) fn program() -> OsString {
    env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

fn spawn(folder: &Path, arguments: &[String]) -> Result<Process, StartError> {
    let mut server = Command::new(program());
    server
        .args(["--bind", "127.0.0.1", "--daemonize", "no", "--save", "", "--set-proc-title", "no", "--dir"])
        .arg(folder);
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
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        request.extend_from_slice(format!("${}\r\n{argument}\r\n", argument.len()).as_bytes());
    }
    stream.write_all(&request)?;
    let mut answer = String::new();
    read_answer(&mut BufReader::new(stream), &mut answer)?;
    if answer.starts_with('-') { Err(io::Error::other(answer)) } else { Ok(answer) }
}

/// Appends one answer, with all its parts.
fn read_answer(stream: &mut impl BufRead, answer: &mut String) -> io::Result<()> {
    let start = answer.len();
    if stream.read_line(answer)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = answer.get(start..).unwrap_or_default();
    let count = line.get(1..).and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0);
    if line.starts_with('*') {
        return (0..count).try_for_each(|_| read_answer(stream, answer));
    }
    if line.starts_with('$') && count > 0 {
        let mut text = Vec::new();
        stream.take(count + 2).read_to_end(&mut text)?;
        answer.push_str(&String::from_utf8_lossy(&text));
    }
    Ok(())
}
