//! Removing what has expired, a little at a time.

use std::fs::{self, DirEntry, ReadDir};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use express_session_core::{Clock as _, SessionId, StoreError, SystemClock};

use crate::atomic_write::TEMPORARY_PREFIX;
use crate::error::{Action, FileError};
use crate::folder::Folder;
use crate::lock::{self, Interrupted};
use crate::marks::remove_file;
use crate::path::{MARK_PREFIX, SessionPath};

/// How many files are looked at in one go: a fraction of a millisecond's work, which is what a request on the same
/// core may have to wait for.
const BATCH: u32 = 16;
/// How long the sweep sleeps after each batch, so that it never has more than a fraction of a core or disk.
const PAUSE: Duration = Duration::from_millis(2);
/// From which age on a temporary file of ours has no writer any more; writing takes microseconds.
const TEMPORARY_LIMIT: Duration = Duration::from_mins(5);
/// The same for Node's, which flushes to the disk while its temporary file exists.
const NODE_TEMPORARY_LIMIT: Duration = Duration::from_hours(1);

/// Sweeps regularly until it is dropped.
#[derive(Debug)]
pub(crate) struct Sweeper {
    pace: Arc<Pace>,
}

/// Pauses that end early when the sweeper is told to stop.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Sweeper {
    /// Starts a thread that sweeps every `interval`, the first time after one interval.
    pub(crate) fn start(folder: Arc<Folder>, interval: Duration) -> Result<Self, FileError> {
        let pace = Arc::new(Pace::default());
        let sweeper = Self { pace: Arc::clone(&pace) };
        thread::Builder::new()
            .name("session-file-sweep".into())
            .spawn(move || {
                while pace.pause(interval) {
                    if let Err(error) = sweep(&folder, &pace) {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the sweep of expired session files did not finish"
                        );
                    }
                }
            })
            .map_err(Action::StartThread.failed())?;
        Ok(sweeper)
    }
}

impl Drop for Sweeper {
    /// Does not wait: the thread ends after the file it is at.
    fn drop(&mut self) {
        *self.pace.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.pace.changed.notify_all();
    }
}

impl Pace {
    /// Sleeps; whether to go on.
    fn pause(&self, duration: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let (stopped, _) = self
            .changed
            .wait_timeout_while(stopped, duration, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
        !*stopped
    }
}

/// Looks at every file once; how many expired sessions were removed.
///
/// What cannot be decoded goes into quarantine. A file that cannot be read or removed does not keep the others
/// from being swept; the first such error is returned in the end.
pub(crate) fn sweep(folder: &Folder, pace: &Pace) -> Result<u64, StoreError> {
    let (mut removed, mut corrupt, mut in_batch) = (0, 0_u64, 0);
    let mut first_error = None;
    folder.for_each_file::<StoreError>(|name, entry| {
        match folder.sweep_file(name, entry) {
            Ok(was_expired) => removed += u64::from(was_expired),
            Err(StoreError::Corrupt(_)) => corrupt += 1,
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
        in_batch += 1;
        if in_batch == BATCH {
            in_batch = 0;
            return Ok(pace.pause(PAUSE));
        }
        Ok(true)
    })?;
    if let Some(bound) = &folder.bound {
        bound.counted(folder.count()?);
    }
    folder.sweep_owner_lists()?;
    if corrupt > 0 {
        tracing::warn!(files = corrupt, "files that are not sessions were moved to the quarantine");
    }
    first_error.map_or(Ok(removed), Err)
}

impl Folder {
    /// Whether it was an expired session.
    fn sweep_file(&self, name: &str, entry: &DirEntry) -> Result<bool, StoreError> {
        if name.starts_with(TEMPORARY_PREFIX) {
            remove_if_old(entry, TEMPORARY_LIMIT)?;
        } else if self.is_mark(name) {
            self.reap_mark(&entry.path())?;
        } else if self.layout.is_node_temporary(name) {
            remove_if_old(entry, NODE_TEMPORARY_LIMIT)?;
        } else if let Some(path) = self.session_path(name) {
            return match self.reap(&path.1) {
                // Somebody is writing it: the next sweep sees what it has become.
                Err(Interrupted::Busy) => Ok(false),
                Err(Interrupted::Failed(error)) => Err(error),
                Ok(was_expired) => Ok(was_expired),
            };
        }
        Ok(false)
    }

    fn is_mark(&self, name: &str) -> bool {
        name.starts_with(MARK_PREFIX) && self.layout.has_room_for_marks()
    }

    /// Removes all sessions and marks; quarantine and other files stay.
    pub(crate) fn clear(&self) -> Result<(), StoreError> {
        self.for_each_file::<StoreError>(|name, entry| {
            if self.is_mark(name) {
                remove_file(&entry.path())?;
            } else if let Some((_, path)) = self.session_path(name) {
                lock::wait_for(|| self.remove_any(&path))?;
            }
            Ok(true)
        })?;
        Ok(self.clear_owner_lists()?)
    }

    fn session_path(&self, name: &str) -> Option<(SessionId, SessionPath)> {
        let id = self.layout.id_of(name)?;
        let path = self.layout.locate(&id).ok()?;
        Some((id, path))
    }

    /// Calls `each` with every file that is a session's by its name.
    pub(crate) fn for_each_session<E: From<FileError>>(
        &self,
        mut each: impl FnMut(SessionId, &SessionPath) -> Result<(), E>,
    ) -> Result<(), E> {
        self.for_each_file(|name, _| {
            if let Some((id, path)) = self.session_path(name) {
                each(id, &path)?;
            }
            Ok(true)
        })
    }

    /// Calls `each` with every file until it says false. The list is read piece by piece, never as a whole.
    fn for_each_file<E: From<FileError>>(
        &self,
        mut each: impl FnMut(&str, &DirEntry) -> Result<bool, E>,
    ) -> Result<(), E> {
        let top = self.layout.folder();
        if !self.layout.is_fanned_out() {
            return list(top)?.map_or(Ok(()), |entries| for_each_entry(entries, &mut each).map(|_| ()));
        }
        for number in 0..=255_u8 {
            let folder = top.join(format!("{:x}", number >> 4)).join(format!("{:x}", number & 15));
            if let Some(entries) = list(&folder)?
                && !for_each_entry(entries, &mut each)?
            {
                break;
            }
        }
        Ok(())
    }
}

/// `None` if there is no such folder: nothing has been written yet, or somebody removed it.
fn list(folder: &Path) -> Result<Option<ReadDir>, FileError> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Action::List.failed()(error)),
    }
}

fn for_each_entry<E: From<FileError>>(
    entries: ReadDir,
    each: &mut impl FnMut(&str, &DirEntry) -> Result<bool, E>,
) -> Result<bool, E> {
    for entry in entries {
        let entry = entry.map_err(Action::List.failed())?;
        if let Some(name) = entry.file_name().to_str()
            && !each(name, &entry)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Goes by the wall clock, as the file system does, not by the store's.
fn remove_if_old(entry: &DirEntry, limit: Duration) -> Result<(), FileError> {
    let result = entry.metadata().and_then(|metadata| {
        let age = SystemTime::from(SystemClock.now()).duration_since(metadata.modified()?);
        if metadata.is_file() && age.is_ok_and(|age| age > limit) {
            fs::remove_file(entry.path())?;
        }
        Ok(())
    });
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map_err(Action::Remove.failed()),
    }
}
