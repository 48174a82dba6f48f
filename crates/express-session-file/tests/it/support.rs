//! A store in a folder of its own, with a clock that stands still.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use express_session_core::{
    Cookie, Data, Document, Expect, ManualClock, Revision, SessionId, SessionStore as _, SetOutcome,
    StoreError, TouchOutcome, UnixMillis,
};
use express_session_file::{FileOptions, FileStore};
use express_session_testbed::vectors::{NOW_MS, untranslatable};
use serde_json::Value;
use tempfile::TempDir;

/// The instant of the recordings.
pub(crate) const NOW: UnixMillis = UnixMillis(NOW_MS);

/// A store, its clock and its folder.
pub(crate) struct Fixture {
    pub(crate) store: FileStore,
    pub(crate) clock: Arc<ManualClock>,
    dir: TempDir,
}

impl Fixture {
    /// A store with default options in a folder that does not exist before.
    pub(crate) fn new() -> Self {
        Self::with(|options| options)
    }

    pub(crate) fn with(options: impl FnOnce(FileOptions) -> FileOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOW));
        let base = FileOptions::new().path(dir.path().join("sessions")).clock(Arc::clone(&clock));
        let store = FileStore::new(options(base).reap_interval(None)).unwrap();
        Self { store, clock, dir }
    }

    /// Another store on the same folder.
    pub(crate) fn reopened(self, options: impl FnOnce(FileOptions) -> FileOptions) -> Self {
        let base = FileOptions::new().path(self.folder()).clock(Arc::clone(&self.clock));
        let store = FileStore::new(options(base).reap_interval(None)).unwrap();
        Self { store, ..self }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("sessions")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.file(name), bytes).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// The files and what is in them, without the quarantine.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.folder())
    }

    pub(crate) async fn set(&self, name: &str, document: &Document) -> Revision {
        written(self.store.set(&id(name), document, Expect::Any).await.unwrap())
    }

    /// A touch that stores the document's own cookie.
    pub(crate) async fn touch(&self, name: &str, document: &Document) -> Result<TouchOutcome, StoreError> {
        self.store.touch(&id(name), document, document.cookie()).await
    }
}

/// With the options that session-file-store was given in a recording.
pub(crate) fn options_of(mut options: FileOptions, recorded: &Value) -> FileOptions {
    for (name, value) in recorded.as_object().into_iter().flatten() {
        let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        options = match (name.as_str(), seconds, value.as_str()) {
            ("ttl", Some(ttl), _) => options.ttl(std::time::Duration::from_secs(ttl)),
            ("fileExtension", _, Some(extension)) => options.file_extension(extension),
            // An unknown id costs no retries here.
            ("retries", Some(_), _) => options,
            _ => untranslatable(format_args!("unknown option {name}: {value}")),
        };
    }
    options
}

/// The files in a folder.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect()
}

pub(crate) fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

pub(crate) fn written(outcome: SetOutcome) -> Revision {
    match outcome {
        SetOutcome::Written(revision) => revision,
        other => panic!("not written: {other:?}"),
    }
}

pub(crate) fn document(json: &str) -> Document {
    Document::parse(json).unwrap().unwrap()
}

/// A session without data.
pub(crate) fn empty() -> Document {
    Data::new(Cookie::default()).encode()
}
