//! What the store does with its folder, step by step; everything here blocks.

use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{
    Clock, DecodeError, Expect, Record, Revision, SetOutcome, StoreError, Stored, TouchOutcome,
};

use crate::atomic_write::{Outcome, Writer, create_folder};
use crate::document::{Documents, Lifetime};
use crate::encryption::Cipher;
use crate::error::{Action, FileError};
use crate::lock::{self, Locked};
use crate::options::FileOptions;
use crate::path::{Layout, SessionPath};
use crate::quarantine::Quarantine;

/// A folder of sessions.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) layout: Layout,
    pub(crate) documents: Documents,
    writer: Writer,
    quarantine: Quarantine,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What a locked file turned out to hold.
enum Found {
    Live(Record),
    /// Expired, or a falsy document.
    Dead,
}

impl Folder {
    /// Opens the folder, creating it if it is missing.
    pub(crate) fn open(options: FileOptions) -> Result<Self, FileError> {
        options.check()?;
        create_folder(&options.path)?;
        // A later change of the working directory must not move the sessions.
        let path = fs::canonicalize(&options.path).map_err(Action::CreateFolder.failed())?;
        let cipher = options.encryption.map(Cipher::new).transpose()?;
        Ok(Self {
            layout: Layout::new(path, options.file_extension, options.fan_out),
            documents: Documents { cipher, ttl: whole_millis(options.ttl) },
            writer: Writer::new(options.durability),
            quarantine: Quarantine::default(),
            clock: options.clock,
        })
    }

    pub(crate) fn get(&self, path: &SessionPath) -> Result<Option<Stored>, StoreError> {
        let Some(bytes) = lock::read(&path.file)? else { return Ok(None) };
        match self.documents.decode(&bytes) {
            Ok(record) => Ok(record.and_then(|record| self.stored(record, bytes))),
            Err(_) => self.get_locked(path),
        }
    }

    /// Reads again what could not be decoded: only under the lock it is certain what goes into quarantine.
    fn get_locked(&self, path: &SessionPath) -> Result<Option<Stored>, StoreError> {
        let Some(held) = lock::lock(&path.file)? else { return Ok(None) };
        match self.find(path, &held)? {
            Found::Live(record) => Ok(self.stored(record, held.bytes)),
            Found::Dead => Ok(None),
        }
    }

    pub(crate) fn set(
        &self,
        path: &SessionPath,
        record: &Record,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        loop {
            let held = lock::lock(&path.file)?;
            if let Expect::Revision(revision) = expect {
                let Some(held) = &held else { return Ok(SetOutcome::Gone) };
                let Found::Live(current) = self.find(path, held)? else { return Ok(SetOutcome::Gone) };
                if held.bytes != revision.as_bytes() {
                    let newer = self.stored(current, held.bytes.clone());
                    return Ok(newer.map_or(SetOutcome::Gone, |newer| SetOutcome::Conflict(Box::new(newer))));
                }
            }
            let bytes = self.documents.encode(record, self.clock.now())?;
            let outcome = match &held {
                Some(held) => self.writer.replace(path, held, &bytes)?,
                None => self.writer.create(path, &bytes)?,
            };
            if outcome == Outcome::Written {
                return Ok(SetOutcome::Written(Revision::of_bytes(bytes)));
            }
        }
    }

    /// Takes the data from the file and the cookie from the request.
    ///
    /// DIFFERENCE: session-file-store touches an expired file by writing it anew without its data, and fails
    /// after its retries if there is none.
    pub(crate) fn touch(&self, path: &SessionPath, record: &Record) -> Result<TouchOutcome, StoreError> {
        loop {
            let Some(held) = lock::lock(&path.file)? else { return Ok(TouchOutcome::Gone) };
            let Found::Live(mut current) = self.find(path, &held)? else { return Ok(TouchOutcome::Gone) };
            current.set_cookie(record.cookie().clone());
            let bytes = self.documents.encode(&current, self.clock.now())?;
            // Several requests in one millisecond.
            if bytes == held.bytes || self.writer.replace(path, &held, &bytes)? == Outcome::Written {
                return Ok(TouchOutcome::Touched);
            }
        }
    }

    pub(crate) fn destroy(&self, path: &SessionPath) -> Result<bool, StoreError> {
        let Some(held) = lock::lock(&path.file)? else { return Ok(false) };
        let record = self.documents.decode(&held.bytes).ok().flatten();
        let was_live = record.is_some_and(|record| self.is_live(&record));
        Ok(self.remove(path, &held)? && was_live)
    }

    /// Removes a session that has expired; whether it had.
    pub(crate) fn reap(&self, path: &SessionPath) -> Result<bool, StoreError> {
        // Most sessions live: they are not worth a lock.
        let Some(bytes) = lock::read(&path.file)? else { return Ok(false) };
        if matches!(self.documents.decode(&bytes), Ok(Some(record)) if self.is_live(&record)) {
            return Ok(false);
        }
        let Some(held) = lock::lock(&path.file)? else { return Ok(false) };
        match self.find(path, &held)? {
            Found::Live(_) => Ok(false),
            Found::Dead => Ok(self.remove(path, &held)?),
        }
    }

    /// Whatever is in it.
    pub(crate) fn remove_any(&self, path: &SessionPath) -> Result<(), StoreError> {
        if let Some(held) = lock::lock(&path.file)? {
            self.remove(path, &held)?;
        }
        Ok(())
    }

    /// Removes a locked file; whether it was still there.
    fn remove(&self, path: &SessionPath, _held: &Locked) -> Result<bool, FileError> {
        match fs::remove_file(&path.file) {
            Ok(()) => self.writer.sync_folder(&path.folder).map(|()| true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Action::Remove.failed()(error)),
        }
    }

    /// Decodes a locked file; what cannot be decoded goes into quarantine.
    fn find(&self, path: &SessionPath, held: &Locked) -> Result<Found, StoreError> {
        match self.documents.decode(&held.bytes) {
            Ok(Some(record)) if self.is_live(&record) => Ok(Found::Live(record)),
            Ok(_) => Ok(Found::Dead),
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

    pub(crate) fn is_live(&self, record: &Record) -> bool {
        self.documents.lifetime(record, self.clock.now()) != Lifetime::Over
    }

    fn stored(&self, record: Record, bytes: Vec<u8>) -> Option<Stored> {
        let life = match self.documents.lifetime(&record, self.clock.now()) {
            Lifetime::Over => return None,
            Lifetime::Endless => None,
            Lifetime::Left(life) => Some(life),
        };
        let mut stored = Stored::new(record, Revision::of_bytes(bytes));
        stored.life = life;
        Some(stored)
    }
}

fn whole_millis(duration: Duration) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "only from 285 000 years on")]
    let millis = duration.as_millis() as f64;
    millis
}
