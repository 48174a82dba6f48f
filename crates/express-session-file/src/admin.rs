//! What operators need: listing, adding, counting, clearing, sweeping. What reads many files does it on a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{
    Cursor, Data, Document, Listed, Page, SessionId, SessionStoreAdmin, StoreError, UnixMillis,
};

use crate::atomic_write::Outcome;
use crate::document::Lifetime;
use crate::folder::Folder;
use crate::io_threads::run_alone;
use crate::lock::{self, Interrupted};
use crate::path::SessionPath;
use crate::store::FileStore;
use crate::sweep::{Pace, sweep};

impl FileStore {
    async fn alone<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Folder) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = Arc::clone(self.folder());
        run_alone(move || job(&folder)).await?
    }
}

impl Folder {
    /// Writes the document unless something is there, or the mark of a session that was superseded; whether it did.
    fn add(&self, path: &SessionPath, document: &Document, at_most: Duration) -> Result<bool, Interrupted> {
        loop {
            let held = lock::lock(&path.file)?;
            let is_free = held.as_ref().is_none_or(|held| match self.documents.decode(&held.bytes) {
                Ok(there) => there.is_none_or(|there| !self.is_live(&there)),
                Err(_) => false,
            });
            if !is_free || self.successor(path)?.is_some() {
                return Ok(false);
            }
            let now = self.clock.now();
            let ahead = self.documents.time_ahead(document, Some(at_most));
            let accessed = UnixMillis(now.0.saturating_sub(ahead));
            let bytes = self.documents.encode(&mut Data::of(document.clone()), accessed)?;
            let stamped = self.documents.decode(&bytes).map_err(StoreError::Corrupt)?;
            if at_most.is_zero()
                || stamped.is_none_or(|it| self.documents.lifetime(&it, now) == Lifetime::Over)
            {
                return Ok(false);
            }
            let outcome = match &held {
                Some(held) => self.writer.replace(path, held, &bytes)?,
                None => self.writer.create(path, &bytes)?,
            };
            if outcome == Outcome::Written {
                if let (None, Some(bound)) = (&held, &self.bound) {
                    bound.created();
                }
                return Ok(true);
            }
        }
    }
}

impl SessionStoreAdmin for FileStore {
    /// In the order of ids; no session is on two pages. On a file system that gives a file another place in its folder when it
    /// is replaced, one that is replaced in the very moment its folder is read may be missed.
    async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let after = after.cloned();
        self.alone(move |folder| folder.page(after.as_ref(), limit)).await
    }

    async fn look(&self, id: &SessionId) -> Result<Option<Listed>, StoreError> {
        let (folder, id) = (Arc::clone(self.folder()), id.clone());
        self.threads().run(move || folder.listed(id)).await?
    }

    async fn add(&self, id: &SessionId, document: &Document, at_most: Duration) -> Result<bool, StoreError> {
        let path = self.folder().layout.locate(id).map_err(StoreError::UnsupportedId)?;
        let document = document.clone();
        let add = move |folder: &Folder, path: &SessionPath| folder.add(path, &document, at_most);
        let added = self.write(id, path.clone(), add).await?;
        if added {
            self.make_room(path).await;
        }
        Ok(added)
    }

    /// Counts files by their names, expired ones too, as Node does.
    async fn length(&self) -> Result<u64, StoreError> {
        self.alone(|folder| Ok(folder.count()?)).await
    }

    /// Removes all session files, and the marks of superseded sessions; quarantine and other files stay.
    async fn clear(&self) -> Result<(), StoreError> {
        self.alone(Folder::clear).await
    }

    async fn sweep(&self) -> Result<u64, StoreError> {
        self.alone(|folder| sweep(folder, &Pace::default())).await
    }
}
