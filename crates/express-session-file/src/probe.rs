//! A look at the folder before there is a session in it: can it be written, does it tell upper from lower case, and who
//! else can write to it?

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use crate::atomic_write::TEMPORARY_PREFIX;
use crate::error::{Action, FileError};

/// What a folder is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probed {
    /// Whether the file system finds files under names of another case.
    pub(crate) ignores_case: bool,
    /// Whether others than the user of this process (and root) can put files there.
    pub(crate) is_shared: bool,
}

/// Looks at a folder by a file that is removed again.
///
/// Its name cannot be guessed and it must not exist, so a link that somebody has planted is neither met nor followed.
///
/// # Errors
///
/// If no file can be created or removed there.
pub(crate) fn probe(folder: &Path) -> Result<Probed, FileError> {
    let name = format!("{TEMPORARY_PREFIX}probe-{:016x}", random());
    let probe = Probe(folder.join(&name));
    OpenOptions::new().write(true).create_new(true).open(&probe.0).map_err(Action::Probe.failed())?;
    let ignores_case = folder.join(name.to_uppercase()).symlink_metadata().is_ok();
    probe.remove()?;
    Ok(Probed { ignores_case, is_shared: is_shared(folder)? })
}

/// Removed in any case.
struct Probe(PathBuf);

impl Probe {
    fn remove(self) -> Result<(), FileError> {
        fs::remove_file(&self.0).map_err(Action::Probe.failed())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness the name can be guessed, but a file in its place is still an error and not followed.
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}

#[cfg(unix)]
fn is_shared(folder: &Path) -> Result<bool, FileError> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::metadata(folder).map_err(Action::Probe.failed())?;
    let user = rustix::process::geteuid().as_raw();
    Ok(metadata.mode() & 0o022 != 0 || ![user, 0].contains(&metadata.uid()))
}

/// Access lists are not looked at.
#[cfg(not(unix))]
fn is_shared(_: &Path) -> Result<bool, FileError> {
    Ok(false)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a panic is the failure")]

    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(folder: &Path, mode: u32) {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_shared() {
        let dir = tempfile::tempdir().unwrap();
        for (permissions, is_shared) in [(0o700, false), (0o755, false), (0o720, true), (0o1777, true)] {
            mode(dir.path(), permissions);
            let expected = Probed { ignores_case: false, is_shared };
            assert_eq!(probe(dir.path()).unwrap(), expected, "{permissions:o}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    }

    /// The name was once `.tmp-probe-<process id>`, and the file that a link of that name meant was emptied.
    #[test]
    fn a_planted_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let treasure = dir.path().join("treasure");
        fs::write(&treasure, "kept").unwrap();
        let folder = dir.path().join("sessions");
        fs::create_dir(&folder).unwrap();
        let planted = folder.join(format!("{TEMPORARY_PREFIX}probe-{}", std::process::id()));
        symlink(&treasure, &planted).unwrap();
        probe(&folder).unwrap();
        assert_eq!(fs::read_to_string(&treasure).unwrap(), "kept");
        assert!(planted.symlink_metadata().is_ok(), "what is not ours stays");
    }

    #[test]
    fn a_folder_that_is_not_there_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let error = probe(&dir.path().join("missing")).unwrap_err();
        assert_eq!(error.to_string(), "cannot write to the session folder");
    }
}
