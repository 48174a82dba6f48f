//! The extractor: the session of the request, in a handler's hands.

use std::fmt;
use std::future::{Ready, ready};
use std::time::{Duration, SystemTime};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use express_session_core::{Cookie, CookieMut, Data, DataError, Session as CoreSession, SessionId};
use futures_util::future::{Either, LocalBoxFuture};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::layer::{Handle, Layer};

/// The session of the request.
///
/// Changes are saved, and the cookie is set, before the response starts; what a streamed body changes later must be
/// saved with [`save`](Self::save), and is lost with a warning otherwise. A clone is another handle on the same session.
///
/// Where no session middleware covers the path, extraction fails; extract `Option<Session>` to handle that.
///
/// # Overlapping requests
///
/// Requests that change different keys lose nothing. If two requests read a key with [`get`](Self::get), compute, and
/// [`insert`](Self::insert) it, the later one wins and the earlier one's value is lost. What must count every time (a
/// counter, a balance, a list that grows) goes through [`update`](Self::update) or
/// [`transaction`](Self::transaction), which are exact.
///
/// Every method is that of [`express_session_core::Session`], which says more about each; the errors are ours, so that
/// Actix can answer with them.
#[derive(Clone)]
pub struct Session(CoreSession);

impl Session {
    /// The session as the core crate has it, for code that serves more than one framework. Its errors are the core's.
    pub const fn core(&self) -> &CoreSession {
        &self.0
    }

    /// The id, as `req.sessionID`. Do not log it.
    pub fn id(&self) -> SessionId {
        self.0.id()
    }

    /// Whether nothing is stored for this session yet.
    pub fn is_new(&self) -> bool {
        self.0.is_new()
    }

    /// Whether the request still has its session: false after [`destroy`](Self::destroy) and [`unset`](Self::unset).
    pub fn is_live(&self) -> bool {
        self.0.is_live()
    }

    /// Whether the client's connection is HTTPS, as far as the options trust what they see.
    pub fn is_secure(&self) -> bool {
        self.0.is_secure()
    }

    /// The value of `key`, if there is one.
    ///
    /// # Errors
    ///
    /// [`DataError::Decode`] if it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: impl AsRef<str>) -> Result<Option<T>, Error> {
        Ok(self.0.get(key)?)
    }

    /// Sets `key`. A value equal to the present one changes nothing.
    ///
    /// # Errors
    ///
    /// [`DataError::ReservedKey`] for `cookie` and other keys of the session's own, [`DataError::Encode`] if `value`
    /// has no JSON form.
    pub fn insert<T: Serialize>(&self, key: impl AsRef<str>, value: T) -> Result<(), Error> {
        Ok(self.0.insert(key, value)?)
    }

    /// Notes that the user has just proved who they are: at a login, after [`regenerate`](Self::regenerate), and when a
    /// page asks again.
    pub fn set_authenticated(&self) {
        self.0.set_authenticated();
    }

    /// When the user last proved who they are; `None` if [`set_authenticated`](Self::set_authenticated) was never called.
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        self.0.authenticated_at()
    }

    /// Whether the user has proved who they are within this time: what a page asks before it moves money.
    pub fn is_fresh(&self, within: Duration) -> bool {
        self.0.is_fresh(within)
    }

    /// Removes `key`; whether it was there.
    ///
    /// Not a logout that wins: an overlapping request that changes the same key brings it back. Whoever logs out is to
    /// [`purge`](Self::purge) the session.
    pub fn remove(&self, key: impl AsRef<str>) -> bool {
        self.0.remove(key)
    }

    /// Whether `key` is there.
    pub fn contains(&self, key: impl AsRef<str>) -> bool {
        self.0.contains(key)
    }

    /// Removes all keys.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// The keys and the JSON texts of their values, in the order in which they are stored.
    pub fn entries(&self) -> Vec<(String, String)> {
        self.0.entries()
    }

    /// The data as they are now. A copy: changing it changes nothing here.
    pub fn data(&self) -> Data {
        self.0.data()
    }

    /// Changes the value of `key` and commits that atomically; the value that was committed.
    ///
    /// `change` gets the newest stored value, and runs again if another writer comes first, so it must have no other
    /// effects: `session.update("views", |views: Option<u64>| views.unwrap_or(0) + 1).await?`.
    ///
    /// # Errors
    ///
    /// As [`transaction`](Self::transaction).
    pub async fn update<T: Serialize + DeserializeOwned>(
        &self,
        key: impl AsRef<str>,
        change: impl FnMut(Option<T>) -> T,
    ) -> Result<T, Error> {
        Ok(self.0.update(key, change).await?)
    }

    /// Runs `change` on the newest stored state and commits the result atomically, again and again until no
    /// other writer comes in between; returns the value of the run that was committed.
    ///
    /// `change` must have no other effects, because it may run more than once.
    ///
    /// # Errors
    ///
    /// What `change` returns, in which case nothing is written; if the session was destroyed meanwhile; if the
    /// store fails.
    pub async fn transaction<R>(
        &self,
        change: impl FnMut(&mut Data) -> Result<R, DataError>,
    ) -> Result<R, Error> {
        Ok(self.0.transaction(change).await?)
    }

    /// The session's cookie.
    pub fn cookie(&self) -> Cookie {
        self.0.cookie()
    }

    /// The session's cookie, to be changed (`max_age`, `expires` …); it is then saved and sent again.
    pub fn cookie_mut(&self) -> CookieMut<'_> {
        self.0.cookie_mut()
    }

    /// Gives cookie and session their full lifetime again; every request does so by itself.
    pub fn touch(&self) {
        self.0.touch();
    }

    /// Takes the session away from this request: Node's `req.session = null`, see the option `unset`.
    pub fn unset(&self) {
        self.0.unset();
    }

    /// A new id for the same data, for a change of privilege; the old id ends when this session is saved.
    pub fn renew(&self) {
        self.0.renew();
    }

    /// Replaces the session by a new, empty one with a new id; the stored one is destroyed at once.
    ///
    /// To be called at every login, before the user is put into the session.
    ///
    /// # Errors
    ///
    /// If the old session could not be destroyed. The request has its new, empty session all the same, as in
    /// express-session: a login that overlooks the error does not go on under the old id.
    pub async fn regenerate(&self) -> Result<(), Error> {
        Ok(self.0.regenerate().await?)
    }

    /// Destroys the stored session at once. The browser keeps its cookie, as in express-session;
    /// [`purge`](Self::purge) removes it too.
    ///
    /// # Errors
    ///
    /// If the store fails; the session may still be there.
    pub async fn destroy(&self) -> Result<(), Error> {
        Ok(self.0.destroy().await?)
    }

    /// Ends the session in the store, at once, and in the browser, whose cookie is removed by the response.
    ///
    /// # Errors
    ///
    /// If the store fails; the session may still be there. The cookie is removed all the same.
    pub async fn purge(&self) -> Result<(), Error> {
        Ok(self.0.purge().await?)
    }

    /// Writes the session now, merged with what others have changed meanwhile.
    ///
    /// # Errors
    ///
    /// If the session was destroyed meanwhile, or the store fails.
    pub async fn save(&self) -> Result<(), Error> {
        Ok(self.0.save().await?)
    }

    /// Replaces the data by what is stored now; unsaved changes are lost.
    ///
    /// # Errors
    ///
    /// If nothing is stored, or the store fails.
    pub async fn reload(&self) -> Result<(), Error> {
        Ok(self.0.reload().await?)
    }
}

impl FromRequest for Session {
    type Error = Error;
    type Future = Either<Ready<Result<Self, Error>>, LocalBoxFuture<'static, Result<Self, Error>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match Layer::ask(request) {
            Some(Handle::Loaded(session)) => Either::Left(ready(Ok(Self(session)))),
            Some(Handle::Pending(pending)) => {
                Either::Right(Box::pin(async move { Ok(Self(pending.session().await?)) }))
            }
            None => Either::Left(ready(Err(Error::NotCovered))),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}
