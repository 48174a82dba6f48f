//! The end of a request: decides, calls the store, and says which cookie to send.

use std::error::Error;
use std::fmt;

use super::current::Current;
use super::decision::{Decision, StoreAction, decide};
use super::state::{CameWith, Place, State};
use super::verbs;
use crate::clock::UnixMillis;
use crate::cookie::rejection;
use crate::cookie::set_cookie::{self, SetCookieError};
use crate::cookie::signature::write_cookie_value;
use crate::error::SessionError;
use crate::store::TouchOutcome;

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
    let _verb = current.verb.lock().await;
    let now = current.now();
    let decision = {
        let mut state = current.state();
        match state.place {
            Place::Outage => return Ok(Finished::default()),
            Place::Ended { cookie_removed: true, .. } => return Ok(removal(current, &state)),
            _ => {}
        }
        if state.is_live() {
            state.data.cookie.touch(now);
        }
        decide(current.manager.options().into(), state.standing())
    };
    let is_there = carry_out(current, decision, now).await?;
    let mut state = current.state();
    state.finish();
    Ok(if is_there && decision.set_cookie { cookie(current, &state) } else { Finished::default() })
}

/// Does what was decided; whether the session is there afterwards.
async fn carry_out(current: &Current, decision: Decision, now: UnixMillis) -> Result<bool, SessionError> {
    match decision.store {
        StoreAction::Nothing => Ok(true),
        StoreAction::Destroy => verbs::remove(current, false).await.map(|()| false),
        StoreAction::Touch => Ok(touch(current).await),
        StoreAction::Save => match verbs::write(current, now).await {
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
async fn touch(current: &Current) -> bool {
    let manager = &current.manager;
    let (id, data) = {
        let state = current.state();
        match &state.place {
            Place::Stored(held) if held.touch_is_due(manager.options().touch_after) => {
                (state.id.clone(), state.data.clone())
            }
            _ => return true,
        }
    };
    match manager.store().touch(&id, &data.document, &data.cookie).await {
        Ok(outcome) => outcome == TouchOutcome::Touched,
        Err(error) => {
            // Nothing was to be stored, so nothing is lost: the visitor gets the page, as in express.
            let cause = &error as &dyn Error;
            tracing::warn!(error = cause, "a session that was only read could not be extended");
            true
        }
    }
}

/// The session's cookie, unless it is secure and the connection is not.
fn cookie(current: &Current, state: &State) -> Finished {
    let cookie = state.data.cookie();
    if cookie.secure() && !current.birth.secure {
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
