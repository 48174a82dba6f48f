//! The order of calls in the life of a request, once for all frameworks: `begin` loads or creates the
//! session, `finish` decides, calls the store and hands back the cookie; between them, the handler's verbs.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use async_lock::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};

use crate::clock::{Clock, SystemClock, UnixMillis};
use crate::cookie_header;
use crate::data::{Data, DataError};
use crate::decision::{StoreAction, decide};
use crate::error::SessionError;
use crate::merge::merge;
use crate::options::{CookieSource, Options};
use crate::record::Record;
use crate::request::{RequestHead, is_secure};
use crate::session::Session;
use crate::session_id::SessionId;
use crate::set_cookie::{self, SetCookieError};
use crate::signature::SIGNED_PREFIX;
use crate::state::{Base, Presence, State, created_at};
use crate::store::{
    DynSessionStore, Expect, SessionStore, SetOutcome, StoreError, Stored, TouchHint, TouchOutcome,
};
use crate::timer::{NoTimer, Timer, within};

/// How many cookies of our name are looked at; browsers send more than one when paths or domains differ.
pub const MAX_COOKIES: usize = 8;

/// How often a write is tried again after another writer came first.
///
/// In every round one of the writers gets through, so this is reached only by a session that thousands of
/// requests change at the same moment.
pub const MAX_ATTEMPTS: u32 = 10_000;

/// How many queues contending transactions are spread over.
const QUEUES: usize = 64;

/// Begins and ends the sessions of requests: the options, the store and the clock they share.
///
/// A clone is another handle on the same.
#[derive(Clone, Debug)]
pub struct SessionManager {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    store: Arc<dyn DynSessionStore>,
    clock: Arc<dyn Clock>,
    timer: Arc<dyn Timer>,
    queues: Vec<AsyncMutex<()>>,
    hasher: RandomState,
}

/// What the end of a request asks of its response.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// The `Set-Cookie` header to append, if one is due.
    pub set_cookie: Option<String>,
    /// Why a cookie that was due cannot be written; the session is stored all the same.
    pub cookie_error: Option<SetCookieError>,
}

impl std::fmt::Debug for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finished")
            .field("sets_cookie", &self.set_cookie.is_some())
            .field("cookie_error", &self.cookie_error)
            .finish()
    }
}

impl SessionManager {
    /// Sessions with these options in this store.
    pub fn new(options: Options, store: impl SessionStore) -> Self {
        Self::with_clock(options, store, SystemClock, NoTimer)
    }

    /// As [`new`](Self::new), with a clock and a timer; without a timer, store timeouts are the store's own.
    pub fn with_clock(
        options: Options,
        store: impl SessionStore,
        clock: impl Clock,
        timer: impl Timer,
    ) -> Self {
        let shared = Shared {
            options,
            store: Arc::new(store),
            clock: Arc::new(clock),
            timer: Arc::new(timer),
            queues: (0..QUEUES).map(|_| AsyncMutex::new(())).collect(),
            hasher: RandomState::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Begins a request: the session its cookie names, or a new one. `None` if the path is outside the
    /// cookie's, where there are no sessions.
    ///
    /// A record that cannot be decoded is logged and left where it is; the visitor gets a new session.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store could not be read; [`begin_without_store`](Self::begin_without_store) is
    /// the way on for those who want one.
    pub fn begin(
        &self,
        request: &dyn RequestHead,
    ) -> impl Future<Output = Result<Option<Session>, StoreError>> + Send + use<> {
        // The request is read before the first await, so the future holds on to nothing of it.
        let start = self.start(request).map(|start| (start, self.shared.verified_ids(request)));
        let manager = self.clone();
        async move {
            match start {
                Some((start, ids)) => manager.load_or_generate(start, ids).await.map(Some),
                None => Ok(None),
            }
        }
    }

    async fn load_or_generate(
        &self,
        start: Start,
        ids: Vec<(SessionId, usize)>,
    ) -> Result<Session, StoreError> {
        let shared = &*self.shared;
        let mut first_verified = None;
        for (id, secret) in ids {
            match shared.load(&id, &start).await {
                Ok(Some(stored)) => {
                    let mut state = State::loaded(id, stored, &shared.options, start.now);
                    state.retired_secret = secret > 0;
                    return Ok(self.session(start, state));
                }
                Ok(None) => {}
                Err(StoreError::Corrupt(error)) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a stored session cannot be decoded; the visitor gets a new one"
                ),
                Err(error) => return Err(error),
            }
            first_verified.get_or_insert(id);
        }
        Ok(self.generate(start, first_verified))
    }

    /// Begins a request with a new session that never meets the store: its verbs act on what the handler
    /// holds, and it is forgotten at the end. For [`StoreOutage::WithoutSession`](crate::StoreOutage).
    pub fn begin_without_store(&self, request: &dyn RequestHead) -> Option<Session> {
        let session = self.start(request).map(|start| self.generate(start, None))?;
        session.state().detached = true;
        Some(session)
    }

    /// Source: express-session `index.js`: the path of the original URL must start with the cookie's.
    fn start(&self, request: &dyn RequestHead) -> Option<Start> {
        let options = &self.shared.options;
        let (cookie_options, settles_auto) = match &options.cookie {
            CookieSource::Fixed(fixed) => (Arc::clone(fixed), true),
            CookieSource::PerRequest(choose) => (Arc::new(choose(request)), false),
        };
        request.path().starts_with(cookie_options.path_prefix()).then(|| Start {
            secure: is_secure(request, options.proxy, &options.trust_proxy),
            now: self.shared.now(),
            cookie_options,
            settles_auto,
        })
    }

    fn generate(&self, start: Start, cookie_id: Option<SessionId>) -> Session {
        let id = (self.shared.options.genid)();
        let mut state = State::generated(id, start.fresh_cookie(), start.now);
        state.cookie_id = cookie_id;
        self.session(start, state)
    }

    fn session(&self, start: Start, state: State) -> Session {
        Session::new(Arc::clone(&self.shared), start.cookie_options, start.settles_auto, start.secure, state)
    }
}

struct Start {
    cookie_options: Arc<crate::CookieOptions>,
    settles_auto: bool,
    secure: bool,
    now: UnixMillis,
}

impl Start {
    fn fresh_cookie(&self) -> crate::Cookie {
        self.cookie_options.create(self.now, self.settles_auto.then_some(self.secure))
    }
}

impl Shared {
    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// The ids whose signatures are right, with the number of the secret that says so.
    ///
    /// DIFFERENCE: express-session looks at the first cookie of its name only, so a stale one for a narrower
    /// path locks the visitor out.
    fn verified_ids(&self, request: &dyn RequestHead) -> Vec<(SessionId, usize)> {
        let mut ids: Vec<(SessionId, usize)> = Vec::new();
        for value in
            cookie_header::values(request.header_values("cookie"), &self.options.name).take(MAX_COOKIES)
        {
            let Some(verified) =
                value.strip_prefix(SIGNED_PREFIX).and_then(|it| self.options.secrets.unsign(it))
            else {
                continue;
            };
            let Ok(id) = SessionId::parse(verified.value) else { continue };
            if !ids.iter().any(|(known, _)| *known == id) {
                ids.push((id, verified.secret));
            }
        }
        ids
    }

    /// Reads a session, extending it on the way where that is free; ended by the absolute timeout, it is none.
    async fn load(&self, id: &SessionId, start: &Start) -> Result<Option<Stored>, StoreError> {
        let stored = if self.options.resave {
            self.get(id).await?
        } else {
            let cookie = start.fresh_cookie();
            let hint = TouchHint { cookie: &cookie, touch_after: self.options.touch_after };
            self.within(self.store.get_and_touch(id, hint)).await?
        };
        let (Some(stored), Some(limit)) = (&stored, self.options.absolute_timeout) else { return Ok(stored) };
        if created_at(&stored.record).is_some_and(|created| created.plus(limit) <= start.now) {
            self.within(self.store.destroy(id)).await?;
            return Ok(None);
        }
        Ok(Some(stored.clone()))
    }

    async fn within<T>(
        &self,
        call: std::pin::Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + '_>>,
    ) -> Result<T, StoreError> {
        within(&*self.timer, self.options.store_timeout, call).await
    }

    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        self.within(self.store.get(id)).await
    }

    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.within(self.store.destroy(id)).await
    }

    async fn set(
        &self,
        id: &SessionId,
        record: &Record,
        base: Option<&Base>,
    ) -> Result<SetOutcome, StoreError> {
        let expect = base.map_or(Expect::Any, |base| Expect::Revision(&base.revision));
        self.within(self.store.set(id, record, expect)).await
    }

    /// Waits for a turn among this process's writers of (about) this session.
    async fn queue(&self, id: &SessionId) -> Option<AsyncMutexGuard<'_, ()>> {
        let turn = usize::try_from(self.hasher.hash_one(id)).unwrap_or(0) % QUEUES;
        match self.queues.get(turn) {
            Some(queue) => Some(queue.lock().await),
            None => None,
        }
    }
}

/// The id, what the store is thought to hold, and what to write over it.
fn snapshot(session: &Session) -> Result<(SessionId, Option<Base>, Record), SessionError> {
    let shared = session.shared();
    let mut state = session.state();
    if state.presence != Presence::Live {
        return Err(SessionError::NoSession);
    }
    let record = state.prepare_write(&shared.options, shared.now());
    Ok((state.id.clone(), state.base.clone(), record))
}

/// Writes the session, merging until nobody comes in between.
pub(crate) async fn save(session: &Session) -> Result<(), SessionError> {
    if session.state().detached {
        return snapshot(session).map(drop);
    }
    if session.state().renewed_from.is_some() {
        return replace(session).await;
    }
    let shared = session.shared();
    let mut turn = None;
    for _ in 0..MAX_ATTEMPTS {
        let (id, base, record) = snapshot(session)?;
        match shared.set(&id, &record, base.as_ref()).await? {
            SetOutcome::Written(revision) => {
                session.state().written(&record, record.clone(), revision);
                return Ok(());
            }
            SetOutcome::Conflict(newer) => session.state().rebase(*newer),
            SetOutcome::Gone => return Err(gone(session)),
        }
        if turn.is_none() {
            turn = shared.queue(&id).await;
        }
    }
    Err(SessionError::Contended(MAX_ATTEMPTS))
}

fn gone(session: &Session) -> SessionError {
    session.state().end();
    SessionError::Gone
}

/// Writes a renewed session under its new id, then ends the old one.
///
/// Whoever ends the old one first decides: if that was a logout, the new one is taken back. Dying between the
/// steps leaves two ids for one session, never none.
async fn replace(session: &Session) -> Result<(), SessionError> {
    let shared = session.shared();
    let (id, _, mut record) = snapshot(session)?;
    let Some((old_id, old)) = session.state().renewed_from.clone() else { return Ok(()) };
    let Some(current) = shared.get(&old_id).await? else { return Err(gone(session)) };
    record = merge(&old.record, &record, &current.record);
    record.cookie_mut().touch(shared.now());
    let SetOutcome::Written(revision) = shared.set(&id, &record, None).await? else {
        return Err(gone(session));
    };
    if !shared.destroy(&old_id).await? {
        shared.destroy(&id).await?;
        return Err(gone(session));
    }
    let mut state = session.state();
    let sent = state.record.clone();
    state.renewed_from = None;
    state.written(&sent, record, revision);
    Ok(())
}

pub(crate) async fn destroy(session: &Session) -> Result<(), SessionError> {
    let stored_id = {
        let state = session.state();
        match &state.renewed_from {
            Some((old_id, _)) => Some(old_id.clone()),
            None => state.base.as_ref().map(|_| state.id.clone()),
        }
    };
    if let Some(id) = stored_id {
        // Also if this fails or is never polled to its end: whoever logs out is not saved, touched or sent the
        // cookie any more. What is stored stays known, so that a second call can try again.
        session.state().presence = Presence::Ended;
        session.shared().destroy(&id).await?;
    }
    session.state().end();
    Ok(())
}

pub(crate) async fn regenerate(session: &Session) -> Result<(), SessionError> {
    let destroyed = destroy(session).await;
    let shared = session.shared();
    let (id, cookie, now) = ((shared.options.genid)(), session.fresh_cookie(), shared.now());
    session.state().regenerate(id, cookie, now);
    destroyed
}

pub(crate) async fn reload(session: &Session) -> Result<(), SessionError> {
    let shared = session.shared();
    let id = {
        let state = session.state();
        if state.presence != Presence::Live {
            return Err(SessionError::NoSession);
        }
        state.id.clone()
    };
    let stored = if session.state().detached { None } else { shared.get(&id).await? };
    let stored = stored.ok_or(SessionError::NotFound)?;
    session.state().reloaded(stored, &shared.options);
    Ok(())
}

pub(crate) async fn transaction<R>(
    session: &Session,
    mut change: impl FnMut(&mut Data) -> Result<R, DataError>,
) -> Result<R, SessionError> {
    if session.state().renewed_from.is_some() {
        replace(session).await?;
    }
    let shared = session.shared();
    let mut turn = None;
    for _ in 0..MAX_ATTEMPTS {
        let (id, base, ours) = snapshot(session)?;
        let mut changed = ours.clone();
        let value = change(&mut changed.data)?;
        if session.state().detached {
            session.set_data(changed.data);
            return Ok(value);
        }
        let newer = match &base {
            // Nothing to write: the value counts if it was computed from what is stored now.
            Some(base) if !differs(&changed, &base.record) => match shared.get(&id).await? {
                None => return Err(gone(session)),
                Some(stored) if stored.revision == base.revision => return Ok(value),
                Some(newer) => newer,
            },
            _ => match shared.set(&id, &changed, base.as_ref()).await? {
                SetOutcome::Written(revision) => {
                    session.state().written(&ours, changed, revision);
                    return Ok(value);
                }
                SetOutcome::Gone => return Err(gone(session)),
                SetOutcome::Conflict(newer) => *newer,
            },
        };
        session.state().rebase(newer);
        if turn.is_none() {
            turn = shared.queue(&id).await;
        }
    }
    Err(SessionError::Contended(MAX_ATTEMPTS))
}

/// Whether writing `record` over `stored` would change more than its expiry.
fn differs(record: &Record, stored: &Record) -> bool {
    !record.data.same_as(&stored.data) || record.cookie().was_changed_since(stored.cookie())
}

pub(crate) async fn finish(session: &Session) -> Result<Finished, SessionError> {
    let shared = session.shared();
    let options = &shared.options;
    let decision = {
        let mut state = session.state();
        if state.detached {
            return Ok(Finished::default());
        }
        if state.presence == Presence::Live {
            state.record.cookie_mut().touch(shared.now());
        }
        decide(&state.facts(options))
    };
    let alive = match decision.store {
        StoreAction::Nothing => true,
        StoreAction::Destroy => {
            destroy(session).await?;
            false
        }
        StoreAction::Touch => touch(session).await?,
        StoreAction::Save => match save(session).await {
            Ok(()) => true,
            // Logged out or expired while we were at work: it stays so, and the response goes out.
            Err(SessionError::Gone) => false,
            Err(error) => return Err(error),
        },
    };
    if !(alive && decision.set_cookie) {
        return Ok(Finished::default());
    }
    let state = session.state();
    let cookie = state.record.cookie();
    if cookie.secure() && !session.is_secure() {
        return Ok(Finished::default());
    }
    let value = options.secrets.cookie_value(state.id.as_str());
    Ok(match set_cookie::set_cookie(&options.name, &value, cookie) {
        Ok(text) => Finished { set_cookie: Some(text), cookie_error: None },
        Err(error) => Finished { set_cookie: None, cookie_error: Some(error) },
    })
}

/// Extends the stored session's life, unless that has happened or can wait; whether the session is still there.
async fn touch(session: &Session) -> Result<bool, SessionError> {
    let shared = session.shared();
    let (id, record) = {
        let state = session.state();
        if state.extended || !(state.touch_requested || shared.options.touch_after.is_due(state.life)) {
            return Ok(true);
        }
        (state.id.clone(), state.record.clone())
    };
    let outcome = shared.within(shared.store.touch(&id, &record)).await?;
    Ok(outcome == TouchOutcome::Touched)
}
