//! What the store does with its folder, step by step; everything here blocks.

use std::fs;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use express_session_core::{
    Clock, Cookie, Data, DecodeError, Document, Expect, Revision, SetOutcome, StoreError, Stored,
    TouchOutcome, UnixMillis,
};

use crate::atomic_write::{Outcome, Writer, create_folder};
use crate::bound::Bound;
use crate::document::{Documents, Lifetime};
use crate::encryption::Cipher;
use crate::error::{Action, FileError};
use crate::listing::Ahead;
use crate::lock::{self, Interrupted, Locked};
use crate::options::FileOptions;
use crate::path::{Layout, SessionPath};
use crate::probe::{Probed, probe};
use crate::quarantine::Quarantine;

/// What is there, for somebody who expects something.
pub(crate) enum Found {
    /// What is expected.
    Expected,
    /// Another document.
    Other(Box<Stored>),
    /// No session.
    Nothing,
}

/// A folder of sessions.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) layout: Layout,
    pub(crate) documents: Documents,
    pub(crate) writer: Writer,
    quarantine: Quarantine,
    pub(crate) bound: Option<Bound>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What the next page of a listing begins with.
    pub(crate) ahead: Mutex<Option<Ahead>>,
}

impl Folder {
    /// Opens the folder, creating it if it is missing; with what was found about it.
    pub(crate) fn open(options: FileOptions) -> Result<(Self, Probed), FileError> {
        options.check()?;
        create_folder(&options.path)?;
        // A later change of the working directory must not move the sessions.
        let path = fs::canonicalize(&options.path).map_err(Action::CreateFolder.failed())?;
        let probed = probe(&path)?;
        let cipher = options.encryption.map(Cipher::new).transpose()?;
        let folder = Self {
            layout: Layout::new(path, options.file_extension, options.fan_out),
            documents: Documents { cipher, ttl: whole_millis(options.ttl) },
            writer: Writer::new(options.durability),
            quarantine: Quarantine::default(),
            bound: options.max.map(Bound::new),
            clock: options.clock,
            ahead: Mutex::default(),
        };
        Ok((folder, probed))
    }

    pub(crate) fn get(&self, path: &SessionPath) -> Result<Option<Stored>, Interrupted> {
        let Some(bytes) = lock::read(&path.file)? else { return Ok(None) };
        match self.documents.decode(&bytes) {
            Ok(document) => Ok(document.and_then(|document| self.stored(document, &bytes))),
            Err(_) => self.get_locked(path),
        }
    }

    /// Reads again what could not be decoded: only under the lock it is certain what goes into quarantine.
    fn get_locked(&self, path: &SessionPath) -> Result<Option<Stored>, Interrupted> {
        let Some(held) = lock::lock(&path.file)? else { return Ok(None) };
        let live = self.find_live(path, &held)?;
        Ok(live.and_then(|document| self.stored(document, &held.bytes)))
    }

    pub(crate) fn set(
        &self,
        path: &SessionPath,
        document: &Document,
        expect: Expect<'_>,
        at_most: Option<Duration>,
    ) -> Result<SetOutcome, Interrupted> {
        loop {
            let held = lock::lock(&path.file)?;
            match self.look(path, held.as_ref(), expect)? {
                Found::Expected => {}
                Found::Other(newer) => return Ok(SetOutcome::Conflict(newer)),
                Found::Nothing => return Ok(SetOutcome::Gone),
            }
            let ahead = self.documents.time_ahead(document, at_most);
            let accessed = UnixMillis(self.clock.now().0.saturating_sub(ahead));
            let bytes = self.documents.encode(&mut Data::of(document.clone()), accessed)?;
            let outcome = match &held {
                Some(held) => self.writer.replace(path, held, &bytes)?,
                None => self.writer.create(path, &bytes)?,
            };
            if outcome == Outcome::Written {
                if let (None, Some(bound)) = (&held, &self.bound) {
                    bound.created();
                }
                return Ok(SetOutcome::Written(Revision::of_bytes(bytes)));
            }
        }
    }

    /// Compares a locked file with what is expected.
    pub(crate) fn look(
        &self,
        path: &SessionPath,
        held: Option<&Locked>,
        expect: Expect<'_>,
    ) -> Result<Found, StoreError> {
        let Expect::Revision(revision) = expect else { return Ok(Found::Expected) };
        let Some(held) = held else { return Ok(Found::Nothing) };
        let Some(current) = self.find_live(path, held)? else { return Ok(Found::Nothing) };
        if held.bytes == revision.as_bytes() {
            return Ok(Found::Expected);
        }
        let newer = self.stored(current, &held.bytes);
        Ok(newer.map_or(Found::Nothing, |newer| Found::Other(Box::new(newer))))
    }

    /// Takes the data from the file and the cookie from the request.
    ///
    /// DIFFERENCE: session-file-store touches an expired file by writing it anew without its data, and fails
    /// after its retries if there is none.
    pub(crate) fn touch(&self, path: &SessionPath, cookie: &Cookie) -> Result<TouchOutcome, Interrupted> {
        loop {
            let Some(held) = lock::lock(&path.file)? else { return Ok(TouchOutcome::Gone) };
            let Some(current) = self.find_live(path, &held)? else { return Ok(TouchOutcome::Gone) };
            let mut data = Data::of(current);
            data.cookie_mut().clone_from(cookie);
            let bytes = self.documents.encode(&mut data, self.clock.now())?;
            // Several requests in one millisecond.
            if *bytes == *held.bytes || self.writer.replace(path, &held, &bytes)? == Outcome::Written {
                return Ok(TouchOutcome::Touched);
            }
        }
    }

    pub(crate) fn destroy(&self, path: &SessionPath) -> Result<bool, Interrupted> {
        let Some(held) = lock::lock(&path.file)? else { return Ok(false) };
        let document = self.documents.decode(&held.bytes).ok().flatten();
        let was_live = document.is_some_and(|document| self.is_live(&document));
        Ok(self.remove(path, &held)? && was_live)
    }

    /// Removes a session that has expired; whether it had.
    pub(crate) fn reap(&self, path: &SessionPath) -> Result<bool, Interrupted> {
        // Most sessions live: they are not worth a lock.
        let Some(bytes) = lock::read(&path.file)? else { return Ok(false) };
        if matches!(self.documents.decode(&bytes), Ok(Some(document)) if self.is_live(&document)) {
            return Ok(false);
        }
        let Some(held) = lock::lock(&path.file)? else { return Ok(false) };
        if self.find_live(path, &held)?.is_some() {
            return Ok(false);
        }
        Ok(self.remove(path, &held)?)
    }

    /// Whatever is in it.
    pub(crate) fn remove_any(&self, path: &SessionPath) -> Result<(), Interrupted> {
        if let Some(held) = lock::lock(&path.file)? {
            self.remove(path, &held)?;
        }
        Ok(())
    }

    /// Removes a locked file; whether it was still there.
    pub(crate) fn remove(&self, path: &SessionPath, _held: &Locked) -> Result<bool, FileError> {
        match fs::remove_file(&path.file) {
            Ok(()) => {
                if let Some(bound) = &self.bound {
                    bound.removed();
                }
                self.writer.sync_folder(&path.folder).map(|()| true)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Action::Remove.failed()(error)),
        }
    }

    /// Removes a locked file, unless a Node server, which takes no locks, has put another one in its place.
    pub(crate) fn remove_same(&self, path: &SessionPath, held: &Locked) -> Result<Outcome, FileError> {
        match fs::symlink_metadata(&path.file) {
            Ok(named) if lock::is_same_file(&named, &held.metadata) => {
                let removed = self.remove(path, held)?;
                Ok(if removed { Outcome::Written } else { Outcome::Raced })
            }
            Ok(_) => Ok(Outcome::Raced),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Outcome::Raced),
            Err(error) => Err(Action::Remove.failed()(error)),
        }
    }

    /// Decodes a locked file; `None` if it has expired or holds a falsy document. What cannot be decoded goes into
    /// quarantine.
    fn find_live(&self, path: &SessionPath, held: &Locked) -> Result<Option<Document>, StoreError> {
        match self.documents.decode(&held.bytes) {
            Ok(document) => Ok(document.filter(|document| self.is_live(document))),
            Err(error) => Err(self.isolate(path, held, error)),
        }
    }

    fn isolate(&self, path: &SessionPath, held: &Locked, error: DecodeError) -> StoreError {
        if let Err(error) = self.quarantine.take(&self.layout, path, held, self.clock.now()) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a file that is not a session stays where it is"
            );
        }
        StoreError::Corrupt(error)
    }

    pub(crate) fn is_live(&self, document: &Document) -> bool {
        self.documents.lifetime(document, self.clock.now()) != Lifetime::Over
    }

    pub(crate) fn stored(&self, document: Document, bytes: &[u8]) -> Option<Stored> {
        let life = match self.documents.lifetime(&document, self.clock.now()) {
            Lifetime::Over => return None,
            Lifetime::Endless => None,
            Lifetime::Left(life) => Some(life),
        };
        Some(Stored { life, ..Stored::of_bytes(document, bytes) })
    }
}

fn whole_millis(duration: Duration) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "only from 285 000 years on")]
    let millis = duration.as_millis() as f64;
    millis
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a panic is the failure")]

    use express_session_core::SessionId;

    use super::*;

    /// What a Node server has written between our look and the removal is another file.
    #[test]
    fn only_the_file_that_was_looked_at_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, _) = Folder::open(FileOptions::new().path(dir.path())).unwrap();
        let path = folder.layout.locate(&SessionId::parse("sid").unwrap()).unwrap();
        for (in_between, outcome, left) in [
            ("nothing", Outcome::Written, None),
            ("write", Outcome::Raced, Some("node")),
            ("remove", Outcome::Raced, None),
        ] {
            fs::write(&path.file, "old").unwrap();
            let held = lock::lock(&path.file).unwrap().unwrap();
            match in_between {
                "write" => {
                    fs::write(dir.path().join("sid.json.1"), "node").unwrap();
                    fs::rename(dir.path().join("sid.json.1"), &path.file).unwrap();
                }
                "remove" => fs::remove_file(&path.file).unwrap(),
                _ => {}
            }
            assert_eq!(folder.remove_same(&path, &held).unwrap(), outcome, "{in_between}");
            assert_eq!(fs::read_to_string(&path.file).ok().as_deref(), left, "{in_between}");
            let _ = fs::remove_file(&path.file);
        }
    }
}
