//! One writer per session, across threads and processes.
//!
//! The lock is an advisory lock on the session's own file. It leaves nothing behind: no lock files, and a
//! process that dies gives it back. A file that is replaced takes its lock out of the world with it, so after
//! locking we look again whether the name still means the file we hold.
//!
//! A Node server takes no locks. [`crate::atomic_write`] notices when it has written in between.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use express_session_core::StoreError;

use crate::error::{Action, FileError};
use crate::options::LOCK_LIMIT;

/// A session file that nobody else changes while this is held.
#[derive(Debug)]
pub(crate) struct Locked {
    /// Holds the lock.
    _file: File,
    /// Which file this is.
    pub(crate) metadata: Metadata,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
}

/// What is in the file; `None` if there is none. One open, one read.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match options(false).open(path) {
        Ok(file) => read_all(&file).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Action::Read.failed()(error)),
    }
}

/// Locks and reads the file; `None` if there is none.
///
/// # Errors
///
/// [`Interrupted::Busy`] if somebody else holds the lock. It never waits: an I/O thread that waits for one session's lock
/// is one that all others miss.
pub(crate) fn lock(path: &Path) -> Result<Option<Locked>, Interrupted> {
    loop {
        let file = match open_to_lock(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Action::Lock.failed()(error).into()),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Interrupted::Busy),
            Err(TryLockError::Error(error)) => return Err(Action::Lock.failed()(error).into()),
        }
        let metadata = file.metadata().map_err(Action::Lock.failed())?;
        match fs::symlink_metadata(path) {
            Ok(named) if is_same_file(&metadata, &named) => {
                let bytes = read_all(&file)?;
                return Ok(Some(Locked { _file: file, metadata, bytes }));
            }
            // Replaced between opening and locking: the new one is to be locked.
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Action::Lock.failed()(error).into()),
        }
    }
}

/// Why a step that needs a lock has no result. Nothing was changed.
#[derive(Debug)]
pub(crate) enum Interrupted {
    /// Somebody else holds the lock: to be tried again.
    Busy,
    Failed(StoreError),
}

impl From<FileError> for Interrupted {
    fn from(error: FileError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<StoreError> for Interrupted {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// How often a lock is tried again at once: it is held for some 50 microseconds.
const AT_ONCE: u64 = 8;

/// Longer and longer pauses between attempts to lock, until all of them together have reached [`LOCK_LIMIT`].
#[derive(Default)]
pub(crate) struct Pauses {
    attempts: u64,
    waited: Duration,
}

impl Pauses {
    /// The next pause: none at first, then one millisecond more each time, up to five.
    ///
    /// # Errors
    ///
    /// [`FileError::Locked`] once the limit is reached.
    pub(crate) fn next(&mut self) -> Result<Duration, FileError> {
        self.attempts += 1;
        let pause = Duration::from_millis(self.attempts.saturating_sub(AT_ONCE).min(5));
        self.waited += pause;
        if self.waited > LOCK_LIMIT { Err(FileError::Locked(LOCK_LIMIT)) } else { Ok(pause) }
    }
}

/// Tries a step until nobody else holds its lock; for threads that nobody else waits for.
pub(crate) fn wait_for<T>(mut step: impl FnMut() -> Result<T, Interrupted>) -> Result<T, StoreError> {
    let mut pauses = Pauses::default();
    loop {
        match step() {
            Ok(done) => return Ok(done),
            Err(Interrupted::Failed(error)) => return Err(error),
            Err(Interrupted::Busy) => thread::sleep(pauses.next()?),
        }
    }
}

/// Network file systems lock only what is open for writing; a file we may not write can be locked elsewhere.
fn open_to_lock(path: &Path) -> io::Result<File> {
    match options(true).open(path) {
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            options(false).open(path)
        }
        result => result,
    }
}

/// Opens a regular file only: a symbolic link is refused, a pipe does not block.
fn options(write: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(write);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    options
}

fn read_all(mut file: &File) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::with_capacity(1024);
    // `take` keeps `read_to_end` from asking the system for the size first.
    file.by_ref().take(u64::MAX).read_to_end(&mut bytes).map_err(Action::Read.failed())?;
    Ok(bytes)
}

#[cfg(unix)]
pub(crate) fn is_same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    a.ino() == b.ino() && a.dev() == b.dev()
}

/// Windows does not say; there, only the threads of one process exclude each other.
#[cfg(not(unix))]
pub(crate) fn is_same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}
