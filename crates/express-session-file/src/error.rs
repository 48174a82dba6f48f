//! What can go wrong with a folder of sessions. No text here holds a path, because paths hold ids.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use express_session_core::StoreError;

/// Why the folder could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system refused. `source()` says why: disk full, read-only, too many open files …
    #[error("cannot {action}")]
    Io {
        /// What was tried.
        action: Action,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// Another process held the session's lock for too long.
    #[error("another process held the session's lock for {0:?}")]
    Locked(Duration),
    /// The file extension cannot be part of a file name, or would look like a temporary file of Node's.
    #[error("the file extension {0}")]
    Extension(&'static str),
    /// The secret for encryption is empty.
    #[error("the secret for encryption must not be empty")]
    EmptySecret,
    /// The parameters of the key derivation are not possible ones.
    #[error("the parameters of the key derivation are out of range")]
    KeyDerivation,
    /// The session could not be encrypted.
    #[error("the session cannot be encrypted")]
    Encrypt,
    /// The thread that should have answered is gone.
    #[error("the I/O threads of the store have ended")]
    Stopped,
}

/// What was being done when the operating system refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Creating the folder, or looking at it.
    CreateFolder,
    /// Trying whether the folder can be written.
    Probe,
    /// Listing the folder.
    List,
    /// Reading a session.
    Read,
    /// Locking a session.
    Lock,
    /// Writing the temporary file.
    Write,
    /// Putting the temporary file in place.
    Replace,
    /// Flushing to the disk.
    Sync,
    /// Removing a session.
    Remove,
    /// Moving a file to the quarantine.
    Quarantine,
    /// Reading or changing the list of an owner's sessions.
    Owners,
    /// Starting a thread.
    StartThread,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CreateFolder => "create the session folder",
            Self::Probe => "write to the session folder",
            Self::List => "list the session folder",
            Self::Read => "read a session file",
            Self::Lock => "lock a session file",
            Self::Write => "write a session file",
            Self::Replace => "put a session file in place",
            Self::Sync => "flush a session file to the disk",
            Self::Remove => "remove a session file",
            Self::Quarantine => "move a session file to the quarantine",
            Self::Owners => "keep the list of an owner's sessions",
            Self::StartThread => "start a thread",
        })
    }
}

impl Action {
    /// For `map_err`.
    pub(crate) fn failed(self) -> impl Fn(io::Error) -> FileError {
        move |source| FileError::Io { action: self, source }
    }
}

impl FileError {
    /// Whether it is a missing file or folder.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == ErrorKind::NotFound)
    }

    /// Whether files can be read, and none written for now.
    fn is_read_only(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        let kind = source.kind();
        matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem)
    }

    /// Whether trying again later can help without anybody changing the program or its permissions.
    fn is_outage(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        matches!(
            source.kind(),
            ErrorKind::OutOfMemory
                | ErrorKind::StaleNetworkFileHandle
                | ErrorKind::NetworkDown
                | ErrorKind::NetworkUnreachable
                | ErrorKind::HostUnreachable
                | ErrorKind::NotConnected
                | ErrorKind::TimedOut
        ) || is_out_of_files(source)
    }
}

/// `EMFILE` and `ENFILE` have no [`ErrorKind`] of their own.
#[cfg(unix)]
fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error();
    [Errno::MFILE, Errno::NFILE, Errno::IO].iter().any(|known| errno == Some(known.raw_os_error()))
}

#[cfg(not(unix))]
fn is_out_of_files(_: &io::Error) -> bool {
    false
}

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Locked(limit) => Self::Timeout(limit),
            full if full.is_read_only() => Self::ReadOnly(Box::new(full)),
            outage if outage.is_outage() => Self::Unavailable(Box::new(outage)),
            other => Self::Backend(Box::new(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn io(kind: ErrorKind) -> FileError {
        FileError::Io { action: Action::Write, source: kind.into() }
    }

    #[test]
    fn a_full_disk_is_an_outage_and_missing_rights_are_not() {
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::ReadOnlyFilesystem] {
            let error = StoreError::from(io(kind));
            assert!(error.is_outage() && matches!(error, StoreError::ReadOnly(_)), "{error:?}");
        }
        assert!(!StoreError::from(io(ErrorKind::PermissionDenied)).is_outage());
        assert!(StoreError::from(FileError::Locked(Duration::from_secs(1))).is_outage());
    }

    #[test]
    fn each_layer_says_its_part_once() {
        let error = StoreError::from(io(ErrorKind::StorageFull));
        let file = error.source().unwrap();
        assert_eq!(file.to_string(), "cannot write a session file");
        assert_eq!(file.source().unwrap().to_string(), "no storage space");
    }
}
