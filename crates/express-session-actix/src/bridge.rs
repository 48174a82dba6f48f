//! Our stores under the stock `actix_session::SessionMiddleware`.

use std::collections::HashMap;
use std::time::Duration;

use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore as ActixSessionStore, UpdateError,
};
use actix_web::cookie::time::Duration as CookieDuration;
use express_session_core::{
    Clock, Cookie, Data, Expect, SessionId, SessionStore, SetOutcome, StoreError, SystemClock,
};

/// Lets the stock middleware of actix-session keep its sessions in one of our stores.
///
/// The records are readable by Node and by our own middleware. What the stock middleware cannot give: its
/// writes carry the whole state and no base, so the last of two overlapping requests wins; and its cookie is
/// signed its own way. An ended session is not brought back.
#[derive(Clone, Debug)]
pub struct ActixStore<S> {
    store: S,
}

impl<S: SessionStore> ActixStore<S> {
    /// The given store, for `actix_session::SessionMiddleware::builder`.
    pub const fn new(store: S) -> Self {
        Self { store }
    }
}

type State = HashMap<String, String>;

fn id(key: &SessionKey) -> Result<SessionId, anyhow::Error> {
    Ok(SessionId::parse(key.as_ref())?)
}

/// A cookie that lives as long as the stock middleware says.
fn cookie(ttl: &CookieDuration) -> Cookie {
    let mut cookie = Cookie::default();
    let ttl = Duration::from_millis(u64::try_from(ttl.whole_milliseconds()).unwrap_or(0));
    cookie.set_max_age(Some(ttl), SystemClock.now());
    cookie
}

/// Makes `data` those of `state`; values that are equal keep their text.
fn replace(data: &mut Data, state: &State) -> Result<(), anyhow::Error> {
    let mut entries: Vec<_> = state.iter().collect();
    entries.sort_unstable();
    for (key, text) in entries {
        data.insert_raw(key, text)?;
    }
    let removed: Vec<String> =
        data.entries().map(|(key, _)| key.into_owned()).filter(|key| !state.contains_key(key)).collect();
    for key in removed {
        data.remove(key);
    }
    Ok(())
}

impl<S: SessionStore> ActixSessionStore for ActixStore<S> {
    async fn load(&self, session_key: &SessionKey) -> Result<Option<State>, LoadError> {
        let id = id(session_key).map_err(LoadError::Other)?;
        match self.store.get(&id).await {
            Ok(stored) => Ok(stored.map(|stored| {
                stored.document.entries().map(|(key, text)| (key.into_owned(), text.to_owned())).collect()
            })),
            Err(StoreError::Corrupt(error)) => Err(LoadError::Deserialization(error.into())),
            Err(error) => Err(LoadError::Other(error.into())),
        }
    }

    async fn save(&self, session_state: State, ttl: &CookieDuration) -> Result<SessionKey, SaveError> {
        let id = SessionId::generate();
        let mut data = Data::new(cookie(ttl));
        replace(&mut data, &session_state).map_err(SaveError::Serialization)?;
        self.store
            .set(&id, &data.encode(), Expect::Any)
            .await
            .map_err(|error| SaveError::Other(error.into()))?;
        SessionKey::try_from(id.as_str().to_owned()).map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(
        &self,
        session_key: SessionKey,
        session_state: State,
        ttl: &CookieDuration,
    ) -> Result<SessionKey, UpdateError> {
        let id = id(&session_key).map_err(UpdateError::Other)?;
        let failed = |error: StoreError| UpdateError::Other(error.into());
        let mut current = self.store.get(&id).await.map_err(failed)?;
        // Ended meanwhile: it stays ended, under the same key.
        while let Some(stored) = current {
            let mut data = Data::of(stored.document);
            replace(&mut data, &session_state).map_err(UpdateError::Serialization)?;
            *data.cookie_mut() = cookie(ttl);
            match self
                .store
                .set(&id, &data.encode(), Expect::Revision(&stored.revision))
                .await
                .map_err(failed)?
            {
                SetOutcome::Written(_) | SetOutcome::Gone => break,
                SetOutcome::Conflict(newer) => current = Some(*newer),
            }
        }
        Ok(session_key)
    }

    async fn update_ttl(&self, session_key: &SessionKey, ttl: &CookieDuration) -> Result<(), anyhow::Error> {
        // At most the cookie of what is given here is stored, never its (empty) data.
        let cookie = cookie(ttl);
        let document = Data::new(cookie.clone()).encode();
        self.store.touch(&id(session_key)?, &document, &cookie).await?;
        Ok(())
    }

    async fn delete(&self, session_key: &SessionKey) -> Result<(), anyhow::Error> {
        self.store.destroy(&id(session_key)?).await?;
        Ok(())
    }
}
