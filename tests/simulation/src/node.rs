//! A server as express-session is one: it reads a session, changes its own copy, and writes that back, whatever is
//! stored by then.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Data, Document, SessionId, StoreError, Stored, UnixMillis};

use crate::command::{Command, Reply};
use crate::network::Network;
use crate::oracle::user;
use crate::plan::{Op, Request};
use crate::server::{Response, cookie_of};
use crate::world::World;

/// A request on a Node server.
pub(crate) struct NodeRequest {
    world: Arc<World>,
    store: Network,
    request: Request,
    now: UnixMillis,
    id: SessionId,
    data: Option<Data>,
    /// What was loaded or saved last.
    known: Option<Document>,
    is_new: bool,
}

impl NodeRequest {
    /// Serves a request that came with this session's cookie.
    pub(crate) async fn serve(
        world: Arc<World>,
        request: Request,
        came_with: Option<SessionId>,
        now: UnixMillis,
    ) -> Response {
        let store = Network::new(Arc::clone(&world));
        let loaded = match &came_with {
            Some(id) => match load(&store, id).await {
                Ok(stored) => stored,
                Err(_) => return (500, None),
            },
            None => None,
        };
        let is_new = loaded.is_none();
        let id = came_with.filter(|_| !is_new).unwrap_or_else(|| world.new_id());
        let known = loaded.as_ref().map(|stored| stored.document.clone());
        let data = loaded.map_or_else(fresh, |stored| Some(Data::of(stored.document)));
        let mut request = Self { world, store, request, now, id, data, known, is_new };
        match request.run().await {
            Ok(cookie) => (200, cookie),
            Err(_) => (500, None),
        }
    }

    async fn run(&mut self) -> Result<Option<String>, StoreError> {
        for (place, op) in self.request.ops.clone().into_iter().enumerate() {
            self.op(place, op).await?;
        }
        let Some(data) = &mut self.data else { return Ok(None) };
        let is_modified = self.known.as_ref().is_none_or(|known| !data.encode().same_data(known));
        data.cookie_mut().touch(self.now);
        let document = data.encode();
        if is_modified {
            let (id, expected) = (self.id.clone(), None);
            self.store.call(Command::Set { id, document, expected, at_most: None }).await?;
            return Ok(self.is_new.then(|| cookie_of(&self.id).unwrap_or_default()));
        }
        if !self.is_new {
            let (id, cookie) = (self.id.clone(), data.cookie().clone());
            self.store.call(Command::Touch { id, document, cookie }).await?;
        }
        Ok(None)
    }

    async fn op(&mut self, place: usize, op: Op) -> Result<(), StoreError> {
        let value = u64::from(self.request.number) * 100 + place as u64;
        match op {
            Op::Pause(ms) => self.world.sleep(Duration::from_millis(ms)).await,
            Op::Insert(key) => self.put(&format!("k{key}"), &value.to_string()),
            Op::Remove(key) => {
                if let Some(data) = &mut self.data {
                    data.remove(format!("k{key}"));
                }
            }
            Op::Count | Op::CountTwice => self.count(),
            Op::CountAndInsert(key) => {
                self.count();
                self.put(&format!("k{key}"), &value.to_string());
            }
            Op::Login | Op::Renew => {
                self.store.call(Command::Destroy { id: self.id.clone() }).await?;
                (self.id, self.data, self.known, self.is_new) = (self.world.new_id(), fresh(), None, true);
                let user = user(self.request.browser);
                self.put("user", &format!("\"{user}\""));
            }
            Op::Destroy | Op::Purge | Op::Unset => {
                self.data = None;
                self.store.call(Command::Destroy { id: self.id.clone() }).await?;
            }
            Op::Reload => {
                if let Some(stored) = load(&self.store, &self.id).await? {
                    self.known = Some(stored.document.clone());
                    self.data = Some(Data::of(stored.document));
                }
            }
            Op::Save | Op::Touch | Op::EndAll | Op::EndOthers | Op::List => {}
        }
        Ok(())
    }

    fn count(&mut self) {
        let n: u64 = self.data.as_ref().and_then(|data| data.get("n").ok().flatten()).unwrap_or(0);
        self.put("n", &(n + 1).to_string());
    }

    fn put(&mut self, key: &str, text: &str) {
        let browser = self.request.browser.to_string();
        let Some(data) = &mut self.data else { return };
        let tag = data.insert_raw("tag", &browser);
        let put = tag.and_then(|()| data.insert_raw(key, text));
        debug_assert!(put.is_ok(), "numbers and plain texts are JSON");
    }
}

async fn load(store: &Network, id: &SessionId) -> Result<Option<Stored>, StoreError> {
    match store.call(Command::Get { id: id.clone() }).await? {
        Reply::Read(stored) => Ok(stored),
        _ => Ok(None),
    }
}

/// A session without data, with a cookie of half an hour.
fn fresh() -> Option<Data> {
    const EMPTY: &str = r#"{"cookie":{"originalMaxAge":1800000,"expires":"2030-01-01T00:00:00.000Z","httpOnly":true,"path":"/"}}"#;
    Document::parse(EMPTY).ok().flatten().map(Data::of)
}
