//! Every option, its default and why.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Clock, SystemClock};

use crate::encryption::Encryption;
use crate::error::FileError;

/// Where sessions are kept unless told otherwise: a folder next to where the program was started.
pub const DEFAULT_PATH: &str = "./sessions";
/// How session files end unless told otherwise.
pub const DEFAULT_FILE_EXTENSION: &str = ".json";
/// How long a session without a `maxAge` lives after its last access.
pub const DEFAULT_TTL: Duration = Duration::from_hours(1);
/// How often expired files are removed.
pub const DEFAULT_REAP_INTERVAL: Duration = Duration::from_hours(1);
/// How many threads do the store's file I/O.
pub const DEFAULT_THREADS: usize = 4;
/// The pause between two attempts to read a file that is not there; session-file-store's `minTimeout`.
pub const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// How long a write waits for a lock that another process holds. Locks are held for microseconds, so this is
/// reached only if that process was stopped in between.
pub const LOCK_LIMIT: Duration = Duration::from_secs(5);

/// What survives a power cut. The death of the process alone never loses anything, in either mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Whatever the operating system had written by then: the last half minute may be missing, or its files
    /// empty, which is noticed and treated as "no session".
    #[default]
    None,
    /// Everything: file and folder are flushed before a write is reported as done. A write then takes as long
    /// as the disk does.
    Fsync,
}

/// How sessions are kept in files. The names are session-file-store's.
///
/// Left out on purpose: `fallbackSessionFn` (adopts ids that the client chose), `encoder` and `decoder` (the
/// record's JSON is the contract), `keyFunction` and `encryptEncoding` (without effect there), `logFn` (events
/// go to `tracing`), `minTimeout`, `maxTimeout` and `factor` (see [`RETRY_PAUSE`]).
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a store is made with them"]
pub struct FileOptions {
    pub(crate) path: PathBuf,
    pub(crate) file_extension: String,
    pub(crate) ttl: Duration,
    pub(crate) reap_interval: Option<Duration>,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) retries: u32,
    pub(crate) max: Option<u64>,
    pub(crate) durability: Durability,
    pub(crate) fan_out: bool,
    pub(crate) threads: usize,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            path: DEFAULT_PATH.into(),
            file_extension: DEFAULT_FILE_EXTENSION.into(),
            ttl: DEFAULT_TTL,
            reap_interval: Some(DEFAULT_REAP_INTERVAL),
            encryption: None,
            retries: 0,
            max: None,
            durability: Durability::None,
            fan_out: false,
            threads: DEFAULT_THREADS,
            clock: Arc::new(SystemClock),
        }
    }
}

impl FileOptions {
    /// The defaults of session-file-store, except [`retries`](Self::retries).
    pub fn new() -> Self {
        Self::default()
    }

    /// The folder. It is created, with its parents, readable by its owner only; the permissions of an
    /// existing folder are left alone.
    ///
    /// # Default
    ///
    /// [`DEFAULT_PATH`], as in Node.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = path.into();
        self
    }

    /// How file names end; no dot is added. May be empty.
    ///
    /// # Default
    ///
    /// [`DEFAULT_FILE_EXTENSION`], as in Node.
    pub fn file_extension(mut self, file_extension: impl Into<String>) -> Self {
        self.file_extension = file_extension.into();
        self
    }

    /// How long a session whose cookie has no `maxAge` (or 0) lives after its last access; whole milliseconds.
    /// Zero: it has always expired already.
    ///
    /// # Default
    ///
    /// [`DEFAULT_TTL`], as in Node.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How often a background thread removes expired files; `None` never. The first time is one interval after
    /// the start, as in Node.
    ///
    /// # Default
    ///
    /// [`DEFAULT_REAP_INTERVAL`], as in Node.
    pub fn reap_interval(mut self, reap_interval: impl Into<Option<Duration>>) -> Self {
        self.reap_interval = reap_interval.into().filter(|interval| !interval.is_zero());
        self
    }

    /// Encrypts files with this secret, as session-file-store's `secret` does with its default settings. Needs the
    /// crate's feature `encryption`.
    ///
    /// # Default
    ///
    /// Not encrypted, as in Node.
    ///
    /// # Security
    ///
    /// The secret alone protects all files; it is stretched by scrypt, but a weak one can still be guessed by
    /// whoever has a copy of a file. It is not the cookie's secret, and should not be the same.
    #[cfg(feature = "encryption")]
    pub fn secret(self, secret: impl Into<String>) -> Self {
        self.encryption(Encryption::new(secret))
    }

    /// Encrypts files as session-file-store does with a `crypto` option object. Needs the crate's feature `encryption`.
    ///
    /// # Default
    ///
    /// Not encrypted, as in Node.
    #[cfg(feature = "encryption")]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = Some(encryption);
        self
    }

    /// How often reading a missing file is tried again, [`RETRY_PAUSE`] apart, before it means "no session".
    /// A grace for network file systems that show a new file to other machines late. Needs a tokio runtime
    /// with a timer.
    ///
    /// # Default
    ///
    /// 0. DIFFERENCE: Node tries 5 times more, so that every unknown id costs it a quarter of a second.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// How many sessions are kept; one more, and the least recently written are removed until a tenth of the bound is
    /// free. At least 1.
    ///
    /// The folder is counted when the store is made and by each sweep. In between, what other processes create is not
    /// counted, and while room is being made the bound may be exceeded by what is created meanwhile. Reading does not count as
    /// use, unless it touches.
    ///
    /// # Default
    ///
    /// No bound, as in Node. Visitors without cookies can fill the disk then, with `save_uninitialized` at least.
    pub fn max(mut self, max: u64) -> Self {
        self.max = Some(max.max(1));
        self
    }

    /// What survives a power cut.
    ///
    /// # Default
    ///
    /// [`Durability::None`]: sessions are rarely worth a disk flush per request.
    /// DIFFERENCE: Node flushes every file (not the folder) on each write.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Spreads files over 256 folders in two levels, `<path>/x/y/<id>.json`, by a hash of the id. For millions
    /// of sessions on file systems that are slow with large folders.
    ///
    /// # Default
    ///
    /// Off. **A Node server on the same folder does not find such files.**
    pub fn fan_out(mut self, fan_out: bool) -> Self {
        self.fan_out = fan_out;
        self
    }

    /// How many threads do the file I/O; at least one.
    ///
    /// # Default
    ///
    /// [`DEFAULT_THREADS`]. More help when the disk is slow (a network file system, [`Durability::Fsync`]).
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// What tells the time for expiry.
    ///
    /// # Default
    ///
    /// The wall clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<(), FileError> {
        let extension = &self.file_extension;
        if extension.contains(['/', '\\']) || extension.chars().any(char::is_control) {
            return Err(FileError::Extension("contains characters that file names cannot have"));
        }
        if extension.ends_with(['.', ' ']) {
            return Err(FileError::Extension("ends with a dot or blank, which Windows drops"));
        }
        if extension.len() > 32 {
            return Err(FileError::Extension("is longer than 32 bytes"));
        }
        if crate::path::has_number_suffix(&format!("x{extension}")) {
            return Err(FileError::Extension("looks like that of Node's temporary files"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_that_cannot_end_a_file_name_are_refused() {
        for good in [".json", "", "json", ".sess", ".a.b"] {
            assert!(FileOptions::new().file_extension(good).check().is_ok(), "{good}");
        }
        for bad in ["/x", "\\x", ".\0", ".", "x ", ".123", &"x".repeat(33)] {
            assert!(FileOptions::new().file_extension(bad).check().is_err(), "{bad}");
        }
    }

    #[cfg(feature = "encryption")]
    #[test]
    fn debug_does_not_leak_the_secret() {
        let shown = format!("{:?}", FileOptions::new().secret("keyboard cat"));
        assert!(!shown.contains("keyboard"), "{shown}");
    }
}
