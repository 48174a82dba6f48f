//! A child process that is ended with its guard.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The program is missing or cannot be run.
    #[error("cannot start `{program}` (run `make deps` to install what the tests need)")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server ended, or did not answer in time.
    #[error("`{program}` did not become ready: {reason}\n{log}")]
    NotReady {
        /// The program.
        program: String,
        /// What happened.
        reason: String,
        /// What it had printed.
        log: String,
    },
    /// A file or socket of ours failed.
    #[error("cannot prepare a server")]
    Io(#[from] io::Error),
}

/// A port on 127.0.0.1 that nobody listens on at the moment.
///
/// # Errors
///
/// If the system has none to give.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Keeps Ctrl-C from a program that has to clean up after it: a terminal sends the signal to the whole group.
pub(crate) fn in_its_own_group(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Process {
    program: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it prints goes to `log`.
    ///
    /// # Errors
    ///
    /// [`StartError::Spawn`] if the program cannot be run.
    pub fn spawn(mut command: Command, log: PathBuf) -> Result<Self, StartError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let output = File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .map_err(|source| StartError::Spawn { program: program.clone(), source })?;
        Ok(Self { program, child, log })
    }

    /// Waits until `ready` says yes, looking again every few milliseconds.
    ///
    /// # Errors
    ///
    /// [`StartError::NotReady`] with what the program printed, if it ends or takes longer than a minute.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<(), StartError> {
        #[allow(clippy::disallowed_methods, reason = "a deadline for a real process")]
        let start = Instant::now();
        while !ready() {
            let reason = match self.child.try_wait()? {
                Some(status) => format!("it ended with {status}"),
                None if start.elapsed() > START_LIMIT => format!("it did not answer within {START_LIMIT:?}"),
                None => {
                    thread::sleep(Duration::from_millis(5));
                    continue;
                }
            };
            return Err(StartError::NotReady { program: self.program.clone(), reason, log: self.log() });
        }
        Ok(())
    }

    /// Waits until something listens on this port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// As [`wait_until`](Self::wait_until).
    pub fn wait_for_port(&mut self, port: u16) -> Result<(), StartError> {
        self.wait_until(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything the program has printed.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Ends the program at once (SIGKILL) and waits for it.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Sends a signal by name (`TERM`, `INT`, `STOP`, `CONT`).
    ///
    /// # Errors
    ///
    /// If `kill` cannot be run or refuses.
    pub fn signal(&self, name: &str) -> io::Result<()> {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("kill -{name} failed"))) }
    }

    /// Waits until the program has ended by itself.
    ///
    /// # Errors
    ///
    /// If it cannot be waited for.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; there is nobody to tell.
        let _ = self.kill();
    }
}
