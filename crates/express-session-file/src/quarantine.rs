//! Where files go that are not sessions: out of the visitors' way, but not lost.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use express_session_core::UnixMillis;

use crate::atomic_write::create_folder;
use crate::error::{Action, FileError};
use crate::lock::Locked;
use crate::path::{Layout, SessionPath};

/// The subfolder for files that could not be read as sessions, named `<file>.<milliseconds>-<number>`. Nothing
/// in it is ever removed by us. No Node server looks into it unless its `fileExtension` is empty.
pub const QUARANTINE_FOLDER: &str = ".quarantine";

/// Moves files out of the way.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    counter: AtomicU64,
}

impl Quarantine {
    /// Moves a locked file.
    pub(crate) fn take(
        &self,
        layout: &Layout,
        path: &SessionPath,
        _held: &Locked,
        now: UnixMillis,
    ) -> Result<(), FileError> {
        let folder = layout.folder().join(QUARANTINE_FOLDER);
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let target = folder.join(format!("{}.{}-{number}", path.name, now.0));
        match fs::rename(&path.file, &target) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                create_folder(&folder)?;
                fs::rename(&path.file, &target).map_err(Action::Quarantine.failed())
            }
            Err(error) => Err(Action::Quarantine.failed()(error)),
        }
    }
}
