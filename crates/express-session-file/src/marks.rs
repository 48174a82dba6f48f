//! A session that makes way for another one: its file goes, and for a while a small one beside it names the other.
//!
//! ```text
//! .ended-<SHA-256 of the session file's name, hexadecimal>-    {"until":<milliseconds>,"successor":"<id>"}
//! ```
//!
//! A Node server lists files by their extension, which the name never ends with. The successor's id is worth as much as
//! its session, so in an encrypted folder the text is encrypted as documents are.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use express_session_core::{Expect, SessionId, StoreError, SupersedeOutcome, UnixMillis};
use serde_json::Value;

use crate::atomic_write::Outcome;
use crate::document::Documents;
use crate::error::{Action, FileError};
use crate::folder::{Folder, Found};
use crate::lock::{self, Interrupted};
use crate::path::SessionPath;

/// Which session has taken the place of another.
struct Mark {
    successor: SessionId,
    /// The last millisecond in which it counts.
    until: UnixMillis,
}

impl Mark {
    fn encode(&self, documents: &Documents) -> Result<Vec<u8>, FileError> {
        let successor = Value::from(self.successor.as_str());
        let json = format!(r#"{{"until":{},"successor":{successor}}}"#, self.until.0);
        match &documents.cipher {
            None => Ok(json.into_bytes()),
            Some(cipher) => cipher.encrypt(&json),
        }
    }

    /// `None` if nobody can read it (any more).
    fn decode(documents: &Documents, bytes: &[u8]) -> Option<Self> {
        let json: Value = match &documents.cipher {
            None => serde_json::from_slice(bytes).ok()?,
            Some(cipher) => serde_json::from_str(&cipher.decrypt(bytes).ok()?).ok()?,
        };
        let successor = SessionId::parse(json.get("successor")?.as_str()?).ok()?;
        Some(Self { successor, until: UnixMillis(json.get("until")?.as_i64()?) })
    }
}

impl Folder {
    /// Removes the session if it is as expected, and leaves a mark of its successor for the grace.
    ///
    /// The mark comes first, so that at no moment there is neither; nobody asks for it while there is a session.
    pub(crate) fn supersede(
        &self,
        path: &SessionPath,
        expect: Expect<'_>,
        successor: &SessionId,
        grace: Duration,
    ) -> Result<SupersedeOutcome, Interrupted> {
        let place = self.layout.mark_of(path).filter(|_| !grace.is_zero());
        loop {
            let held = lock::lock(&path.file)?;
            match self.look(path, held.as_ref(), expect)? {
                Found::Expected => {}
                Found::Other(newer) => return Ok(SupersedeOutcome::Conflict(newer)),
                Found::Nothing => return Ok(SupersedeOutcome::Gone),
            }
            if let Some(place) = &place {
                let mark = Mark { successor: successor.clone(), until: self.clock.now().plus(grace) };
                self.writer.put(place, &mark.encode(&self.documents)?)?;
            }
            let Some(held) = held else { return Ok(SupersedeOutcome::Superseded) };
            if self.remove_same(path, &held)? == Outcome::Written {
                return Ok(SupersedeOutcome::Superseded);
            }
            if let Some(place) = &place {
                remove_file(&place.file)?;
            }
        }
    }

    /// Which session has taken the place of this one, while that counts.
    pub(crate) fn successor(&self, path: &SessionPath) -> Result<Option<SessionId>, StoreError> {
        let Some(place) = self.layout.mark_of(path) else { return Ok(None) };
        let Some(bytes) = lock::read(&place.file)? else { return Ok(None) };
        let mark = Mark::decode(&self.documents, &bytes);
        Ok(mark.filter(|mark| mark.until >= self.clock.now()).map(|mark| mark.successor))
    }

    /// Removes a mark whose time is over.
    pub(crate) fn reap_mark(&self, file: &Path) -> Result<(), StoreError> {
        let Some(bytes) = lock::read(file)? else { return Ok(()) };
        let mark = Mark::decode(&self.documents, &bytes);
        if mark.is_none_or(|mark| mark.until < self.clock.now()) {
            remove_file(file)?;
        }
        Ok(())
    }
}

/// Removes a file that may be gone already.
pub(crate) fn remove_file(file: &Path) -> Result<(), FileError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Action::Remove.failed()(error)),
        _ => Ok(()),
    }
}
