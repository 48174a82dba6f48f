//! A folder with a bound: how many sessions there are, about, and which go when there are too many.
//!
//! ```text
//! one session more than the bound  ->  list the folder, remove the least recently written until a tenth of it is free
//! ```
//!
//! A folder has no order of use, and listing it for each new session would make each as slow as the folder is large. Once
//! per tenth of the bound, it costs each new session the look at ten file names.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;

use express_session_core::StoreError;

use crate::error::{Action, FileError};
use crate::folder::Folder;
use crate::lock::{self, Interrupted};
use crate::path::SessionPath;

/// How many sessions a folder may hold, and how many it does.
#[derive(Debug)]
pub(crate) struct Bound {
    max: u64,
    /// Without those that other processes have written or removed since it was last counted.
    sessions: AtomicU64,
    is_making_room: AtomicBool,
    was_logged: AtomicBool,
}

impl Bound {
    pub(crate) const fn new(max: u64) -> Self {
        Self {
            max,
            sessions: AtomicU64::new(0),
            is_making_room: AtomicBool::new(false),
            was_logged: AtomicBool::new(false),
        }
    }

    pub(crate) fn counted(&self, sessions: u64) {
        self.sessions.store(sessions, Relaxed);
    }

    pub(crate) fn created(&self) {
        self.sessions.fetch_add(1, Relaxed);
    }

    pub(crate) fn removed(&self) {
        // One that was never counted in does not make it wrap around.
        let _ = self.sessions.try_update(Relaxed, Relaxed, |sessions| sessions.checked_sub(1));
    }

    pub(crate) fn is_over(&self) -> bool {
        self.sessions.load(Relaxed) > self.max
    }

    /// How many have to go of so many: none, or enough for a tenth of the bound to be free.
    fn excess(&self, sessions: usize) -> usize {
        let over = (sessions as u64).saturating_sub(self.max);
        let excess = if over == 0 { 0 } else { over + self.max / 10 };
        usize::try_from(excess).unwrap_or(usize::MAX)
    }
}

/// A session and when it was last written.
struct Written {
    at: SystemTime,
    path: SessionPath,
}

impl Folder {
    /// How many sessions there are by their names, expired ones too.
    pub(crate) fn count(&self) -> Result<u64, FileError> {
        let mut count = 0;
        self.for_each_session::<FileError>(|_, _| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    /// Removes the least recently written sessions, all but `keep`, if there are too many. One thread at a time does; the
    /// others go on.
    pub(crate) fn make_room(&self, keep: &SessionPath) -> Result<(), StoreError> {
        let Some(bound) = &self.bound else { return Ok(()) };
        if bound.is_making_room.swap(true, Relaxed) {
            return Ok(());
        }
        let removed = self.remove_oldest(bound, keep);
        bound.is_making_room.store(false, Relaxed);
        if removed? > 0 && !bound.was_logged.swap(true, Relaxed) {
            tracing::warn!(
                "the session folder is full: the least recently written sessions are being removed"
            );
        }
        Ok(())
    }

    fn remove_oldest(&self, bound: &Bound, keep: &SessionPath) -> Result<u64, StoreError> {
        let mut written = Vec::new();
        self.for_each_session::<FileError>(|_, path| {
            if let Some(at) = written_at(path)? {
                written.push(Written { at, path: path.clone() });
            }
            Ok(())
        })?;
        bound.counted(written.len() as u64);
        let excess = bound.excess(written.len());
        written.retain(|written| written.path.file != keep.file);
        let excess = excess.min(written.len());
        if excess == 0 {
            return Ok(0);
        }
        written.select_nth_unstable_by_key(excess - 1, |written| written.at);
        let mut removed = 0;
        for written in &written[..excess] {
            match self.remove_unchanged(written) {
                // Somebody is writing it: it is not one of the oldest any more.
                Err(Interrupted::Busy) => {}
                Err(Interrupted::Failed(error)) => return Err(error),
                Ok(was_removed) => removed += u64::from(was_removed),
            }
        }
        Ok(removed)
    }

    /// Removes a session that nobody has written since it was listed; whether it did.
    fn remove_unchanged(&self, written: &Written) -> Result<bool, Interrupted> {
        let Some(held) = lock::lock(&written.path.file)? else { return Ok(false) };
        if held.metadata.modified().map_err(Action::Remove.failed())? != written.at {
            return Ok(false);
        }
        Ok(self.remove(&written.path, &held)?)
    }
}

/// When the file was last written; `None` if it is gone.
fn written_at(path: &SessionPath) -> Result<Option<SystemTime>, FileError> {
    match fs::symlink_metadata(&path.file).and_then(|metadata| metadata.modified()) {
        Ok(at) => Ok(Some(at)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Action::List.failed()(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_bound_is_freed() {
        for (max, sessions, excess) in [(1, 1, 0), (1, 2, 1), (9, 10, 1), (10, 11, 2), (1_000, 1_001, 101)] {
            assert_eq!(Bound::new(max).excess(sessions), excess, "{sessions} of {max}");
        }
    }

    #[test]
    fn what_was_not_counted_in_is_not_counted_out() {
        let bound = Bound::new(1);
        bound.removed();
        assert!(!bound.is_over());
        bound.created();
        bound.created();
        assert!(bound.is_over());
    }
}
