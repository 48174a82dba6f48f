//! Which sessions belong to whom: a list of ids per owner, beside the sessions.

use std::collections::btree_map::{BTreeMap, Entry as Place};
use std::collections::hash_map::HashMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use express_session_core::{
    CONDEMNED, Document, EntryState, IndexCall, Owner, OwnerEntry, OwnerIndex, PENDING, SessionId, UnixMillis,
};

use crate::life::Deadline;
use crate::store::MemoryStore;

/// How often a session is refreshed whose life has no end.
const REFRESH: Duration = Duration::from_hours(24);

/// All lists, behind one lock: they change when somebody logs in or out, and now and then for a session in use.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    lists: Mutex<HashMap<Owner, List>>,
}

type List = BTreeMap<SessionId, Entry>;

#[derive(Clone, Copy, Debug)]
struct Entry {
    entry: EntryState,
    /// The last millisecond in which it counts.
    until: UnixMillis,
}

impl Owners {
    /// A panic while the lock is held leaves no entry half changed.
    fn lists(&self) -> MutexGuard<'_, HashMap<Owner, List>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what does not count any more.
    pub(crate) fn prune(&self, now: UnixMillis) {
        let mut lists = self.lists();
        lists.retain(|_, list| {
            list.retain(|_, entry| entry.until >= now);
            !list.is_empty()
        });
        if lists.capacity() / 4 > lists.len() {
            lists.shrink_to_fit();
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.lists().clear();
    }

    fn entries(&self, owner: &Owner, now: UnixMillis) -> Vec<(SessionId, EntryState)> {
        let mut lists = self.lists();
        let Some(list) = lists.get_mut(owner) else { return Vec::new() };
        list.retain(|_, entry| entry.until >= now);
        list.iter().map(|(id, entry)| (id.clone(), entry.entry)).collect()
    }

    fn enlist(&self, owner: &Owner, id: &SessionId, now: UnixMillis) {
        let pending = Entry { entry: EntryState::Pending, until: now.plus(PENDING) };
        match self.lists().entry(owner.clone()).or_default().entry(id.clone()) {
            Place::Vacant(place) => {
                place.insert(pending);
            }
            Place::Occupied(mut place) if place.get().until < now => *place.get_mut() = pending,
            Place::Occupied(_) => {}
        }
    }

    /// Keeps an entry until then, if it is there; whether it is and is not condemned.
    fn confirm(&self, owner: &Owner, id: &SessionId, now: UnixMillis, until: UnixMillis) -> bool {
        let mut lists = self.lists();
        let entry = lists.get_mut(owner).and_then(|list| list.get_mut(id)).filter(|it| it.until >= now);
        let Some(entry) = entry.filter(|it| it.entry != EntryState::Condemned) else { return false };
        *entry = Entry { entry: EntryState::Confirmed, until: entry.until.max(until) };
        true
    }

    fn condemn(&self, owner: &Owner, ids: &[SessionId], now: UnixMillis) {
        let mut lists = self.lists();
        let list = lists.entry(owner.clone()).or_default();
        for id in ids {
            list.insert(id.clone(), Entry { entry: EntryState::Condemned, until: now.plus(CONDEMNED) });
        }
    }

    fn delist(&self, owner: &Owner, ids: &[SessionId]) {
        let mut lists = self.lists();
        let Some(list) = lists.get_mut(owner) else { return };
        list.retain(|id, _| !ids.contains(id));
        if list.is_empty() {
            lists.remove(owner);
        }
    }
}

impl MemoryStore {
    /// How long the session lives from now on.
    fn lifetime(&self, id: &SessionId, document: &Document, now: UnixMillis) -> Option<Duration> {
        self.ttl().life(document, id, Deadline::of(now), now).map(|life| life.ttl)
    }
}

impl OwnerIndex for MemoryStore {
    fn find<'a>(&'a self, owner: &'a Owner) -> IndexCall<'a, Vec<OwnerEntry>> {
        let now = self.now();
        let listed = |(id, entry)| {
            let stored = self.find_stored(&id, now);
            OwnerEntry { id, entry, stored }
        };
        let list = self.owners().entries(owner, now).into_iter().map(listed).collect();
        Box::pin(ready(Ok(list)))
    }

    fn enlist<'a>(&'a self, owner: &'a Owner, id: &'a SessionId) -> IndexCall<'a, ()> {
        self.owners().enlist(owner, id, self.now());
        Box::pin(ready(Ok(())))
    }

    fn confirm<'a>(
        &'a self,
        owner: &'a Owner,
        id: &'a SessionId,
        document: &'a Document,
    ) -> IndexCall<'a, bool> {
        let now = self.now();
        // Twice as long as the session, which is refreshed after half its life: an entry always outlives its session.
        let until = self
            .lifetime(id, document, now)
            .map_or(UnixMillis(i64::MAX), |life| now.plus(life.saturating_mul(2)));
        Box::pin(ready(Ok(self.owners().confirm(owner, id, now, until))))
    }

    fn refresh<'a>(
        &'a self,
        owner: &'a Owner,
        id: &'a SessionId,
        document: &'a Document,
    ) -> IndexCall<'a, bool> {
        self.owners().enlist(owner, id, self.now());
        self.confirm(owner, id, document)
    }

    fn refresh_after(&self, id: &SessionId, document: &Document) -> Option<Duration> {
        Some(self.lifetime(id, document, self.now()).map_or(REFRESH, |life| life / 2))
    }

    fn condemn<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        self.owners().condemn(owner, ids, self.now());
        Box::pin(ready(Ok(())))
    }

    fn delist<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        self.owners().delist(owner, ids);
        Box::pin(ready(Ok(())))
    }
}
