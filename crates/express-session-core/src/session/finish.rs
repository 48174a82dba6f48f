//! The end of a request: decides, calls the store, and says which cookie to send.

use std::error::Error;
use std::fmt;

use super::current::Current;
use super::decision::{Decision, StoreAction, decide};
use super::state::{CameWith, Place, State};
use super::succession::{mark_renewal, was_overtaken};
use super::verbs;
use crate::clock::UnixMillis;
use crate::cookie::Cookie;
use crate::cookie::rejection;
use crate::cookie::set_cookie::{self, SetCookieError};
use crate::cookie::signature::write_cookie_value;
use crate::error::SessionError;
use crate::events::Ended;
use crate::store::TouchOutcome;
use crate::store::guarded::Calls;

/// What the end of a request asks of its response.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// The `Set-Cookie` header to append, if one is due.
    pub set_cookie: Option<String>,
    /// Why a cookie that was due cannot be written; the session is stored all the same.
    pub cookie_error: Option<SetCookieError>,
    /// Whether the session was [purged](super::Session::purge): the browser is to forget the visitor.
    pub is_purged: bool,
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished")
            .field("sets_cookie", &self.set_cookie.is_some())
            .field("cookie_error", &self.cookie_error)
            .field("is_purged", &self.is_purged)
            .finish()
    }
}

impl From<Result<String, SetCookieError>> for Finished {
    fn from(cookie: Result<String, SetCookieError>) -> Self {
        match cookie {
            Ok(text) => Self { set_cookie: Some(text), ..Self::default() },
            Err(error) => Self { cookie_error: Some(error), ..Self::default() },
        }
    }
}

pub(crate) async fn finish(current: &Current) -> Result<Finished, SessionError> {
    let store = &mut current.manager.calls();
    let _verb = current.verb.lock().await;
    let now = current.now();
    let (decision, leaves_orphan) = {
        let mut state = current.state();
        match state.place {
            Place::Ended { cookie_removed: true, .. } => return Ok(removal(current, &state)),
            // It has ended: by the handler, or by somebody else, and then nobody has asked for a logout here.
            Place::Outage | Place::Ended { stored: None, .. } => return Ok(Finished::default()),
            _ => {}
        }
        if state.is_live() {
            state.data.cookie.touch(now);
        }
        let standing = state.standing();
        if state.keeps_expiry && standing.was_only_read() {
            state.finish();
            return Ok(Finished::default());
        }
        let decision = decide(current.manager.options().into(), standing);
        (decision, decision.set_cookie && is_unreachable(current, &state))
    };
    if leaves_orphan {
        warn_of_insecure_connection(current);
        if !current.manager.options().save_without_cookie {
            return keep_no_orphan(current, store).await;
        }
    }
    let is_there = carry_out(current, decision, now, store).await?;
    let mut sends_cookie = is_there && decision.set_cookie;
    if sends_cookie {
        mark_renewal(current, store).await?;
        sends_cookie = !was_overtaken(current, store).await?;
    }
    let mut state = current.state();
    state.finish();
    Ok(if sends_cookie { cookie(current, &state) } else { Finished::default() })
}

/// Whether the client does not have the cookie and cannot get it, so that nobody would ever come back to the session.
fn is_unreachable(current: &Current, state: &State) -> bool {
    let is_new = matches!(state.place, Place::New { .. } | Place::Stored(_)) && !state.is_known_to_client();
    is_new && is_withheld(current, state.data.cookie())
}

/// Whether a cookie may not be sent over this connection.
fn is_withheld(current: &Current, cookie: &Cookie) -> bool {
    cookie.secure() && !current.birth.secure
}

/// Says once which option to look at.
fn warn_of_insecure_connection(current: &Current) {
    if current.manager.is_first_insecure_cookie() {
        tracing::warn!(
            "the cookie of a new session was not sent, because it is Secure and the request did not come by HTTPS as far \
             as is known: behind a proxy that ends TLS set the option trust_proxy, for plain HTTP set the cookie's secure \
             to Auto (said once)"
        );
    }
}

/// Keeps nothing of a session whose cookie cannot be sent.
async fn keep_no_orphan(current: &Current, store: &mut Calls<'_>) -> Result<Finished, SessionError> {
    let was_saved = matches!(current.state().place, Place::Stored(_));
    if was_saved {
        verbs::remove(current, Ended::NoCookie, false, store).await?;
    }
    Ok(Finished::default())
}

/// Does what was decided; whether the session is there afterwards.
async fn carry_out(
    current: &Current,
    decision: Decision,
    now: UnixMillis,
    store: &mut Calls<'_>,
) -> Result<bool, SessionError> {
    match decision.store {
        StoreAction::Nothing => Ok(true),
        StoreAction::Destroy => verbs::remove(current, Ended::Destroyed, false, store).await.map(|()| false),
        StoreAction::Touch => Ok(touch(current, decision.set_cookie, now, store).await),
        StoreAction::Save => match verbs::write(current, now, store).await {
            Ok(()) => Ok(true),
            // Logged out or expired while we were at work: it stays so, and the response goes out.
            Err(SessionError::Gone) => Ok(false),
            Err(SessionError::Store(error)) if current.manager.goes_on_without(&error) => {
                let cause = &error as &dyn Error;
                tracing::error!(error = cause, "the session was not saved; the response goes out without it");
                Ok(false)
            }
            Err(error) => Err(error),
        },
    }
}

/// Extends the stored session's life, unless that has happened or can wait; whether the session is still there.
///
/// A cookie that is sent again could replace a login's that has come meanwhile, so it is not sent on what was true when
/// the request began.
async fn touch(current: &Current, cookie_is_due: bool, now: UnixMillis, store: &mut Calls<'_>) -> bool {
    let manager = &current.manager;
    let logins_win = !manager.options().successor_grace.is_zero();
    let (id, document, cookie, must_know) = {
        let state = current.state();
        let Place::Stored(held) = &state.place else { return true };
        let must_know = cookie_is_due && logins_win && !held.was_just_written(now);
        if !must_know && !held.touch_is_due(manager.options().touch_after) {
            return true;
        }
        (state.id.clone(), state.data.document.clone(), state.data.cookie.clone(), must_know)
    };
    match store.touch(&id, &document, &cookie).await {
        Ok(outcome) => outcome == TouchOutcome::Touched,
        Err(error) => {
            // Nothing was to be stored, so nothing is lost: the visitor gets the page, as in express.
            let cause = &error as &dyn Error;
            tracing::warn!(error = cause, "a session that was only read could not be extended");
            !must_know
        }
    }
}

/// The session's cookie, unless it is secure and the connection is not.
fn cookie(current: &Current, state: &State) -> Finished {
    let cookie = state.data.cookie();
    if is_withheld(current, cookie) {
        return Finished::default();
    }
    let options = current.manager.options();
    if let Err(rejection) =
        options.checks_each_cookie().then(|| rejection::check(&options.name, cookie)).transpose()
    {
        return Err(SetCookieError::from(rejection)).into();
    }
    let write_value = |out: &mut String| match &state.came_with {
        // The first secret has signed this id before: that text was just verified.
        Some(CameWith { id, secret: 0, signature }) if *id == state.id => {
            write_cookie_value(id.as_str(), signature, out);
        }
        _ => write_cookie_value(state.id.as_str(), &options.secrets.signature(state.id.as_str()), out),
    };
    set_cookie::set_cookie(&options.name, write_value, cookie).into()
}

/// The cookie that makes the browser forget its own, if it has one.
fn removal(current: &Current, state: &State) -> Finished {
    let removal = match state.came_with {
        Some(_) => set_cookie::removal(&current.manager.options().name, state.data.cookie()).into(),
        None => Finished::default(),
    };
    Finished { is_purged: true, ..removal }
}
