//! Owners' lists as core calls them: on the I/O threads.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{
    CONDEMNED, Clock as _, Document, IndexCall, Owner, OwnerEntry, OwnerIndex, PENDING, SessionId,
    StoreError, UnixMillis,
};

use crate::error::FileError;
use crate::folder::Folder;
use crate::path::SessionPath;
use crate::store::FileStore;

/// How long the entry of a session counts that has no end: for as long as every file system can say.
const ENDLESS: Duration = Duration::from_hours(5 * 365 * 24);
/// How often it is refreshed.
const REFRESH_ENDLESS: Duration = Duration::from_hours(24);

impl FileStore {
    /// Changes the entries of those of these sessions that can have a file.
    async fn change_list<T: Send + 'static>(
        &self,
        ids: &[SessionId],
        change: impl Fn(&Folder, &SessionPath) -> Result<T, FileError> + Send + 'static,
    ) -> Result<Vec<T>, StoreError> {
        let folder = Arc::clone(self.folder());
        let sessions: Vec<_> = ids.iter().filter_map(|id| folder.layout.locate(id).ok()).collect();
        let changed =
            move || sessions.iter().map(|session| change(&folder, session)).collect::<Result<_, _>>();
        Ok(self.on_thread(changed).await??)
    }

    /// Until when the entry of a session counts: twice as long as the session, which is refreshed after half its life.
    fn counts_until(&self, document: &Document) -> UnixMillis {
        let life = self.folder().documents.full_life(document).saturating_mul(2).min(ENDLESS);
        self.folder().clock.now().plus(life)
    }

    fn counts_for(&self, duration: Duration) -> UnixMillis {
        self.folder().clock.now().plus(duration)
    }
}

impl OwnerIndex for FileStore {
    fn find<'a>(&'a self, owner: &'a Owner) -> IndexCall<'a, Vec<OwnerEntry>> {
        Box::pin(async {
            let (folder, owner) = (Arc::clone(self.folder()), owner.clone());
            let entries = self.on_thread(move || folder.entries(&owner)).await??;
            let mut listed = Vec::with_capacity(entries.len());
            for (id, entry) in entries {
                let stored = match self.find_stored(&id).await {
                    Err(StoreError::Corrupt(_)) => None,
                    stored => stored?,
                };
                listed.push(OwnerEntry { id, entry, stored });
            }
            Ok(listed)
        })
    }

    fn enlist<'a>(&'a self, owner: &'a Owner, id: &'a SessionId) -> IndexCall<'a, ()> {
        let (owner, until) = (owner.clone(), self.counts_for(PENDING));
        let change = move |folder: &Folder, session: &SessionPath| folder.enlist(&owner, session, until);
        Box::pin(async move { self.change_list(std::slice::from_ref(id), change).await.map(drop) })
    }

    fn confirm<'a>(
        &'a self,
        owner: &'a Owner,
        id: &'a SessionId,
        document: &'a Document,
    ) -> IndexCall<'a, bool> {
        let (owner, until) = (owner.clone(), self.counts_until(document));
        let change = move |folder: &Folder, session: &SessionPath| folder.confirm(&owner, session, until);
        Box::pin(async move { Ok(self.change_list(std::slice::from_ref(id), change).await? == [true]) })
    }

    fn refresh<'a>(
        &'a self,
        owner: &'a Owner,
        id: &'a SessionId,
        document: &'a Document,
    ) -> IndexCall<'a, bool> {
        let (owner, until) = (owner.clone(), self.counts_until(document));
        let change = move |folder: &Folder, session: &SessionPath| folder.refresh(&owner, session, until);
        Box::pin(async move { Ok(self.change_list(std::slice::from_ref(id), change).await? == [true]) })
    }

    fn refresh_after(&self, _: &SessionId, document: &Document) -> Option<Duration> {
        Some((self.folder().documents.full_life(document) / 2).min(REFRESH_ENDLESS))
    }

    fn condemn<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        let (owner, until) = (owner.clone(), self.counts_for(CONDEMNED));
        let change = move |folder: &Folder, session: &SessionPath| folder.condemn(&owner, session, until);
        Box::pin(async move { self.change_list(ids, change).await.map(drop) })
    }

    fn delist<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        let owner = owner.clone();
        let change = move |folder: &Folder, session: &SessionPath| folder.delist(&owner, session);
        Box::pin(async move { self.change_list(ids, change).await.map(drop) })
    }
}
