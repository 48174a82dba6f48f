//! Which sessions belong to whom: a folder per owner, with an empty file for each of their sessions. All of it blocks.
//!
//! ```text
//! .owned-/<SHA-256 of the owner, hexadecimal>/<name of the session's file>   and one of  +  =  -
//! ```
//!
//! `+` is a session that may not be written yet, `=` one that was, `-` one that is to end. The file's time of modification
//! is the instant until which it counts. Each change is one call of the file system, so processes that share the folder
//! need no lock: who condemns creates `-` first, who confirms looks for it last.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use express_session_core::{EntryState, Owner, SessionId, UnixMillis};
use sha2::{Digest as _, Sha256};

use crate::atomic_write::{create_folder, private};
use crate::error::{Action, FileError};
use crate::folder::Folder;
use crate::path::{Layout, SessionPath};

const PENDING: char = '+';
const CONFIRMED: char = '=';
const CONDEMNED: char = '-';

impl Layout {
    /// The folder of all lists. Its name ends as no session file's does.
    pub(crate) fn owner_lists(&self) -> PathBuf {
        self.folder().join(if self.ends_with('-') { ".owned_" } else { ".owned-" })
    }

    fn list_of(&self, owner: &Owner) -> PathBuf {
        let mut name = String::with_capacity(64);
        for byte in Sha256::digest(owner.as_str().as_bytes()) {
            // Writing to a String cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        self.owner_lists().join(name)
    }
}

impl Folder {
    /// Notes a session that is about to be written, unless there is an entry.
    pub(crate) fn enlist(
        &self,
        owner: &Owner,
        session: &SessionPath,
        until: UnixMillis,
    ) -> Result<(), FileError> {
        let list = self.layout.list_of(owner);
        for kind in [CONDEMNED, CONFIRMED] {
            if self.counts(&entry(&list, session, kind))? {
                return Ok(());
            }
        }
        put(&list, session, PENDING, until)
    }

    /// Keeps an entry until then, if it is there; whether it is, and is not condemned.
    pub(crate) fn confirm(
        &self,
        owner: &Owner,
        session: &SessionPath,
        until: UnixMillis,
    ) -> Result<bool, FileError> {
        let list = self.layout.list_of(owner);
        let (pending, confirmed) = (entry(&list, session, PENDING), entry(&list, session, CONFIRMED));
        if self.counts(&pending)? {
            found(fs::rename(&pending, &confirmed))?;
        }
        if !self.counts(&confirmed)? {
            return Ok(false);
        }
        self.keep(&list, session, until)
    }

    /// As [`confirm`](Self::confirm); an entry that is missing is made.
    pub(crate) fn refresh(
        &self,
        owner: &Owner,
        session: &SessionPath,
        until: UnixMillis,
    ) -> Result<bool, FileError> {
        let list = self.layout.list_of(owner);
        if self.counts(&entry(&list, session, CONDEMNED))? {
            return Ok(false);
        }
        found(fs::remove_file(entry(&list, session, PENDING)))?;
        self.keep(&list, session, until)
    }

    /// Whoever condemns has left the sign before they look for the session, so this looks for it after.
    fn keep(&self, list: &Path, session: &SessionPath, until: UnixMillis) -> Result<bool, FileError> {
        put(list, session, CONFIRMED, until)?;
        if !self.counts(&entry(list, session, CONDEMNED))? {
            return Ok(true);
        }
        found(fs::remove_file(entry(list, session, CONFIRMED)))?;
        Ok(false)
    }

    /// Notes that a session is about to end.
    pub(crate) fn condemn(
        &self,
        owner: &Owner,
        session: &SessionPath,
        until: UnixMillis,
    ) -> Result<(), FileError> {
        let list = self.layout.list_of(owner);
        put(&list, session, CONDEMNED, until)?;
        for kind in [PENDING, CONFIRMED] {
            found(fs::remove_file(entry(&list, session, kind)))?;
        }
        Ok(())
    }

    /// Removes an entry, and a list that is empty then.
    pub(crate) fn delist(&self, owner: &Owner, session: &SessionPath) -> Result<(), FileError> {
        let list = self.layout.list_of(owner);
        for kind in [PENDING, CONFIRMED, CONDEMNED] {
            found(fs::remove_file(entry(&list, session, kind)))?;
        }
        remove_if_empty(&list);
        Ok(())
    }

    /// The entries that count.
    pub(crate) fn entries(&self, owner: &Owner) -> Result<Vec<(SessionId, EntryState)>, FileError> {
        let mut entries = std::collections::BTreeMap::new();
        self.for_each_entry(&self.layout.list_of(owner), |id, kind, file| {
            if self.counts(file)? {
                // One that changes at this moment may be seen twice: the later state is the one to go by.
                let known = entries.entry(id).or_insert(kind);
                *known = later(*known, kind);
            }
            Ok(())
        })?;
        Ok(entries.into_iter().collect())
    }

    /// Forgets what does not count any more, and confirmed entries whose session is gone.
    pub(crate) fn sweep_owner_lists(&self) -> Result<(), FileError> {
        for list in read_folder(&self.layout.owner_lists())? {
            self.for_each_entry(&list, |id, kind, file| {
                let is_there = || self.layout.locate(&id).is_ok_and(|session| session.file.exists());
                if !self.counts(file)? || (kind == EntryState::Confirmed && !is_there()) {
                    found(fs::remove_file(file))?;
                }
                Ok(())
            })?;
            remove_if_empty(&list);
        }
        Ok(())
    }

    /// Forgets all lists.
    pub(crate) fn clear_owner_lists(&self) -> Result<(), FileError> {
        found(fs::remove_dir_all(self.layout.owner_lists())).map(drop)
    }

    fn for_each_entry(
        &self,
        list: &Path,
        mut each: impl FnMut(SessionId, EntryState, &Path) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        for file in read_folder(list)? {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let kind = match name.chars().last() {
                Some(PENDING) => EntryState::Pending,
                Some(CONFIRMED) => EntryState::Confirmed,
                Some(CONDEMNED) => EntryState::Condemned,
                _ => continue,
            };
            let session = name.get(..name.len() - 1).unwrap_or_default();
            if let Some(id) = self.layout.id_of(session) {
                each(id, kind, &file)?;
            }
        }
        Ok(())
    }

    /// Whether there is such a file, and its time has not passed.
    fn counts(&self, file: &Path) -> Result<bool, FileError> {
        match fs::symlink_metadata(file).and_then(|metadata| metadata.modified()) {
            Ok(until) => Ok(UnixMillis::from(until) >= self.clock.now()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Action::Owners.failed()(error)),
        }
    }
}

const fn later(one: EntryState, other: EntryState) -> EntryState {
    match (one, other) {
        (EntryState::Condemned, _) | (_, EntryState::Condemned) => EntryState::Condemned,
        (EntryState::Confirmed, _) | (_, EntryState::Confirmed) => EntryState::Confirmed,
        (EntryState::Pending, EntryState::Pending) => EntryState::Pending,
    }
}

fn entry(list: &Path, session: &SessionPath, kind: char) -> PathBuf {
    list.join(format!("{}{kind}", session.name))
}

/// Makes an entry, or gives one that is there another end.
fn put(list: &Path, session: &SessionPath, kind: char, until: UnixMillis) -> Result<(), FileError> {
    let file = entry(list, session, kind);
    let until = SystemTime::from(until);
    let make = || private(OpenOptions::new().write(true).create(true).truncate(false)).open(&file);
    let set = |file: File| file.set_modified(until);
    match make().and_then(set) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create_folder(list)?;
            make().and_then(set).map_err(Action::Owners.failed())
        }
        result => result.map_err(Action::Owners.failed()),
    }
}

/// Whether the file was there.
fn found(result: io::Result<()>) -> Result<bool, FileError> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Action::Owners.failed()(error)),
    }
}

/// Somebody may be about to put an entry into it; they make the folder again.
fn remove_if_empty(list: &Path) {
    // Not empty, or gone already.
    let _ = fs::remove_dir(list);
}

fn read_folder(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Action::Owners.failed())?,
    };
    entries.map(|entry| Ok(entry.map_err(Action::Owners.failed())?.path())).collect()
}
