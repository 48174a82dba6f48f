//! The session of a request: what a handler holds, and what happens before and after it.

mod begin;
mod current;
pub(crate) mod decision;
mod enrolment;
mod finish;
mod manager;
mod owner;
mod sessions_of;
mod state;
mod succession;
mod turns;
mod upkeep;
mod verbs;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::UnixMillis;
use crate::cookie::Cookie;
use crate::document::{AUTHENTICATED_AT_KEY, Data, DataError};
use crate::error::SessionError;
use crate::session_id::SessionId;

use current::Current;
use state::Place;

pub use begin::PendingSession;
pub use finish::Finished;
pub use manager::SessionManager;
pub use sessions_of::SessionsOf;

/// The session of one request.
///
/// A clone is another handle on the same session. Changes are saved when the request ends; the async verbs
/// act at once. `Debug` shows neither id nor data.
///
/// # Overlapping requests
///
/// Each request sees the session as it was when the request began. At its end its changes are put on top of what is
/// stored then: requests that change different keys lose nothing. If two requests read a key with [`get`](Self::get),
/// compute, and [`insert`](Self::insert) it, the later one wins, and the earlier one's value is lost. What must count
/// every time (a counter, a balance, a list that grows) goes through [`update`](Self::update) or
/// [`transaction`](Self::transaction), which are exact.
#[derive(Clone)]
pub struct Session {
    current: Arc<Current>,
}

impl Session {
    pub(crate) fn new(current: Current) -> Self {
        Self { current: Arc::new(current) }
    }

    /// Whether the client's connection is HTTPS, as far as the options trust what they see.
    pub fn is_secure(&self) -> bool {
        self.current.birth.secure
    }

    /// The id. It stays readable after [`destroy`](Self::destroy), as `req.sessionID` does.
    pub fn id(&self) -> SessionId {
        self.current.state().id.clone()
    }

    /// Whether nothing is stored for this session yet.
    pub fn is_new(&self) -> bool {
        !matches!(self.current.state().place, Place::Stored(_) | Place::Renamed { .. })
    }

    /// Whether the request still has its session: false after `destroy` and `unset`.
    pub fn is_live(&self) -> bool {
        self.current.state().is_live()
    }

    /// The value of `key`, if there is one.
    ///
    /// # Errors
    ///
    /// [`DataError::Decode`] if it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: impl AsRef<str>) -> Result<Option<T>, DataError> {
        self.current.state().data.get(key)
    }

    /// Sets `key`. A value equal to the present one changes nothing.
    ///
    /// # Errors
    ///
    /// [`DataError::ReservedKey`] for `cookie` and other keys of the session's own, [`DataError::Encode`] if `value`
    /// has no JSON form.
    pub fn insert<T: Serialize>(&self, key: impl AsRef<str>, value: T) -> Result<(), DataError> {
        self.current.state().data.insert(key, value)
    }

    /// Removes `key`; whether it was there.
    ///
    /// Not a logout that wins: an overlapping request that changes the same key brings it back. Whoever logs out is to
    /// [`destroy`](Self::destroy) the session. See also the option
    /// [`on_conflict`](crate::OptionsBuilder::on_conflict).
    pub fn remove(&self, key: impl AsRef<str>) -> bool {
        self.current.state().data.remove(key)
    }

    /// Whether `key` is there.
    pub fn contains(&self, key: impl AsRef<str>) -> bool {
        self.current.state().data.contains_key(key.as_ref())
    }

    /// Removes all keys.
    pub fn clear(&self) {
        self.current.state().data.clear();
    }

    /// The keys and the JSON texts of their values, in the order in which they are stored.
    pub fn entries(&self) -> Vec<(String, String)> {
        let state = self.current.state();
        state.data.entries().map(|(key, text)| (key.into_owned(), text.to_owned())).collect()
    }

    /// Changes the value of `key`, and commits that atomically; the value that was committed.
    ///
    /// `change` gets the newest stored value, and runs again if another writer comes first: of overlapping requests
    /// that count, no two see the same number. It is the short form of [`transaction`](Self::transaction).
    ///
    /// ```
    /// # async fn handler(session: &express_session_core::Session) -> Result<u64, express_session_core::SessionError> {
    /// session.update("views", |views: Option<u64>| views.unwrap_or(0) + 1).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionError::Data`] if the stored value is not a `T`, and what [`transaction`](Self::transaction) says.
    pub async fn update<T: Serialize + DeserializeOwned>(
        &self,
        key: impl AsRef<str>,
        mut change: impl FnMut(Option<T>) -> T,
    ) -> Result<T, SessionError> {
        let key = key.as_ref();
        self.transaction(|data| {
            let value = change(data.get(key)?);
            data.insert(key, &value)?;
            Ok(value)
        })
        .await
    }

    /// Notes that the user has just proved who they are: by a password, a key, a second factor. To be called at a login,
    /// after [`regenerate`](Self::regenerate), and when a page asks again.
    ///
    /// The instant is kept in the record as `__authenticatedAt`, in milliseconds; [`clear`](Self::clear) removes it.
    pub fn set_authenticated(&self) {
        let now = self.current.now();
        self.current.state().data.stamp(AUTHENTICATED_AT_KEY, now.0);
    }

    /// When the user last proved who they are; `None` if [`set_authenticated`](Self::set_authenticated) was never called.
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        let at = self.current.state().data.get::<i64>(AUTHENTICATED_AT_KEY).ok().flatten()?;
        Some(UnixMillis(at).into())
    }

    /// Whether the user has proved who they are within this time: what a page asks before it changes a password or
    /// moves money. False if they never did, or at a time that has not come yet.
    pub fn is_fresh(&self, within: Duration) -> bool {
        let now = self.current.now();
        self.authenticated_at().map(UnixMillis::from).is_some_and(|at| at <= now && at.until(now) <= within)
    }

    /// The data as they are now. A copy: changing it changes nothing here.
    pub fn data(&self) -> Data {
        self.current.state().data.clone()
    }

    /// Changes the data through `change`, all at once. For adapters that keep a view of their own during the request.
    pub fn with_data<R>(&self, change: impl FnOnce(&mut Data) -> R) -> R {
        change(&mut self.current.state().data)
    }

    /// The session's cookie.
    pub fn cookie(&self) -> Cookie {
        self.current.state().data.cookie().clone()
    }

    /// The session's cookie, to be changed; the change takes effect when the guard is dropped.
    ///
    /// ```
    /// # fn handler(session: &express_session_core::Session) {
    /// session.cookie_mut().set_path(Some("/app"));
    /// # }
    /// ```
    pub fn cookie_mut(&self) -> CookieMut<'_> {
        CookieMut { cookie: self.cookie(), session: self }
    }

    /// Gives the cookie its full lifetime again and has the store extend the session's at the end of the
    /// request, also where `touch_after` would skip it. Every request touches by itself.
    pub fn touch(&self) {
        let now = self.current.now();
        self.current.state().request_touch(now);
    }

    /// Takes the session away from this request: Node's `req.session = null`. What happens to the stored one
    /// is said by the option `unset`.
    pub fn unset(&self) {
        self.current.state().unset();
    }

    /// A new id for the same data, for a change of privilege; the old id ends when this session is saved.
    ///
    /// If the session is logged out elsewhere before that, it stays logged out under the new id too.
    /// [`regenerate`](Self::regenerate) is express's way, which starts with an empty session.
    pub fn renew(&self) {
        let id = self.current.birth.id();
        self.current.state().renew(id);
    }

    /// Replaces the session by a new, empty one with a new id; the stored one is destroyed at once.
    ///
    /// Also possible after `destroy`. Source: express-session `session/store.js`, `regenerate`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the old session could not be destroyed. The request has its new session all
    /// the same, as in express-session: a login that overlooks the error does not go on under the old id.
    pub async fn regenerate(&self) -> Result<(), SessionError> {
        verbs::regenerate(&self.current).await
    }

    /// Destroys the stored session at once. The browser keeps its cookie, as in express-session.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store failed; the session may still be there. This request has none any
    /// more, as in express-session; calling again tries again.
    pub async fn destroy(&self) -> Result<(), SessionError> {
        verbs::destroy(&self.current).await
    }

    /// Ends the session on both sides: in the store at once, and in the browser, whose cookie is removed by the
    /// response, whatever becomes of the store.
    ///
    /// # Errors
    ///
    /// As [`destroy`](Self::destroy).
    pub async fn purge(&self) -> Result<(), SessionError> {
        verbs::purge(&self.current).await
    }

    /// Writes the session now, merged with what others have changed meanwhile.
    ///
    /// Needed only if something else must find it stored before this response is sent; the end of the request
    /// saves by itself, before the response starts.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if it was destroyed meanwhile, [`SessionError::Store`] if the store failed.
    pub async fn save(&self) -> Result<(), SessionError> {
        verbs::save(&self.current).await
    }

    /// Replaces the data by what is stored now; unsaved changes are lost.
    ///
    /// # Errors
    ///
    /// [`SessionError::NotFound`] if nothing is stored (the session stays as it is), [`SessionError::Store`]
    /// if the store failed.
    pub async fn reload(&self) -> Result<(), SessionError> {
        verbs::reload(&self.current).await
    }

    /// Runs `change` on the newest stored state and commits the result atomically.
    ///
    /// If another writer comes first, `change` runs again on what that one has stored, so it must not have
    /// other effects. The value of the run that was committed is returned: of overlapping requests that count,
    /// no two see the same number. Changes made through this session before are committed along.
    ///
    /// ```
    /// # async fn handler(session: &express_session_core::Session) -> Result<u64, express_session_core::SessionError> {
    /// session
    ///     .transaction(|data| {
    ///         let views = data.get::<u64>("views")?.unwrap_or(0) + 1;
    ///         data.insert("views", views)?;
    ///         Ok(views)
    ///     })
    ///     .await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionError::Data`] if `change` says so; nothing is written then. [`SessionError::Gone`] if the
    /// session was destroyed meanwhile, [`SessionError::Contended`] after very many conflicts,
    /// [`SessionError::Store`] if the store failed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the change was committed entirely or not at all.
    pub async fn transaction<R>(
        &self,
        change: impl FnMut(&mut Data) -> Result<R, DataError>,
    ) -> Result<R, SessionError> {
        verbs::transaction(&self.current, change).await
    }

    /// Ends the request: decides, calls the store at most once (more only on conflicts), and says which
    /// cookie to send. For adapters; to be called once, before the response starts.
    ///
    /// # Errors
    ///
    /// [`SessionError`] if the session could not be saved; no cookie may be sent then.
    pub async fn finish(&self) -> Result<Finished, SessionError> {
        finish::finish(&self.current).await
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}

/// A session's cookie, being changed.
#[derive(Debug)]
pub struct CookieMut<'a> {
    session: &'a Session,
    cookie: Cookie,
}

impl CookieMut<'_> {
    /// [`Cookie::set_max_age`], counted from now.
    pub fn set_max_age(&mut self, max_age: Option<Duration>) {
        let now = self.session.current.now();
        self.cookie.set_max_age(max_age, now);
    }

    /// [`Cookie::set_expires`], measured from now.
    pub fn set_expires(&mut self, expires: SystemTime) {
        let now = self.session.current.now();
        self.cookie.set_expires(expires, now);
    }
}

impl Deref for CookieMut<'_> {
    type Target = Cookie;

    fn deref(&self) -> &Cookie {
        &self.cookie
    }
}

impl DerefMut for CookieMut<'_> {
    fn deref_mut(&mut self) -> &mut Cookie {
        &mut self.cookie
    }
}

impl Drop for CookieMut<'_> {
    fn drop(&mut self) {
        let cookie = std::mem::take(&mut self.cookie);
        self.session.current.state().data.cookie = cookie;
    }
}
