//! A private MariaDB server in a throwaway folder.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::{fs, io};

use tempfile::TempDir;

use crate::process::{Process, StartError, free_port, in_its_own_group};

/// The user of every private server; it may do anything.
pub const USER: &str = "tester";

/// Its password.
pub const PASSWORD: &str = "only for private servers";

/// The same, as it stands in a URL.
const PASSWORD_IN_URL: &str = "only%20for%20private%20servers";

/// What makes a server quick whose data nobody will miss, and keeps it from the rest of the machine.
const OPTIONS: &[&str] = &[
    "--bind-address=127.0.0.1",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=128M",
    "--innodb-log-file-size=48M",
    "--performance-schema=0",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
];

/// A running server. It is killed, and its data removed, when dropped.
#[derive(Debug)]
pub struct MariaDb {
    process: Process,
    port: u16,
    options: Vec<String>,
    dir: TempDir,
}

impl MariaDb {
    /// Starts a server with these options in addition, such as `--max-connections=4`.
    ///
    /// # Errors
    ///
    /// [`StartError`] if MariaDB is not installed or does not come up.
    pub fn start(options: &[&str]) -> Result<Self, StartError> {
        let dir = temporary_folder()?;
        copy_folder(template()?, &data(dir.path()))?;
        fs::write(
            dir.path().join("init.sql"),
            format!(
                "CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n\
                 GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
            ),
        )?;
        let port = free_port()?;
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let process = spawn(dir.path(), port, &options)?;
        let mut server = Self { process, port, options, dir };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The one server that all tests of a program share. It ends with the program.
    ///
    /// # Panics
    ///
    /// If it cannot be started: a test without its server has failed.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<(MariaDb, Child)> = OnceLock::new();
        let (server, _) = SHARED.get_or_init(|| {
            let started = Self::start(&[]).and_then(|server| {
                let caretaker = caretaker(Some(server.process.pid()), server.dir.path())?;
                Ok((server, caretaker))
            });
            match started {
                Ok(shared) => shared,
                Err(error) => panic!("{error}"),
            }
        });
        server
    }

    /// The URL of a database on this server, by TCP.
    pub fn url(&self, database: &str) -> String {
        format!("mysql://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{}/{database}", self.port)
    }

    /// The server's port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The server's Unix domain socket.
    pub fn socket(&self) -> PathBuf {
        socket(self.dir.path())
    }

    /// The server's folder, for files that a test hands to it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Ends the server at once, as a crash would.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill().map(drop)
    }

    /// Stops (`STOP`) or continues (`CONT`) the server, or asks it to end (`TERM`).
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn signal(&self, name: &str) -> io::Result<()> {
        self.process.signal(name)
    }

    /// Starts the server again after [`kill`](Self::kill), with its data, on the same port.
    ///
    /// # Errors
    ///
    /// [`StartError`] if it does not come up.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.process = spawn(self.dir.path(), self.port, &self.options)?;
        self.wait_until_ready()
    }

    /// The network is opened after the initial SQL was run.
    fn wait_until_ready(&mut self) -> Result<(), StartError> {
        self.process.wait_for_port(self.port)
    }
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("mariadb.sock")
}

fn data(dir: &Path) -> PathBuf {
    dir.join("data")
}

fn temporary_folder() -> io::Result<TempDir> {
    tempfile::Builder::new().prefix("mariadb-").tempdir()
}

/// A data folder with nothing but the system tables, made once per program: copying it is quicker.
fn template() -> Result<&'static Path, StartError> {
    static TEMPLATE: Mutex<Option<(&'static Path, Child)>> = Mutex::new(None);
    let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((data, _)) = &*template {
        return Ok(data);
    }
    let dir = temporary_folder()?;
    install(dir.path())?;
    // It must outlive every server; the caretaker removes it at the end of the program.
    let dir = dir.keep();
    let caretaker = caretaker(None, &dir)?;
    let (data, _) = template.insert((Box::leak(data(&dir).into_boxed_path()), caretaker));
    Ok(data)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Creates the system tables.
fn install(dir: &Path) -> Result<(), StartError> {
    let mut command = Command::new("mariadb-install-db");
    command
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data(dir).display()))
        .arg(own_temporary_folder(dir))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"])
        .args(OPTIONS);
    if is_root() {
        command.arg("--user=root");
    }
    let log = dir.join("install.log");
    let mut process = Process::spawn(command, log)?;
    let status = process.wait()?;
    if status.success() {
        return Ok(());
    }
    Err(StartError::NotReady {
        program: "mariadb-install-db".into(),
        reason: format!("it ended with {status}"),
        log: process.log(),
    })
}

/// Not the system's: a server that starts removes the temporary tables it finds there, also those of others.
fn own_temporary_folder(dir: &Path) -> String {
    format!("--tmpdir={}", dir.display())
}

fn spawn(dir: &Path, port: u16, options: &[String]) -> Result<Process, StartError> {
    let mut command = Command::new("mariadbd");
    command
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data(dir).display()))
        .arg(own_temporary_folder(dir))
        .arg(format!("--socket={}", socket(dir).display()))
        .arg(format!("--pid-file={}", dir.join("mariadb.pid").display()))
        .arg(format!("--init-file={}", dir.join("init.sql").display()))
        .arg(format!("--port={port}"))
        .args(OPTIONS)
        .args(options);
    if is_root() {
        command.arg("--user=root");
    }
    Process::spawn(command, dir.join("server.log"))
}

/// MariaDB refuses to run as root unless told so.
fn is_root() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        fs::metadata("/proc/self").is_ok_and(|owner| owner.uid() == 0)
    }
    #[cfg(not(unix))]
    {
        false
    }
}

/// Waits until this program has ended, however it does, then ends its server and removes the folder.
///
/// A static is never dropped; but the caretaker's standard input is closed with the program.
fn caretaker(server: Option<u32>, dir: &Path) -> io::Result<Child> {
    // Only the process that has this folder in its command line, in case its number has been given away.
    const SCRIPT: &str = r#"
        cat >/dev/null
        if [ "$0" != none ] && grep -qs -- "$1" "/proc/$0/cmdline"; then kill -9 "$0"; fi
        rm -rf -- "$1"
    "#;
    let mut caretaker = Command::new("sh");
    caretaker
        .args(["-c", SCRIPT])
        .arg(server.map_or_else(|| "none".to_owned(), |pid| pid.to_string()))
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    in_its_own_group(&mut caretaker).spawn()
}
