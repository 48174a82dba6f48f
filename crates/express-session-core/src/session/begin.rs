//! The beginning of a request: the session its cookie names, or a new one.

use std::error::Error;

use futures_util::lock::Mutex as AsyncMutex;

use super::Session;
use super::current::{Birth, Current};
use super::enrolment::keep_listed;
use super::finish::Finished;
use super::manager::SessionManager;
use super::state::{CameWith, Place, State, created_at};
use crate::clock::UnixMillis;
use crate::cookie::header::visit_values;
use crate::cookie::signature::{SIGNED_PREFIX, split_signed};
use crate::error::SessionError;
use crate::events::{self, Ended, Loaded};
use crate::request::{RequestHead, is_secure};
use crate::session_id::SessionId;
use crate::store::guarded::Calls;
use crate::store::{StoreError, Stored, TouchHint};

/// How many sessions are looked for; browsers send more than one cookie of a name when paths or domains differ.
const MAX_LOOKUPS: usize = 8;

/// How many signatures are checked, so that junk of our cookie's name cannot hide the real one, nor cost much. What
/// does not look like a signed value is passed over and not counted.
const MAX_CHECKS: usize = 32;

/// A request that has sessions and has not asked for its own yet.
///
/// For adapters: see [`SessionManager::begin_lazily`].
pub struct PendingSession {
    arrival: Arrival,
    /// Held while it is being loaded.
    session: AsyncMutex<Option<Session>>,
}

/// What the head of a request says.
struct Arrival {
    manager: SessionManager,
    birth: Birth,
    first: Option<CameWith>,
    /// Of further cookies of our name, which few requests have.
    others: Vec<CameWith>,
    keeps_expiry: bool,
    now: UnixMillis,
}

impl SessionManager {
    /// Begins a request: the session its cookie names, or a new one. `None` if the path is outside the
    /// cookie's, where there are no sessions.
    ///
    /// A record that cannot be decoded is logged and left where it is; the visitor gets a new session. While the store
    /// is out of order, the option [`store_outage`](crate::OptionsBuilder::store_outage) says what happens.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] or [`SessionError::Unavailable`] if the store could not be read.
    pub fn begin(
        &self,
        request: &dyn RequestHead,
    ) -> impl Future<Output = Result<Option<Session>, SessionError>> + Send + use<> {
        // The request is read before the first await, so the future holds on to nothing of it.
        let arrival = self.arrival(request);
        async move {
            let Some(arrival) = &arrival else { return Ok(None) };
            arrival.session().await.map(Some)
        }
    }

    /// As [`begin`](Self::begin), but the store is not called before somebody asks for the session. For adapters that
    /// know who does, with the option [`lazy`](crate::OptionsBuilder::lazy).
    pub fn begin_lazily(&self, request: &dyn RequestHead) -> Option<PendingSession> {
        Some(PendingSession { arrival: self.arrival(request)?, session: AsyncMutex::default() })
    }

    /// Source: express-session `index.js`: the path of the original URL must start with the cookie's.
    fn arrival(&self, request: &dyn RequestHead) -> Option<Arrival> {
        let options = self.options();
        let secure = is_secure(request, options.proxy, &options.trust_proxy);
        let cookie = options.cookie.of(request, secure);
        if !request.path().starts_with(cookie.path_prefix()) {
            return None;
        }
        let generate_id = options.genid.as_ref().map(|genid| genid(request));
        let birth = Birth { cookie, secure, generate_id };
        let (first, others) = self.verified_cookies(request);
        let keeps_expiry = options.keep_expiry.as_ref().is_some_and(|keeps| keeps(request));
        Some(Arrival { manager: self.clone(), birth, first, others, keeps_expiry, now: self.now() })
    }

    /// The ids whose signatures are right.
    ///
    /// DIFFERENCE: express-session looks at the first cookie of its name only, so a stale one for a narrower
    /// path locks the visitor out.
    fn verified_cookies(&self, request: &dyn RequestHead) -> (Option<CameWith>, Vec<CameWith>) {
        let options = self.options();
        let (mut first, mut others) = (None, Vec::<CameWith>::new());
        let mut checked = 0;
        request.headers("cookie", &mut |header| {
            visit_values(header, &options.name, |value| {
                let Some((id, signature)) = value.strip_prefix(SIGNED_PREFIX).and_then(split_signed) else {
                    return;
                };
                checked += 1;
                if checked > MAX_CHECKS {
                    return;
                }
                let Some(verified) = options.secrets.verify(id, signature) else { return };
                let Ok(id) = SessionId::parse(verified.value) else { return };
                let found = CameWith { id, secret: verified.secret, signature: verified.signature };
                match &first {
                    None => first = Some(found),
                    Some(known) if known.id == found.id || others.iter().any(|it| it.id == found.id) => {}
                    Some(_) if others.len() + 1 < MAX_LOOKUPS => others.push(found),
                    Some(_) => {}
                }
            });
        });
        (first, others)
    }
}

impl Arrival {
    // Borrowed, because a future keeps a place for what it was given beside one for what it makes of that.
    async fn session(&self) -> Result<Session, SessionError> {
        let found = if let Some(first) = &self.first {
            self.find(first).await
        } else {
            events::loaded(&self.manager, None, Loaded::NoCookie);
            Ok(None)
        };
        let Self { manager, birth, first, keeps_expiry, now, .. } = self;
        let begun = |state| Session::new(Current::new(manager.clone(), birth.clone(), state));
        let is_outage = match found {
            Ok(Some((came_with, stored))) => {
                let state = State::loaded(came_with, stored, *keeps_expiry, manager.options(), *now);
                return Ok(begun(state));
            }
            Ok(None) => false,
            Err(error) if manager.goes_on_without(&error) => {
                let cause = &error as &dyn Error;
                tracing::error!(error = cause, "the request goes on without a stored session");
                true
            }
            Err(error) => return Err(manager.failed(error)),
        };
        let mut state = State::generated(birth.id(), birth.cookie(*now), *now);
        state.came_with.clone_from(first);
        if is_outage {
            state.place = Place::Outage;
        }
        Ok(begun(state))
    }

    /// The first session that one of the cookies names.
    async fn find<'a>(&'a self, first: &'a CameWith) -> Result<Option<(&'a CameWith, Stored)>, StoreError> {
        let store = &mut self.manager.calls();
        for came_with in std::iter::once(first).chain(&self.others) {
            match self.load(&came_with.id, store).await {
                Ok(Some(stored)) => {
                    events::loaded(&self.manager, Some(&came_with.id), Loaded::Found);
                    return Ok(Some((came_with, stored)));
                }
                Ok(None) => events::loaded(&self.manager, Some(&came_with.id), Loaded::Missing),
                Err(StoreError::Corrupt(error)) => {
                    events::loaded(&self.manager, Some(&came_with.id), Loaded::Corrupt);
                    tracing::warn!(
                        error = &error as &dyn Error,
                        session = %self.manager.handle(&came_with.id),
                        "a stored session cannot be decoded; the visitor gets a new one"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Reads a session, extending it on the way where that is free. One that the absolute timeout has ended is none.
    async fn load(&self, id: &SessionId, store: &mut Calls<'_>) -> Result<Option<Stored>, StoreError> {
        let (options, now) = (self.manager.options(), self.now);
        let stored = if options.resave || self.keeps_expiry {
            store.get(id).await?
        } else {
            let cookie = self.birth.cookie(now);
            store.get_and_touch(id, TouchHint { cookie: &cookie, touch_after: options.touch_after }).await?
        };
        let has_ended = |limit| {
            let created = stored.as_ref().and_then(|stored| created_at(&stored.document));
            created.is_some_and(|created| created.plus(limit) <= now)
        };
        if options.absolute_timeout.is_some_and(has_ended) {
            store.destroy(id).await?;
            events::ended(&self.manager, id, Ended::AbsoluteTimeout);
            return Ok(None);
        }
        if let Some(Stored { document, .. }) = &stored
            && document.has_owner()
            && !Box::pin(keep_listed(&self.manager, id, document, store)).await
        {
            // Somebody is ending it this moment.
            store.destroy(id).await?;
            events::ended(&self.manager, id, Ended::ByOwner);
            return Ok(None);
        }
        Ok(stored)
    }
}

impl PendingSession {
    /// The session, which is loaded by the first call.
    ///
    /// # Errors
    ///
    /// As [`SessionManager::begin`]. The next call tries again.
    pub async fn session(&self) -> Result<Session, SessionError> {
        let mut session = self.session.lock().await;
        if let Some(loaded) = &*session {
            return Ok(loaded.clone());
        }
        let loaded = self.arrival.session().await?;
        Ok(session.insert(loaded).clone())
    }

    /// Ends the request. Nobody who has not asked for the session has used it: nothing is done then.
    ///
    /// # Errors
    ///
    /// As [`Session::finish`].
    pub async fn finish(&self) -> Result<Finished, SessionError> {
        let session = self.session.lock().await.clone();
        match session {
            Some(session) => session.finish().await,
            None => Ok(Finished::default()),
        }
    }
}

impl std::fmt::Debug for PendingSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingSession")
            .field("is_loaded", &self.session.try_lock().is_some_and(|session| session.is_some()))
            .finish_non_exhaustive()
    }
}
