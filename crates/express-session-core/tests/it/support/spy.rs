//! A store that remembers what it was asked, with the semantics of express-session's `MemoryStore` and
//! compare-and-set on the stored text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use express_session_core::{
    Clock, Cookie, Document, Expect, Life, ManualClock, Revision, SessionId, SessionStore, SetOutcome,
    StoreError, Stored, Successor, SupersedeOutcome, TouchHint, TouchOutcome, UnixMillis,
};

use super::NOW;

/// Documents by id.
pub(crate) type Docs = BTreeMap<String, Vec<u8>>;

type Hook = Box<dyn FnMut(&'static str, &mut Docs) + Send>;

/// A clone is another handle on the same store.
#[derive(Clone)]
pub(crate) struct Spy {
    inner: Arc<Mutex<Inner>>,
    pub(crate) clock: Arc<ManualClock>,
}

#[derive(Default)]
struct Inner {
    docs: Docs,
    marks: BTreeMap<String, SessionId>,
    calls: Vec<(&'static str, String)>,
    failing: BTreeSet<&'static str>,
    /// How many answers come until one is lost on its way back.
    cut: BTreeMap<&'static str, u32>,
    refusing: &'static [&'static str],
    hook: Option<Hook>,
    returns_expired: bool,
    touches_on_read: bool,
    yields: bool,
    life: Option<Life>,
    at_most: Vec<Duration>,
}

impl Spy {
    pub(crate) fn new() -> Self {
        Self { inner: Arc::default(), clock: Arc::new(ManualClock::new(NOW)) }
    }

    pub(crate) fn with(self, id: &str, document: impl Into<Vec<u8>>) -> Self {
        self.lock().docs.insert(id.to_owned(), document.into());
        self
    }

    /// Hands out expired records too, as stores do that leave expiry to their backend.
    pub(crate) fn returning_expired(self, yes: bool) -> Self {
        self.lock().returns_expired = yes;
        self
    }

    /// Extends on read, as a backend with a read-and-extend command does.
    pub(crate) fn touching_on_read(self) -> Self {
        self.lock().touches_on_read = true;
        self
    }

    /// Lets other tasks run before each operation, as a store behind a network does.
    pub(crate) fn yielding(self) -> Self {
        self.lock().yields = true;
        self
    }

    /// Says at each read how much life is left.
    pub(crate) fn knowing_life(self, life: Life) -> Self {
        self.lock().life = Some(life);
        self
    }

    pub(crate) fn failing(self, operation: &'static str) -> Self {
        self.lock().failing.insert(operation);
        self
    }

    /// Does it every time, and the answer is lost the `nth` time, counted from 1.
    pub(crate) fn cutting(self, operation: &'static str, nth: u32) -> Self {
        self.lock().cut.insert(operation, nth);
        self
    }

    fn is_cut(&self, operation: &'static str) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let Some(left) = inner.cut.get_mut(operation).filter(|left| **left > 0) else { return Ok(()) };
        *left -= 1;
        if *left > 0 {
            return Ok(());
        }
        Err(StoreError::Backend("the connection broke".into()))
    }

    /// Reads, and says of every write that it takes none.
    pub(crate) fn refusing_writes(self) -> Self {
        self.lock().refusing = &["set", "set_for", "touch", "destroy", "supersede"];
        self
    }

    /// Runs before each operation, with its name, and may change what is stored.
    pub(crate) fn before(&self, hook: impl FnMut(&'static str, &mut Docs) + Send + 'static) {
        self.lock().hook = Some(Box::new(hook));
    }

    /// What is stored now; an expired record is still there.
    pub(crate) fn docs(&self) -> BTreeMap<String, String> {
        let lossy = |(id, doc): (&String, &Vec<u8>)| (id.clone(), String::from_utf8_lossy(doc).into_owned());
        self.lock().docs.iter().map(lossy).collect()
    }

    pub(crate) fn doc(&self, id: &str) -> Option<String> {
        self.docs().remove(id)
    }

    /// Changes what is stored behind everybody's back.
    pub(crate) fn meddle(&self, change: impl FnOnce(&mut Docs)) {
        change(&mut self.lock().docs);
    }

    /// The operations asked for, in order.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.lock().calls.iter().map(|(operation, _)| *operation).collect()
    }

    pub(crate) fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// What `set_for` was told, in order.
    pub(crate) fn short_lives(&self) -> Vec<Duration> {
        self.lock().at_most.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    async fn let_others_run(&self) {
        let yields = self.lock().yields;
        if yields {
            tokio::task::yield_now().await;
        }
    }

    fn write(
        &self,
        operation: &'static str,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        let mut inner = self.call(operation, id)?;
        if let Expect::Revision(revision) = expect {
            match inner.read(id, self.clock.now())? {
                None => return Ok(SetOutcome::Gone),
                Some(current) if current.revision != *revision => {
                    return Ok(SetOutcome::Conflict(Box::new(current)));
                }
                Some(_) => {}
            }
        }
        let doc = document.text().as_bytes().to_vec();
        let revision = Revision::of_bytes(doc.clone());
        inner.docs.insert(id.as_str().to_owned(), doc);
        Ok(SetOutcome::Written(revision))
    }

    /// Counts the call, lets the hook run, fails if told to.
    fn call(&self, operation: &'static str, id: &SessionId) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let mut inner = self.lock();
        inner.calls.push((operation, id.as_str().to_owned()));
        if let Some(mut hook) = inner.hook.take() {
            hook(operation, &mut inner.docs);
            inner.hook = Some(hook);
        }
        if inner.failing.contains(operation) {
            return Err(StoreError::Backend(format!("{operation} failed").into()));
        }
        if inner.refusing.contains(&operation) {
            return Err(StoreError::ReadOnly(format!("{operation} refused").into()));
        }
        Ok(inner)
    }
}

impl Inner {
    fn read(&self, id: &SessionId, now: UnixMillis) -> Result<Option<Stored>, StoreError> {
        let Some(doc) = self.docs.get(id.as_str()) else { return Ok(None) };
        let Some(document) = Document::decode(doc)? else { return Ok(None) };
        if !self.returns_expired && document.cookie().expires().is_some_and(|at| at <= now) {
            return Ok(None);
        }
        let mut stored = Stored::new(document, Revision::of_bytes(doc.clone()));
        stored.life = self.life;
        Ok(Some(stored))
    }
}

impl SessionStore for Spy {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.let_others_run().await;
        self.call("get", id)?.read(id, self.clock.now())
    }

    async fn get_and_touch(&self, id: &SessionId, _: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        self.let_others_run().await;
        let inner = self.call("get", id)?;
        let mut stored = inner.read(id, self.clock.now())?;
        if let Some(stored) = &mut stored {
            stored.touched = inner.touches_on_read;
        }
        Ok(stored)
    }

    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        self.let_others_run().await;
        let outcome = self.write("set", id, document, expect)?;
        self.is_cut("set").map(|()| outcome)
    }

    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.let_others_run().await;
        self.lock().at_most.push(at_most);
        self.write("set_for", id, document, expect)
    }

    async fn touch(&self, id: &SessionId, _: &Document, cookie: &Cookie) -> Result<TouchOutcome, StoreError> {
        self.let_others_run().await;
        let mut inner = self.call("touch", id)?;
        let Some(stored) = inner.read(id, self.clock.now())? else { return Ok(TouchOutcome::Gone) };
        let touched = stored.document.with_cookie(cookie);
        inner.docs.insert(id.as_str().to_owned(), touched.text().as_bytes().to_vec());
        Ok(TouchOutcome::Touched)
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.let_others_run().await;
        Ok(self.call("destroy", id)?.docs.remove(id.as_str()).is_some())
    }

    async fn supersede(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        self.let_others_run().await;
        self.supersede_at_once(id, expect, by).and_then(|outcome| self.is_cut("supersede").map(|()| outcome))
    }

    async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        self.let_others_run().await;
        Ok(self.call("successor", id)?.marks.get(id.as_str()).cloned())
    }
}

impl Spy {
    fn supersede_at_once(
        &self,
        id: &SessionId,
        expect: Expect<'_>,
        by: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        let mut inner = self.call("supersede", id)?;
        if let Expect::Revision(revision) = expect {
            match inner.read(id, self.clock.now())? {
                None => return Ok(SupersedeOutcome::Gone),
                Some(current) if current.revision != *revision => {
                    return Ok(SupersedeOutcome::Conflict(Box::new(current)));
                }
                Some(_) => {}
            }
        }
        inner.docs.remove(id.as_str());
        if !by.grace.is_zero() {
            inner.marks.insert(id.as_str().to_owned(), by.id.clone());
        }
        Ok(SupersedeOutcome::Superseded)
    }
}

impl fmt::Debug for Spy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spy")
    }
}
