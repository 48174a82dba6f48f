//! The way to the store: the same verbs, with delays and faults on the way there and back.

use std::fmt;
use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use express_session_core::{
    Cookie, Document, Expect, IndexCall, Owner, OwnerEntry, OwnerIndex, SessionId, SessionStore, SetOutcome,
    StoreError, Stored, Successor, SupersedeOutcome, TouchHint, TouchOutcome,
};

use crate::command::{Answer, Command, Reply, expected};
use crate::executor::{Actor, current};
use crate::world::{Fate, Fault, World};

/// A server's connection to the store.
#[derive(Clone)]
pub(crate) struct Network(Arc<World>);

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

/// An answer that is under way from a command that nobody has to wait for.
#[derive(Clone, Default)]
struct Mailbox(Arc<Mutex<(Option<Answer>, Option<Waker>)>>);

impl Mailbox {
    fn put(&self, answer: Answer) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 = Some(answer);
        if let Some(waker) = kept.1.take() {
            waker.wake();
        }
    }

    async fn take(&self) -> Answer {
        poll_fn(|context| {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(answer) = kept.0.take() {
                return Poll::Ready(answer);
            }
            kept.1 = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Network {
    pub(crate) const fn new(world: Arc<World>) -> Self {
        Self(world)
    }

    pub(crate) async fn call(&self, command: Command) -> Answer {
        let world = &self.0;
        let actor = current();
        let fate = world.fate(actor);
        let letter = world.observer().sent(world.now(), actor, &command, fate.fault);
        let answer = if fate.is_detached {
            let mailbox = Mailbox::default();
            let (network, message, reply_to) = (self.clone(), command.clone(), mailbox.clone());
            world.spawn(
                actor,
                async move { reply_to.put(network.arrive(actor, letter, fate, &message).await) },
            );
            mailbox.take().await
        } else {
            self.arrive(actor, letter, fate, &command).await
        };
        world.sleep(fate.back).await;
        match fate.fault {
            Some(Fault::Unanswered) => pending().await,
            Some(Fault::Cut) => Err(StoreError::Backend("the connection broke before the answer".into())),
            _ => {
                world.observer().answered(world.now(), actor, letter, &command, &answer);
                answer
            }
        }
    }

    /// The command on its way to the store, and what the store says.
    async fn arrive(&self, actor: Actor, letter: usize, fate: Fate, command: &Command) -> Answer {
        let world = &self.0;
        world.sleep(fate.there).await;
        match fate.fault {
            Some(Fault::Lost) => pending().await,
            Some(Fault::Refused) => Err(StoreError::Unavailable("the connection was refused".into())),
            Some(Fault::Doubled) if command.may_be_doubled() => {
                // The first answer is lost with its connection.
                let _lost = world.commit(actor, letter, command);
                world.commit(actor, letter, command)
            }
            _ => world.commit(actor, letter, command),
        }
    }
}

/// The store answered another command than it was given.
fn mixed_up<T>() -> Result<T, StoreError> {
    Err(StoreError::Backend("the simulated store mixed up its answers".into()))
}

impl SessionStore for Network {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        match self.call(Command::Get { id: id.clone() }).await? {
            Reply::Read(stored) => Ok(stored),
            _ => mixed_up(),
        }
    }

    async fn get_and_touch(&self, id: &SessionId, hint: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        let (cookie, touch_after) = (hint.cookie.clone(), hint.touch_after);
        match self.call(Command::GetAndTouch { id: id.clone(), cookie, touch_after }).await? {
            Reply::Read(stored) => Ok(stored),
            _ => mixed_up(),
        }
    }

    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        let (id, document, expected) = (id.clone(), document.clone(), expected(expect));
        match self.call(Command::Set { id, document, expected, at_most: None }).await? {
            Reply::Set(outcome) => Ok(outcome),
            _ => mixed_up(),
        }
    }

    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        let (id, document, expected) = (id.clone(), document.clone(), expected(expect));
        match self.call(Command::Set { id, document, expected, at_most: Some(at_most) }).await? {
            Reply::Set(outcome) => Ok(outcome),
            _ => mixed_up(),
        }
    }

    async fn touch(
        &self,
        id: &SessionId,
        document: &Document,
        cookie: &Cookie,
    ) -> Result<TouchOutcome, StoreError> {
        let (id, document, cookie) = (id.clone(), document.clone(), cookie.clone());
        match self.call(Command::Touch { id, document, cookie }).await? {
            Reply::Touch(outcome) => Ok(outcome),
            _ => mixed_up(),
        }
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        match self.call(Command::Destroy { id: id.clone() }).await? {
            Reply::Destroyed(was_there) => Ok(was_there),
            _ => mixed_up(),
        }
    }

    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        let (id, expected, grace) = (id.clone(), expected(expect), by.grace);
        match self.call(Command::Supersede { id, expected, by: by.id.clone(), grace }).await? {
            Reply::Superseded(outcome) => Ok(outcome),
            _ => mixed_up(),
        }
    }

    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        match self.call(Command::Successor { id: id.clone() }).await? {
            Reply::Successor(successor) => Ok(successor),
            _ => mixed_up(),
        }
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

impl Network {
    async fn done(&self, command: Command) -> Result<(), StoreError> {
        match self.call(command).await? {
            Reply::Done => Ok(()),
            _ => mixed_up(),
        }
    }

    async fn confirmed(&self, command: Command) -> Result<bool, StoreError> {
        match self.call(command).await? {
            Reply::Confirmed(is_confirmed) => Ok(is_confirmed),
            _ => mixed_up(),
        }
    }
}

impl OwnerIndex for Network {
    fn find<'a>(&'a self, owner: &'a Owner) -> IndexCall<'a, Vec<OwnerEntry>> {
        Box::pin(async {
            match self.call(Command::Find { owner: owner.clone() }).await? {
                Reply::Found(entries) => Ok(entries),
                _ => mixed_up(),
            }
        })
    }

    fn enlist<'a>(&'a self, owner: &'a Owner, id: &'a SessionId) -> IndexCall<'a, ()> {
        Box::pin(self.done(Command::Enlist { owner: owner.clone(), id: id.clone() }))
    }

    fn confirm<'a>(
        &'a self,
        owner: &'a Owner,
        id: &'a SessionId,
        document: &'a Document,
    ) -> IndexCall<'a, bool> {
        let (owner, id, document) = (owner.clone(), id.clone(), document.clone());
        Box::pin(self.confirmed(Command::Confirm { owner, id, document }))
    }

    fn refresh<'a>(
        &'a self,
        owner: &'a Owner,
        id: &'a SessionId,
        document: &'a Document,
    ) -> IndexCall<'a, bool> {
        let (owner, id, document) = (owner.clone(), id.clone(), document.clone());
        Box::pin(self.confirmed(Command::Refresh { owner, id, document }))
    }

    /// Half the life of a session, as the stores have it.
    fn refresh_after(&self, _: &SessionId, _: &Document) -> Option<Duration> {
        Some(Duration::from_mins(15))
    }

    fn condemn<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        Box::pin(self.done(Command::Condemn { owner: owner.clone(), ids: ids.to_vec() }))
    }

    fn delist<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        Box::pin(self.done(Command::Delist { owner: owner.clone(), ids: ids.to_vec() }))
    }
}
