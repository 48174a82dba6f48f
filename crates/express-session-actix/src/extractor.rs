//! The extractor: the ecosystem's session with express's verbs on top.

use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use express_session_core::{Cookie, CookieMut, Data, DataError, SessionError, SessionId};

use crate::error::Error;
use crate::view::Layer;

/// The session of the request.
///
/// It derefs to [`actix_session::Session`] (`get`, `insert`, `remove`, `entries`, `renew`, `purge`, `clear`)
/// and adds express's verbs and [`transaction`](Self::transaction). Changes are saved, and the cookie is set,
/// before the response starts; what a streamed body changes later must be saved with [`save`](Self::save).
///
/// Where no session middleware covers the path, extraction fails; extract `Option<Session>` to handle that.
#[derive(Clone)]
pub struct Session {
    layer: Rc<Layer>,
}

impl Session {
    /// The id, as `req.sessionID`. Do not log it.
    pub fn id(&self) -> SessionId {
        self.layer.core.id()
    }

    /// Whether nothing is stored for this session yet.
    pub fn is_new(&self) -> bool {
        self.layer.core.is_new()
    }

    /// The session's cookie.
    pub fn cookie(&self) -> Cookie {
        self.layer.core.cookie()
    }

    /// The session's cookie, to be changed (`max_age`, `expires` …); it is then saved and sent again.
    pub fn cookie_mut(&self) -> CookieMut<'_> {
        self.layer.core.cookie_mut()
    }

    /// Gives cookie and session their full lifetime again; every request does so by itself.
    pub fn touch(&self) {
        self.layer.core.touch();
    }

    /// Takes the session away from this request: Node's `req.session = null`, see the option `unset`.
    pub fn unset(&self) {
        self.layer.core.unset();
    }

    /// Replaces the session by a new, empty one with a new id; the stored one is destroyed at once.
    ///
    /// To be called at every login, before the user is put into the session.
    ///
    /// # Errors
    ///
    /// If the store fails; the session is then unchanged.
    pub async fn regenerate(&self) -> Result<(), Error> {
        self.replace(self.layer.core.regenerate().await)
    }

    /// Destroys the stored session at once. The browser keeps its cookie, as in express-session;
    /// [`purge`](actix_session::Session::purge) removes it too.
    ///
    /// # Errors
    ///
    /// If the store fails; the session may still be there.
    pub async fn destroy(&self) -> Result<(), Error> {
        self.layer.core.destroy().await.map_err(|error| self.error(error))
    }

    /// Writes the session now, merged with what others have changed meanwhile.
    ///
    /// # Errors
    ///
    /// If the session was destroyed meanwhile, or the store fails.
    pub async fn save(&self) -> Result<(), Error> {
        self.gather()?;
        let done = self.layer.core.save().await;
        self.show(done)
    }

    /// Replaces the data by what is stored now; unsaved changes are lost.
    ///
    /// # Errors
    ///
    /// If nothing is stored, or the store fails.
    pub async fn reload(&self) -> Result<(), Error> {
        self.replace(self.layer.core.reload().await)
    }

    /// Runs `change` on the newest stored state and commits the result atomically, again and again until no
    /// other writer comes in between; returns the value of the run that was committed.
    ///
    /// `change` must have no other effects, because it may run more than once. See
    /// [`express_session_core::Session::transaction`].
    ///
    /// # Errors
    ///
    /// What `change` returns, in which case nothing is written; if the session was destroyed meanwhile; if the
    /// store fails.
    pub async fn transaction<R>(
        &self,
        change: impl FnMut(&mut Data) -> Result<R, DataError>,
    ) -> Result<R, Error> {
        self.gather()?;
        let done = self.layer.core.transaction(change).await;
        self.show(done)
    }

    /// What handlers have changed through the view goes into the model.
    fn gather(&self) -> Result<(), Error> {
        self.layer.pull().map_err(|error| self.error(error))
    }

    /// What the model has now goes into the view.
    fn show<R>(&self, done: Result<R, SessionError>) -> Result<R, Error> {
        self.layer.push();
        done.map_err(|error| self.error(error))
    }

    /// As [`show`](Self::show), for what was done without looking at the view: if it failed, the model is as it
    /// was, and what handlers have changed is still in the view alone.
    fn replace(&self, done: Result<(), SessionError>) -> Result<(), Error> {
        if done.is_ok() {
            self.layer.push();
        }
        done.map_err(|error| self.error(error))
    }

    fn error(&self, source: SessionError) -> Error {
        Error::new(source, self.layer.outage)
    }
}

impl Deref for Session {
    type Target = actix_session::Session;

    fn deref(&self) -> &actix_session::Session {
        &self.layer.view
    }
}

impl FromRequest for Session {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Layer::of(request).map(|layer| Self { layer }).ok_or(Error::NotCovered))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}
