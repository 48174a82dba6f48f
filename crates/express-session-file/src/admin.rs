//! What operators need: listing, counting, clearing, sweeping. All of it reads the whole folder, on a thread of
//! its own.

use std::sync::Arc;

use express_session_core::{Document, SessionId, SessionStoreAdmin, StoreError};

use crate::folder::Folder;
use crate::io_threads::run_alone;
use crate::lock;
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
    /// Calls `each` with every live session.
    fn for_each_live(&self, mut each: impl FnMut(SessionId, Document)) -> Result<(), StoreError> {
        self.for_each_session(|id, path| {
            let Some(bytes) = lock::read(&path.file)? else { return Ok(()) };
            if let Ok(Some(document)) = self.documents.decode(&bytes)
                && self.is_live(&document)
            {
                each(id, document);
            }
            Ok(())
        })
    }
}

impl SessionStoreAdmin for FileStore {
    async fn all(&self) -> Result<Vec<(SessionId, Document)>, StoreError> {
        self.alone(|folder| {
            let mut all = Vec::new();
            folder.for_each_live(|id, document| all.push((id, document)))?;
            Ok(all)
        })
        .await
    }

    async fn ids(&self) -> Result<Vec<SessionId>, StoreError> {
        self.alone(|folder| {
            let mut ids = Vec::new();
            folder.for_each_live(|id, _| ids.push(id))?;
            Ok(ids)
        })
        .await
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
