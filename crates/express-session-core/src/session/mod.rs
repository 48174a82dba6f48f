//! What a handler holds: express's verbs, and `transaction`.

pub(crate) mod decision;
pub(crate) mod lifecycle;
pub(crate) mod shared;
mod state;
pub(crate) mod verbs;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::UnixMillis;
use crate::cookie::Cookie;
use crate::cookie::options::CookieOptions;
use crate::document::{Data, DataError};
use crate::error::SessionError;
use crate::session::lifecycle::Finished;
use crate::session::shared::Shared;
use crate::session::state::{Presence, State};
use crate::session_id::SessionId;

/// The session of one request.
///
/// A clone is another handle on the same session. Changes are saved when the request ends; the async verbs
/// act at once. `Debug` shows neither id nor data.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    /// For a session made by `regenerate`.
    new_cookie: NewCookie,
    /// Held for moments only, never across an await.
    state: Mutex<State>,
}

/// What the cookie of a session that is new in this request looks like.
pub(crate) struct NewCookie {
    pub(crate) options: Arc<CookieOptions>,
    /// Fixed options settle their `Auto` values by the connection.
    pub(crate) settles_auto: bool,
    pub(crate) secure: bool,
}

impl NewCookie {
    pub(crate) fn create(&self, now: UnixMillis) -> Cookie {
        self.options.create(now, self.settles_auto.then_some(self.secure))
    }
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, new_cookie: NewCookie, state: State) -> Self {
        let inner = Inner { shared, new_cookie, state: Mutex::new(state) };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held cannot leave the state half changed in a way that matters.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// Whether the client's connection is HTTPS, as far as the options trust what they see.
    pub fn is_secure(&self) -> bool {
        self.inner.new_cookie.secure
    }

    pub(crate) fn new_cookie(&self, now: UnixMillis) -> Cookie {
        self.inner.new_cookie.create(now)
    }

    /// The id. It stays readable after [`destroy`](Self::destroy), as `req.sessionID` does.
    pub fn id(&self) -> SessionId {
        self.state().id.clone()
    }

    /// Whether nothing is stored for this session yet.
    pub fn is_new(&self) -> bool {
        let state = self.state();
        state.base.is_none() && state.renewed_from.is_none()
    }

    /// Whether the request came with a cookie of ours whose signature was right.
    pub fn came_with_cookie(&self) -> bool {
        self.state().cookie_id.is_some()
    }

    /// Whether the request still has its session: false after `destroy` and `unset`.
    pub fn is_live(&self) -> bool {
        self.state().presence == Presence::Live
    }

    /// The value of `key`, if there is one.
    ///
    /// # Errors
    ///
    /// [`DataError::Decode`] if it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, DataError> {
        self.state().record.data.get(key)
    }

    /// Sets `key`.
    ///
    /// # Errors
    ///
    /// [`DataError::ReservedKey`] for `cookie`, [`DataError::Encode`] if `value` has no JSON form.
    pub fn insert<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), DataError> {
        self.state().record.data.insert(key, value)
    }

    /// Removes `key`; whether it was there.
    pub fn remove(&self, key: &str) -> bool {
        self.state().record.data.remove(key)
    }

    /// Removes all keys.
    pub fn clear(&self) {
        self.state().record.data.clear();
    }

    /// The data as they are now. A cheap copy: changing it changes nothing here.
    pub fn data(&self) -> Data {
        self.state().record.data.clone()
    }

    /// Replaces all data; for adapters that keep their own view during the request.
    pub fn set_data(&self, data: Data) {
        self.state().record.data = data;
    }

    /// The session's cookie.
    pub fn cookie(&self) -> Cookie {
        self.state().record.cookie().clone()
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
        let now = self.shared().now();
        let mut state = self.state();
        state.record.cookie_mut().touch(now);
        state.touch_requested = true;
    }

    /// Takes the session away from this request: Node's `req.session = null`. What happens to the stored one
    /// is said by the option `unset`.
    pub fn unset(&self) {
        let mut state = self.state();
        if state.presence == Presence::Live {
            state.presence = Presence::Unset;
        }
    }

    /// A new id for the same data, for a change of privilege; the old id ends when this session is saved.
    ///
    /// If the session is logged out elsewhere before that, it stays logged out under the new id too.
    /// [`regenerate`](Self::regenerate) is express's way, which starts with an empty session.
    pub fn renew(&self) {
        let id = (self.shared().options.genid)();
        self.state().renew(id);
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
        verbs::regenerate(self).await
    }

    /// Destroys the stored session at once. The browser keeps its cookie, as in express-session.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store failed; the session may still be there. This request has none any
    /// more, as in express-session; calling again tries again.
    pub async fn destroy(&self) -> Result<(), SessionError> {
        verbs::destroy(self).await
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
        verbs::save(self).await
    }

    /// Replaces the data by what is stored now; unsaved changes are lost.
    ///
    /// # Errors
    ///
    /// [`SessionError::NotFound`] if nothing is stored (the session stays as it is), [`SessionError::Store`]
    /// if the store failed.
    pub async fn reload(&self) -> Result<(), SessionError> {
        verbs::reload(self).await
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
    ///         data.insert("views", &views)?;
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
        verbs::transaction(self, change).await
    }

    /// Ends the request: decides, calls the store at most once (more only on conflicts), and says which
    /// cookie to send. For adapters; to be called once, before the response starts.
    ///
    /// # Errors
    ///
    /// [`SessionError`] if the session could not be saved; no cookie may be sent then.
    pub async fn finish(&self) -> Result<Finished, SessionError> {
        lifecycle::finish(self).await
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
    pub fn set_max_age(&mut self, max_age: Option<std::time::Duration>) {
        let now = self.session.shared().now();
        self.cookie.set_max_age(max_age, now);
    }

    /// [`Cookie::set_expires`], measured from now.
    pub fn set_expires(&mut self, expires: std::time::SystemTime) {
        let now = self.session.shared().now();
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
        self.session.state().record.set_cookie(cookie);
    }
}
