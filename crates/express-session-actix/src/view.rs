//! Keeps `actix_session::Session`, which handlers work on, and the session model in step.
//!
//! The ecosystem's extractor is filled through its public API on the way in; on the way out its entries are
//! compared with what was put in. Its own "changed" flag is not looked at: filling it has set it, and some of
//! its methods forget to.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use actix_session::{SessionExt as _, SessionStatus};
use actix_web::HttpMessage as _;
use actix_web::dev::ServiceRequest;
use express_session_core::{CREATED_AT_KEY, Session as CoreSession, SessionError, StoreOutage};
use serde_json::value::RawValue;

/// One session middleware around a request.
pub(crate) struct Layer {
    /// The cookie name, by which nested middlewares are told apart.
    name: String,
    pub(crate) core: CoreSession,
    pub(crate) view: actix_session::Session,
    pub(crate) outage: StoreOutage,
    renewed: Cell<bool>,
    /// A middleware further out whose session the view shows outside of this one.
    outer: Option<Rc<Layer>>,
    /// What the view showed when a middleware further in took it over and purged it, so that it cannot be
    /// filled again.
    shadowed: RefCell<Option<HashMap<String, String>>>,
}

impl Layer {
    /// The innermost layer of a request.
    pub(crate) fn of(request: &actix_web::HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().map(Rc::clone)
    }

    /// Whether a layer with this cookie name is around the request already.
    pub(crate) fn covers(request: &ServiceRequest, name: &str) -> bool {
        let mut layer = Self::of(request.request());
        while let Some(it) = &layer {
            if it.name == name {
                return true;
            }
            layer = it.outer.as_ref().map(Rc::clone);
        }
        false
    }

    /// Puts a session around the request.
    pub(crate) fn attach(
        request: &ServiceRequest,
        name: &str,
        core: CoreSession,
        outage: StoreOutage,
    ) -> Rc<Self> {
        let outer = Self::of(request.request());
        if let Some(outer) = &outer {
            *outer.shadowed.borrow_mut() = Some(outer.view.entries().clone());
        }
        let layer = Rc::new(Self {
            name: name.to_owned(),
            core,
            view: request.get_session(),
            outage,
            renewed: Cell::new(false),
            outer,
            shadowed: RefCell::new(None),
        });
        layer.push();
        request.extensions_mut().insert(Rc::clone(&layer));
        layer
    }

    /// Gives the view back to the middleware further out.
    pub(crate) fn detach(&self, request: Option<&actix_web::HttpRequest>) {
        let Some(outer) = &self.outer else { return };
        if let Some(request) = request {
            request.extensions_mut().insert(Rc::clone(outer));
        }
        if self.view.status() == SessionStatus::Purged {
            return;
        }
        if let Some(entries) = outer.shadowed.borrow_mut().take() {
            fill(&outer.view, entries.iter().map(|(key, text)| (&**key, &**text)));
        }
        // A renewal further in is none of the outer session's.
        outer.renewed.set(self.view.status() == SessionStatus::Renewed);
    }

    /// Model → view.
    pub(crate) fn push(&self) {
        let data = self.core.data();
        fill(&self.view, data.entries().filter(|(key, _)| *key != CREATED_AT_KEY));
    }

    /// View → model.
    ///
    /// # Errors
    ///
    /// [`SessionError::Data`] if a handler has used the reserved key `cookie`.
    pub(crate) fn pull(&self) -> Result<(), SessionError> {
        let shadowed = self.shadowed.borrow();
        let shown = self.view.entries();
        let entries = shadowed.as_ref().unwrap_or(&shown);
        let mut data = self.core.data();
        let unchanged = data.len() == entries.len()
            && data.entries().all(|(key, text)| entries.get(key).is_some_and(|shown| shown == text));
        if !unchanged {
            for (key, text) in sorted(entries) {
                data.insert_raw(key, text)?;
            }
            let removed: Vec<String> = (data.entries())
                .filter(|(key, _)| *key != CREATED_AT_KEY && !entries.contains_key(*key))
                .map(|(key, _)| key.to_owned())
                .collect();
            for key in removed {
                data.remove(&key);
            }
            self.core.set_data(data);
        }
        if shadowed.is_none() && self.view.status() == SessionStatus::Renewed && !self.renewed.replace(true) {
            self.core.renew();
        }
        Ok(())
    }

    /// Whether a handler has purged the session: ended it on both sides.
    pub(crate) fn is_purged(&self) -> bool {
        self.shadowed.borrow().is_none() && self.view.status() == SessionStatus::Purged
    }
}

/// New keys are appended in a stable order; the view, a hash map, has none.
fn sorted(entries: &HashMap<String, String>) -> Vec<(&str, &str)> {
    let mut entries: Vec<_> = entries.iter().map(|(key, text)| (&**key, &**text)).collect();
    entries.sort_unstable();
    entries
}

fn fill<'a>(view: &actix_session::Session, entries: impl Iterator<Item = (&'a str, &'a str)>) {
    if !view.entries().is_empty() {
        view.clear();
    }
    for (key, text) in entries {
        // Both succeed: the text was JSON when it was read, and raw JSON is written as it is.
        if let Ok(raw) = serde_json::from_str::<&RawValue>(text) {
            let _ = view.insert(key, raw);
        }
    }
}
