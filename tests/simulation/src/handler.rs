//! The application: does what the plan says with the session of a request.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Data, DataError, Owner, Session, SessionError, SessionManager};

use futures_util::future::join;

use crate::executor::Actor;
use crate::oracle::{Change, Outcome, user};
use crate::plan::{Op, Request};
use crate::world::World;

/// One request in its handler.
pub(crate) struct Handler {
    world: Arc<World>,
    request: Request,
    actor: Actor,
    manager: SessionManager,
}

impl Handler {
    pub(crate) const fn new(world: Arc<World>, request: Request, manager: SessionManager) -> Self {
        let actor = request.number;
        Self { world, request, actor, manager }
    }

    /// What the handler does with the session it is given.
    ///
    /// # Errors
    ///
    /// The first error, as a handler passes it on.
    pub(crate) async fn run(&self, session: &Session) -> Result<(), SessionError> {
        let done = self.work(session).await;
        self.world.observer().leaves_handler(self.world.now(), self.actor);
        done
    }

    async fn work(&self, session: &Session) -> Result<(), SessionError> {
        let (world, actor) = (Arc::clone(&self.world), self.actor);
        world.observer().begins(world.now(), actor, self.request.server, &session.id(), session.entries());
        for (place, op) in self.request.ops.clone().into_iter().enumerate() {
            if writes(op) && session.is_live() {
                self.tag(session)?;
            }
            world.observer().op_begins(world.now(), actor, op);
            let result = self.op(session, place, op).await;
            let sees = (op == Op::Reload).then(|| session.entries());
            let (now, outcome) = (world.now(), Outcome::of(&result));
            world.observer().op_ends(now, actor, outcome, &session.id(), sees);
            result?;
            if op == Op::Login && session.is_live() {
                self.becomes_users(session)?;
            }
        }
        Ok(())
    }

    /// A value that nobody else puts anywhere.
    fn value(&self, place: usize) -> u64 {
        u64::from(self.request.number) * 100 + place as u64
    }

    /// What it wanted under the key before.
    fn wants(&self, key: &str, value: Option<String>) -> Option<Change> {
        self.world.observer().wants(self.world.now(), self.actor, key, value)
    }

    /// Whose browser the session belongs to, so that nobody else's is ever seen in it.
    fn tag(&self, session: &Session) -> Result<(), DataError> {
        let browser = self.request.browser;
        if !session.contains("tag") {
            self.wants("tag", Some(browser.to_string()));
            session.insert("tag", browser)?;
        }
        Ok(())
    }

    fn becomes_users(&self, session: &Session) -> Result<(), SessionError> {
        self.tag(session)?;
        let user = user(self.request.browser);
        self.wants("user", Some(format!("\"{user}\"")));
        session.insert("user", &user)?;
        session.set_owner(&user)?;
        Ok(())
    }

    async fn op(&self, session: &Session, place: usize, op: Op) -> Result<(), SessionError> {
        match op {
            Op::Insert(key) => {
                let (key, value) = (format!("k{key}"), self.value(place));
                if session.is_live() {
                    self.wants(&key, Some(value.to_string()));
                    session.insert(&key, value)?;
                }
                Ok(())
            }
            Op::Remove(key) => {
                let key = format!("k{key}");
                if session.is_live() && session.contains(&key) {
                    let _before = self.wants(&key, None);
                    session.remove(&key);
                }
                Ok(())
            }
            Op::Count => count(session).await,
            Op::CountTwice => {
                let (first, second) = join(count(session), count(session)).await;
                first.and(second)
            }
            Op::CountAndInsert(key) => {
                let (key, value) = (format!("k{key}"), self.value(place));
                let before = self.wants(&key, Some(value.to_string()));
                let counted = session
                    .transaction(|data: &mut Data| {
                        let n: u64 = data.get("n")?.unwrap_or(0);
                        data.insert("n", n + 1)?;
                        data.insert(&key, value)
                    })
                    .await;
                if counted.is_err() {
                    self.world.observer().gives_up(self.actor, &key, before);
                }
                counted
            }
            Op::Save => session.save().await,
            Op::Reload => session.reload().await,
            Op::Touch => {
                session.touch();
                Ok(())
            }
            Op::Pause(ms) => {
                self.world.sleep(Duration::from_millis(ms)).await;
                Ok(())
            }
            Op::Login => session.regenerate().await,
            Op::Renew => {
                if session.is_live() {
                    let old = session.id();
                    session.renew();
                    self.world.observer().renews(self.actor, &old, &session.id());
                    self.becomes_users(session)?;
                }
                Ok(())
            }
            Op::Destroy => session.destroy().await,
            Op::Purge => session.purge().await,
            Op::Unset => {
                session.unset();
                Ok(())
            }
            Op::EndAll => self.end_all().await,
            Op::EndOthers => session.end_other_sessions().await.map(|_| ()),
            Op::List => session.sessions_of_owner().await.map(|_| ()),
        }
    }

    /// As an administrator's page does it, for a user who has lost a device.
    async fn end_all(&self) -> Result<(), SessionError> {
        let owner = Owner::new(user(self.request.browser))?;
        self.manager.sessions_of(owner).end_all().await.map(|_| ())
    }
}

async fn count(session: &Session) -> Result<(), SessionError> {
    session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1).await.map(|_| ())
}

const fn writes(op: Op) -> bool {
    matches!(op, Op::Insert(_) | Op::Count | Op::CountTwice | Op::CountAndInsert(_) | Op::Renew)
}
