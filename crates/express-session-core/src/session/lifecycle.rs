//! The order of calls in the life of a request, once for all frameworks: `begin` loads or creates the
//! session, `finish` decides, calls the store and hands back the cookie. The handler's verbs come between them, in `verbs`.

use std::sync::Arc;

use crate::clock::{Clock, SystemClock, UnixMillis};
use crate::cookie::set_cookie::{self, SetCookieError};
use crate::error::SessionError;
use crate::options::{CookieSource, Options};
use crate::request::{RequestHead, is_secure};
use crate::session::decision::{StoreAction, decide};
use crate::session::shared::Shared;
use crate::session::state::{Presence, State, created_at};
use crate::session::verbs::{destroy, save};
use crate::session::{NewCookie, Session};
use crate::session_id::SessionId;
use crate::store::timer::{NoTimer, Timer};
use crate::store::{SessionStore, StoreError, Stored, TouchHint, TouchOutcome};

/// Begins and ends the sessions of requests: the options, the store and the clock they share.
///
/// A clone is another handle on the same.
#[derive(Clone, Debug)]
pub struct SessionManager {
    shared: Arc<Shared>,
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
        let shared = Shared::new(options, Arc::new(store), Arc::new(clock), Arc::new(timer));
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
            match load(shared, &id, &start).await {
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
        request.path().starts_with(cookie_options.path_prefix()).then(|| {
            let secure = is_secure(request, options.proxy, &options.trust_proxy);
            Start {
                new_cookie: NewCookie { options: cookie_options, settles_auto, secure },
                now: self.shared.now(),
            }
        })
    }

    fn generate(&self, start: Start, cookie_id: Option<SessionId>) -> Session {
        let id = (self.shared.options.genid)();
        let mut state = State::generated(id, start.new_cookie.create(start.now), start.now);
        state.cookie_id = cookie_id;
        self.session(start, state)
    }

    fn session(&self, start: Start, state: State) -> Session {
        Session::new(Arc::clone(&self.shared), start.new_cookie, state)
    }
}

struct Start {
    new_cookie: NewCookie,
    now: UnixMillis,
}

/// Reads a session, extending it on the way where that is free; ended by the absolute timeout, it is none.
async fn load(shared: &Shared, id: &SessionId, start: &Start) -> Result<Option<Stored>, StoreError> {
    let stored = if shared.options.resave {
        shared.get(id).await?
    } else {
        let cookie = start.new_cookie.create(start.now);
        let hint = TouchHint { cookie: &cookie, touch_after: shared.options.touch_after };
        shared.within(shared.store.get_and_touch(id, hint)).await?
    };
    let created = stored.as_ref().and_then(|stored| created_at(&stored.record));
    let end = created.zip(shared.options.absolute_timeout).map(|(created, limit)| created.plus(limit));
    if end.is_some_and(|end| end <= start.now) {
        shared.destroy(id).await?;
        return Ok(None);
    }
    Ok(stored)
}

/// Decides what happens to the session, has it happen, and says which cookie to send.
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
        StoreAction::Touch => touch(session).await.unwrap_or_else(|error| {
            // Nothing was to be stored, so nothing is lost: the visitor gets the page, as in express.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a session that was only read could not be extended");
            true
        }),
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
