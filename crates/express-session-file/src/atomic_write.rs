//! A file is replaced as a whole or not at all: temporary file in the same folder, then a rename.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Action, FileError};
use crate::lock::{Locked, is_same_file};
use crate::options::Durability;
use crate::path::SessionPath;

/// How our temporary files begin. No session file begins with a dot, and no Node server looks at these.
pub(crate) const TEMPORARY_PREFIX: &str = ".tmp-";
/// Readable and writable by the owner.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Writes session files.
#[derive(Debug)]
pub(crate) struct Writer {
    durability: Durability,
    /// Whether the file system can exchange two files; found out by trying.
    exchange: AtomicBool,
    /// Whether it can rename without replacing; found out by trying.
    no_replace: AtomicBool,
    /// Tells the temporary files of processes apart, also of those on other machines.
    process: u64,
    counter: AtomicU64,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is done.
    Written,
    /// The file is not what it was: somebody who takes no locks came in between. Nothing was changed.
    Raced,
}

impl Writer {
    pub(crate) fn new(durability: Durability) -> Self {
        let mut random = [0; 8];
        // Not a secret: if there is no randomness, `create_new` still keeps files apart.
        let _ = getrandom::fill(&mut random);
        Self {
            durability,
            exchange: AtomicBool::new(cfg!(target_os = "linux") && durability == Durability::None),
            no_replace: AtomicBool::new(cfg!(target_os = "linux")),
            process: u64::from_ne_bytes(random),
            counter: AtomicU64::new(0),
        }
    }

    /// Replaces a locked file. Its permissions stay as they are, as in Node.
    pub(crate) fn replace(
        &self,
        path: &SessionPath,
        old: &Locked,
        bytes: &[u8],
    ) -> Result<Outcome, FileError> {
        let temporary = match self.write_temporary(&path.folder, bytes) {
            // The folder is gone, and the session with it.
            Err(error) if error.is_not_found() => return Ok(Outcome::Raced),
            result => result?,
        };
        keep_mode(&temporary, old)?;
        let outcome = if self.exchange.load(Ordering::Relaxed) {
            self.exchange(&temporary, path, old)?
        } else {
            rename_over(&temporary, path, old)?
        };
        self.sync_folder(&path.folder)?;
        Ok(outcome)
    }

    /// Creates a file that is not there; [`Outcome::Raced`] if it is.
    pub(crate) fn create(&self, path: &SessionPath, bytes: &[u8]) -> Result<Outcome, FileError> {
        let temporary = self.write_temporary_in_folder(&path.folder, bytes)?;
        match self.rename_to_new(&temporary, &path.file) {
            Ok(()) => {
                self.sync_folder(&path.folder)?;
                Ok(Outcome::Written)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Outcome::Raced),
            Err(error) => Err(Action::Replace.failed()(error)),
        }
    }

    /// Puts a file in place, whether there is one or not. For files that are not sessions.
    pub(crate) fn put(&self, path: &SessionPath, bytes: &[u8]) -> Result<(), FileError> {
        let temporary = self.write_temporary_in_folder(&path.folder, bytes)?;
        fs::rename(&temporary.path, &path.file).map_err(Action::Replace.failed())?;
        self.sync_folder(&path.folder)
    }

    /// After removing a file: a logout must not be undone by a power cut.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<(), FileError> {
        match self.durability {
            Durability::None => Ok(()),
            Durability::Fsync => {
                File::open(folder).and_then(|folder| folder.sync_all()).map_err(Action::Sync.failed())
            }
        }
    }

    /// As [`write_temporary`](Self::write_temporary), in a folder that is created if it is missing.
    fn write_temporary_in_folder(&self, folder: &Path, bytes: &[u8]) -> Result<Temporary, FileError> {
        match self.write_temporary(folder, bytes) {
            Err(error) if error.is_not_found() => {
                create_folder(folder)?;
                self.write_temporary(folder, bytes)
            }
            result => result,
        }
    }

    fn write_temporary(&self, folder: &Path, bytes: &[u8]) -> Result<Temporary, FileError> {
        loop {
            let number = self.counter.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{TEMPORARY_PREFIX}{:016x}-{number}", self.process));
            let mut file = match new_file().open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(Action::Write.failed()(error)),
            };
            let temporary = Temporary { path };
            file.write_all(bytes).map_err(Action::Write.failed())?;
            if self.durability == Durability::Fsync {
                file.sync_all().map_err(Action::Sync.failed())?;
            }
            return Ok(temporary);
        }
    }

    /// Swaps both names, then removes what the temporary one means now.
    ///
    /// Twice as good as a plain rename: it shows what was really replaced, so a write by a Node server (which
    /// takes no locks) between our lock and here is put back instead of lost; and ext4, which answers a rename
    /// over an existing file by flushing it, lets this pass, which makes it four times as fast.
    #[cfg(target_os = "linux")]
    fn exchange(
        &self,
        temporary: &Temporary,
        path: &SessionPath,
        old: &Locked,
    ) -> Result<Outcome, FileError> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        let swap = || renameat_with(CWD, &temporary.path, CWD, &path.file, RenameFlags::EXCHANGE);
        match swap() {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Outcome::Raced),
            Err(error) if is_unsupported(error) => {
                self.exchange.store(false, Ordering::Relaxed);
                return rename_over(temporary, path, old);
            }
            Err(error) => return Err(Action::Replace.failed()(error.into())),
        }
        let displaced = fs::symlink_metadata(&temporary.path).map_err(Action::Replace.failed())?;
        if is_same_file(&displaced, &old.metadata) {
            return Ok(Outcome::Written);
        }
        match swap() {
            Ok(()) => Ok(Outcome::Raced),
            // Removed meanwhile: so it stays.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Outcome::Raced),
            Err(error) => Err(Action::Replace.failed()(error.into())),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn exchange(
        &self,
        temporary: &Temporary,
        path: &SessionPath,
        old: &Locked,
    ) -> Result<Outcome, FileError> {
        self.exchange.store(false, Ordering::Relaxed);
        rename_over(temporary, path, old)
    }

    #[cfg(target_os = "linux")]
    fn rename_to_new(&self, temporary: &Temporary, file: &Path) -> io::Result<()> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if self.no_replace.load(Ordering::Relaxed) {
            match renameat_with(CWD, &temporary.path, CWD, file, RenameFlags::NOREPLACE) {
                Err(error) if is_unsupported(error) => self.no_replace.store(false, Ordering::Relaxed),
                result => return result.map_err(io::Error::from),
            }
        }
        fs::hard_link(&temporary.path, file)
    }

    #[cfg(not(target_os = "linux"))]
    fn rename_to_new(&self, temporary: &Temporary, file: &Path) -> io::Result<()> {
        self.no_replace.store(false, Ordering::Relaxed);
        fs::hard_link(&temporary.path, file)
    }
}

/// The plain way, for file systems that cannot exchange, and after a flush.
fn rename_over(temporary: &Temporary, path: &SessionPath, old: &Locked) -> Result<Outcome, FileError> {
    match fs::symlink_metadata(&path.file) {
        Ok(named) if is_same_file(&named, &old.metadata) => {}
        Ok(_) => return Ok(Outcome::Raced),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Outcome::Raced),
        Err(error) => return Err(Action::Replace.failed()(error)),
    }
    fs::rename(&temporary.path, &path.file).map_err(Action::Replace.failed())?;
    Ok(Outcome::Written)
}

#[cfg(target_os = "linux")]
fn is_unsupported(error: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP].contains(&error)
}

/// A file that is removed when it is no longer needed, under whatever contents it has then.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Renamed away, or swept by another process, or left for the sweep.
        let _ = fs::remove_file(&self.path);
    }
}

/// Creates a folder and its parents; only those it creates get our mode.
pub(crate) fn create_folder(folder: &Path) -> Result<(), FileError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(FOLDER_MODE);
    }
    builder.create(folder).map_err(Action::CreateFolder.failed())
}

fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    private(options.write(true).create_new(true));
    options
}

/// A file that is made by these options is readable and writable by the owner only.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(FILE_MODE);
    }
    options
}

#[cfg(unix)]
fn keep_mode(temporary: &Temporary, old: &Locked) -> Result<(), FileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = old.metadata.permissions();
    if permissions.mode() & 0o777 == FILE_MODE {
        return Ok(());
    }
    fs::set_permissions(&temporary.path, permissions).map_err(Action::Write.failed())
}

#[cfg(not(unix))]
fn keep_mode(_: &Temporary, _: &Locked) -> Result<(), FileError> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a panic is the failure")]

    use super::*;
    use crate::lock::lock;

    fn session(dir: &Path) -> SessionPath {
        SessionPath { folder: dir.into(), name: "sid.json".into(), file: dir.join("sid.json") }
    }

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// As a Node server writes: without asking for locks.
    fn write_as_node(path: &SessionPath, text: &str) {
        let temporary = path.folder.join("sid.json.12345");
        fs::write(&temporary, text).unwrap();
        fs::rename(&temporary, &path.file).unwrap();
    }

    fn writers() -> [Writer; 3] {
        let plain = Writer::new(Durability::None);
        plain.exchange.store(false, Ordering::Relaxed);
        plain.no_replace.store(false, Ordering::Relaxed);
        [Writer::new(Durability::None), Writer::new(Durability::Fsync), plain]
    }

    #[test]
    fn a_write_by_a_node_server_in_between_is_not_lost() {
        for writer in writers() {
            let dir = tempfile::tempdir().unwrap();
            let path = session(dir.path());
            assert_eq!(writer.create(&path, b"old").unwrap(), Outcome::Written);
            let held = lock(&path.file).unwrap().unwrap();
            write_as_node(&path, "node");
            assert_eq!(writer.replace(&path, &held, b"ours").unwrap(), Outcome::Raced);
            assert_eq!(fs::read(&path.file).unwrap(), b"node");
            assert_eq!(names(dir.path()), ["sid.json"]);
        }
    }

    #[test]
    fn a_file_removed_in_between_stays_removed() {
        for writer in writers() {
            let dir = tempfile::tempdir().unwrap();
            let path = session(dir.path());
            writer.create(&path, b"old").unwrap();
            let held = lock(&path.file).unwrap().unwrap();
            fs::remove_file(&path.file).unwrap();
            assert_eq!(writer.replace(&path, &held, b"ours").unwrap(), Outcome::Raced);
            assert!(names(dir.path()).is_empty());
        }
    }

    #[test]
    fn replacing_and_creating() {
        for writer in writers() {
            let dir = tempfile::tempdir().unwrap();
            let path = session(dir.path());
            writer.create(&path, b"old").unwrap();
            assert_eq!(writer.create(&path, b"second").unwrap(), Outcome::Raced);
            let held = lock(&path.file).unwrap().unwrap();
            assert_eq!(held.bytes, b"old");
            assert_eq!(writer.replace(&path, &held, b"new").unwrap(), Outcome::Written);
            assert_eq!(fs::read(&path.file).unwrap(), b"new");
            assert_eq!(names(dir.path()), ["sid.json"]);
        }
    }
}
