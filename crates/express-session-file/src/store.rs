//! The store: which verb runs where, and who waits for whom.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{
    Cookie, Document, Expect, OwnerIndex, Revision, SessionId, SessionStore, SetOutcome, StoreError, Stored,
    Successor, SupersedeOutcome, TouchHint, TouchOutcome,
};

use crate::bound::Bound;
use crate::error::FileError;
use crate::folder::Folder;
use crate::io_threads::{IoThreads, run_alone};
use crate::lock::{Interrupted, Pauses};
use crate::options::{FileOptions, RETRY_PAUSE};
use crate::path::SessionPath;
use crate::probe::probe;
use crate::sweep::Sweeper;
use crate::turns::Turns;

/// One JSON file per session, in session-file-store's format.
///
/// A clone is another handle on the same folder. With the last one end the threads, after the writes they were
/// given; a dropped future of any verb does not stop its write.
#[derive(Clone)]
pub struct FileStore {
    inner: Arc<Inner>,
}

struct Inner {
    folder: Arc<Folder>,
    threads: IoThreads,
    turns: Arc<Turns>,
    retries: u32,
    _sweeper: Option<Sweeper>,
}

impl FileStore {
    /// Opens the folder, creating it if it is missing, and starts the threads.
    ///
    /// # Errors
    ///
    /// [`FileError`] if an option is not possible, the folder cannot be created or written, or a thread cannot be started.
    pub fn new(options: FileOptions) -> Result<Self, FileError> {
        let FileOptions { reap_interval, threads, retries, .. } = options;
        let (folder, probed) = Folder::open(options)?;
        let folder = Arc::new(folder);
        if let Some(bound) = &folder.bound {
            bound.counted(folder.count()?);
        }
        if probed.is_shared {
            tracing::warn!(
                "others can write to the session folder: whoever can put a file there can log in as anybody; let it belong to \
                 the user of this process, with mode 0700"
            );
        }
        if probed.ignores_case {
            tracing::warn!(
                "the session folder does not tell upper from lower case: session ids that differ only in case \
                 share a file. Generated ids are long enough for that not to happen; those of your own may not be"
            );
        }
        if !folder.layout.has_room_for_marks() {
            tracing::warn!(
                "without a file extension every file is a session to Node, so superseded sessions leave no marks: a \
                 request that is under way during a login can undo it; choose a file extension"
            );
        }
        let sweeper = reap_interval.map(|every| Sweeper::start(Arc::clone(&folder), every)).transpose()?;
        Ok(Self {
            inner: Arc::new(Inner {
                folder,
                threads: IoThreads::start(threads)?,
                turns: Arc::default(),
                retries,
                _sweeper: sweeper,
            }),
        })
    }

    /// Whether the folder can still be written: it may be full, read-only or gone by now. For a readiness probe;
    /// [`new`](Self::new) has asked the same.
    ///
    /// # Errors
    ///
    /// [`FileError`] says why it cannot.
    pub async fn ready(&self) -> Result<(), FileError> {
        let folder = Arc::clone(self.folder());
        self.inner.threads.run(move || probe(folder.layout.folder()).map(drop)).await?
    }

    pub(crate) fn folder(&self) -> &Arc<Folder> {
        &self.inner.folder
    }

    /// Runs what needs no turn on an I/O thread.
    pub(crate) async fn on_thread<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FileError> {
        self.inner.threads.run(job).await
    }

    /// What is stored; a missing file is not waited for.
    pub(crate) async fn find_stored(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        let Ok(path) = self.inner.folder.layout.locate(id) else { return Ok(None) };
        self.read(path).await
    }

    pub(crate) fn threads(&self) -> &IoThreads {
        &self.inner.threads
    }

    async fn read(&self, path: SessionPath) -> Result<Option<Stored>, StoreError> {
        self.run((), path, Folder::get).await
    }

    async fn set_document(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Option<Duration>,
    ) -> Result<SetOutcome, StoreError> {
        let path = self.inner.folder.layout.locate(id).map_err(StoreError::UnsupportedId)?;
        let document = document.clone();
        let revision = revision(expect);
        let written = self
            .write(id, path.clone(), move |folder, path| {
                let expect = revision.as_ref().map_or(Expect::Any, Expect::Revision);
                folder.set(path, &document, expect, at_most)
            })
            .await?;
        self.make_room(path).await;
        Ok(written)
    }

    /// Keeps the bound, on a thread of its own. What was written is written: a failure is logged and not the visitor's.
    pub(crate) async fn make_room(&self, keep: SessionPath) {
        let folder = Arc::clone(&self.inner.folder);
        if !folder.bound.as_ref().is_some_and(Bound::is_over) {
            return;
        }
        let made = run_alone(move || folder.make_room(&keep)).await;
        if let Err(error) = made.map_err(StoreError::from).flatten() {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the session folder is full, and no room could be made"
            );
        }
    }

    /// Runs a verb that writes, when it is this session's turn.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        id: &SessionId,
        path: SessionPath,
        verb: impl Fn(&Folder, &SessionPath) -> Result<T, Interrupted> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.inner.turns.wait(id).await;
        self.run(turn, path, verb).await
    }

    /// Runs a verb on an I/O thread, and again for as long as another process holds the session's lock. In between the
    /// thread is others'; `turn` goes along with the verb, so that the turn does not end before a verb whose caller has left.
    async fn run<T: Send + 'static>(
        &self,
        turn: impl Send + 'static,
        path: SessionPath,
        verb: impl Fn(&Folder, &SessionPath) -> Result<T, Interrupted> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut pauses = Pauses::default();
        let mut job = (turn, path, verb);
        loop {
            let folder = Arc::clone(&self.inner.folder);
            let (result, back) = self
                .inner
                .threads
                .run(move || {
                    let (_, path, verb) = &job;
                    (verb(&folder, path), job)
                })
                .await?;
            match result {
                Ok(done) => return Ok(done),
                Err(Interrupted::Failed(error)) => return Err(error),
                Err(Interrupted::Busy) => job = back,
            }
            let pause = pauses.next()?;
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// What is expected, to be taken along to another thread.
fn revision(expect: Expect<'_>) -> Option<Revision> {
    match expect {
        Expect::Any => None,
        Expect::Revision(revision) => Some(revision.clone()),
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("folder", &self.inner.folder.layout.folder())
            .finish_non_exhaustive()
    }
}

impl SessionStore for FileStore {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        let Ok(path) = self.inner.folder.layout.locate(id) else { return Ok(None) };
        for _ in 0..self.inner.retries {
            if let Some(stored) = self.read(path.clone()).await? {
                return Ok(Some(stored));
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        self.read(path).await
    }

    /// As [`get`](Self::get): a touch is a write, and whether the request writes anyway is not known yet.
    async fn get_and_touch(
        &self,
        id: &SessionId,
        _hint: TouchHint<'_>,
    ) -> Result<Option<Stored>, StoreError> {
        self.get(id).await
    }

    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        self.set_document(id, document, expect, None).await
    }

    /// As [`set`](Self::set), with a `__lastAccess` so long ago that the life ends in time, for Node too.
    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.set_document(id, document, expect, Some(at_most)).await
    }

    async fn touch(
        &self,
        id: &SessionId,
        _document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        let Ok(path) = self.inner.folder.layout.locate(id) else { return Ok(TouchOutcome::Gone) };
        let cookie = cookie.clone();
        self.write(id, path, move |folder, path| folder.touch(path, &cookie)).await
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        let Ok(path) = self.inner.folder.layout.locate(id) else { return Ok(false) };
        self.write(id, path, Folder::destroy).await
    }

    /// Two files under one lock: the mark is left, then the session's removed.
    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        let revision = revision(expect);
        let Ok(path) = self.inner.folder.layout.locate(id) else {
            // There can be no session under such an id, and no mark.
            return Ok(revision.map_or(SupersedeOutcome::Superseded, |_| SupersedeOutcome::Gone));
        };
        let (successor, grace) = (by.id.clone(), by.grace);
        self.write(id, path, move |folder, path| {
            let expect = revision.as_ref().map_or(Expect::Any, Expect::Revision);
            folder.supersede(path, expect, &successor, grace)
        })
        .await
    }

    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        let Ok(path) = self.inner.folder.layout.locate(id) else { return Ok(None) };
        let folder = Arc::clone(&self.inner.folder);
        self.inner.threads.run(move || folder.successor(&path)).await?
    }

    /// None without a file extension, because then every file is a session to Node.
    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        self.inner.folder.layout.has_room_for_marks().then_some(self)
    }
}
