//! What is behind the network: the simulated store, or a real one whose calls are carried out one after the other.

use std::fmt;

use express_session_core::{
    Document, Listing, OwnerIndex, SessionId, SessionStoreAdmin, StoreError, Successor, TouchHint,
};
use pollster::FutureExt as _;

use crate::command::{Answer, Command, Reply, expect};

/// Carries out a command in one step, and shows what is stored.
pub(crate) trait Backend: fmt::Debug + Send + Sync + 'static {
    fn execute(&self, command: &Command) -> Answer;
    /// What is stored under the id and alive.
    fn peek(&self, id: &SessionId) -> Option<Document>;
    /// All live sessions.
    fn live(&self) -> Vec<(SessionId, Document)>;
    /// Gives one session up to make room: the one at this place, counted around. None if there is none.
    fn evict(&self, place: u64) -> Option<SessionId>;
    /// Forgets what was written in so many milliseconds before now.
    ///
    /// False if it cannot.
    fn fail_over(&self, forgets: u64) -> bool;
}

/// A real store. The future of a call is waited for on the spot, so the order of calls is the simulation's.
#[derive(Debug)]
pub(crate) struct RealStore<S>(pub(crate) S);

impl<S: SessionStoreAdmin> RealStore<S> {
    fn index(&self) -> Result<&dyn OwnerIndex, StoreError> {
        self.0.owner_index().ok_or(StoreError::UnsupportedId("no owners"))
    }

    async fn call(&self, command: &Command) -> Answer {
        let store = &self.0;
        Ok(match command {
            Command::Get { id } => Reply::Read(store.get(id).await?),
            Command::GetAndTouch { id, cookie, touch_after } => {
                let hint = TouchHint { cookie, touch_after: *touch_after };
                Reply::Read(store.get_and_touch(id, hint).await?)
            }
            Command::Set { id, document, expected, at_most: None } => {
                Reply::Set(store.set(id, document, expect(expected.as_ref())).await?)
            }
            Command::Set { id, document, expected, at_most: Some(at_most) } => {
                Reply::Set(store.set_for(id, document, expect(expected.as_ref()), *at_most).await?)
            }
            Command::Touch { id, document, cookie } => Reply::Touch(store.touch(id, document, cookie).await?),
            Command::Destroy { id } => Reply::Destroyed(store.destroy(id).await?),
            Command::Supersede { id, expected, by, grace } => {
                let by = Successor { id: by, grace: *grace };
                Reply::Superseded(store.supersede(id, expect(expected.as_ref()), by).await?)
            }
            Command::Successor { id } => Reply::Successor(store.successor(id).await?),
            Command::Find { owner } => Reply::Found(self.index()?.find(owner).await?),
            Command::Enlist { owner, id } => self.index()?.enlist(owner, id).await.map(|()| Reply::Done)?,
            Command::Confirm { owner, id, document } => {
                Reply::Confirmed(self.index()?.confirm(owner, id, document).await?)
            }
            Command::Refresh { owner, id, document } => {
                Reply::Confirmed(self.index()?.refresh(owner, id, document).await?)
            }
            Command::Condemn { owner, ids } => {
                self.index()?.condemn(owner, ids).await.map(|()| Reply::Done)?
            }
            Command::Delist { owner, ids } => self.index()?.delist(owner, ids).await.map(|()| Reply::Done)?,
        })
    }
}

impl<S: SessionStoreAdmin> Backend for RealStore<S> {
    fn execute(&self, command: &Command) -> Answer {
        self.call(command).block_on()
    }

    fn peek(&self, id: &SessionId) -> Option<Document> {
        self.0.get(id).block_on().ok().flatten().map(|stored| stored.document)
    }

    fn live(&self) -> Vec<(SessionId, Document)> {
        let mut live = Vec::new();
        let mut listing = Listing::new(&self.0, express_session_core::DEFAULT_PAGE);
        while let Ok(Some(page)) = listing.next().block_on() {
            let found = page.into_iter().filter_map(|listed| Some((listed.id, listed.stored.ok()?.document)));
            live.extend(found);
        }
        live.sort_by(|(a, _), (b, _)| a.cmp(b));
        live
    }

    fn evict(&self, place: u64) -> Option<SessionId> {
        let live = self.live();
        let count = u64::try_from(live.len()).ok().filter(|count| *count > 0)?;
        let (id, _) = live.into_iter().nth(usize::try_from(place % count).unwrap_or(0))?;
        self.0.destroy(&id).block_on().ok()?.then_some(id)
    }

    /// Real stores in this process have nobody who could take over.
    fn fail_over(&self, _: u64) -> bool {
        false
    }
}
