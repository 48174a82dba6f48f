//! The ecosystem's session, `actix_session::Session`, as a client of ours. Nothing else here knows that crate, but
//! the bridge of stores.
//!
//! It is filled on the way in, and on the way out compared with what it was shown: only what its users changed goes
//! into the session, so a view that has become stale overwrites nothing. Its own "changed" flag is not looked at:
//! filling it has set it, and some of its methods forget to.

use std::collections::HashMap;

use actix_session::{SessionExt as _, SessionStatus};
use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use express_session_core::{DataError, Session, SessionError};
use serde_json::value::RawValue;

/// What the ecosystem's session was shown: JSON texts by key.
type Entries = HashMap<String, String>;

/// The ecosystem's session of a request, filled with ours.
pub(crate) struct View {
    session: actix_session::Session,
    shown: Entries,
}

impl View {
    /// Shows the session to the ecosystem's extractor.
    pub(crate) fn open(request: &ServiceRequest, session: &Session) -> Self {
        let view = request.get_session();
        for (key, text) in session.entries() {
            // Both succeed: the text was JSON when it was read, and raw JSON is written as it is.
            if let Ok(raw) = serde_json::from_str::<&RawValue>(&text) {
                let _ = view.insert(key, raw);
            }
        }
        let shown = entries(&view);
        Self { session: view, shown }
    }

    /// Does to the session what the view's users did to the view.
    ///
    /// # Errors
    ///
    /// [`SessionError::Data`] if they used a reserved key; that of [`Session::purge`].
    pub(crate) async fn close(&self, session: &Session) -> Result<(), SessionError> {
        let now = entries(&self.session);
        session.with_data(|data| {
            // A hash map has no order, so new keys are appended in that of the alphabet.
            let mut changed: Vec<_> =
                now.iter().filter(|(key, text)| self.shown.get(*key) != Some(*text)).collect();
            changed.sort_unstable();
            for (key, text) in changed {
                data.insert_raw(key, text)?;
            }
            for key in self.shown.keys().filter(|key| !now.contains_key(*key)) {
                data.remove(key);
            }
            Ok::<_, DataError>(())
        })?;
        match self.session.status() {
            SessionStatus::Purged => session.purge().await,
            SessionStatus::Renewed => {
                session.renew();
                Ok(())
            }
            SessionStatus::Changed | SessionStatus::Unchanged => Ok(()),
        }
    }
}

/// The entries as JSON texts. The next actix-session keeps JSON values: `text.to_string()` is then all that changes.
fn entries(view: &actix_session::Session) -> Entries {
    view.entries().iter().map(|(key, text)| (key.clone(), text.clone())).collect()
}

/// Whether the ecosystem's session of a request was changed, although nobody will store that.
pub(crate) fn was_changed_unseen(request: &HttpRequest) -> bool {
    let view = request.get_session();
    view.status() != SessionStatus::Unchanged || !view.entries().is_empty()
}
