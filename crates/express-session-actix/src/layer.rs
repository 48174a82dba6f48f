//! A session middleware around a request, as extractors find it.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::dev::ServiceRequest;
use actix_web::{HttpMessage as _, HttpRequest};
use express_session_core::{Finished, PendingSession, Session, SessionError};

/// The session of a request, loaded or not asked for yet.
#[derive(Clone)]
pub(crate) enum Handle {
    Loaded(Session),
    Pending(Rc<PendingSession>),
}

impl Handle {
    pub(crate) async fn finish(&self) -> Result<Finished, SessionError> {
        match self {
            Self::Loaded(session) => session.finish().await,
            Self::Pending(pending) => pending.finish().await,
        }
    }
}

/// One session middleware around a request.
pub(crate) struct Layer {
    /// The cookie name, by which nested middlewares are told apart.
    name: Rc<str>,
    handle: Handle,
    /// Whether somebody has asked for the session.
    was_asked_for: Cell<bool>,
    /// A middleware further out, whose session extractors find outside of this one.
    outer: Option<Box<Layer>>,
}

impl Layer {
    /// The session of the innermost middleware around a request.
    pub(crate) fn handle(request: &HttpRequest) -> Option<Handle> {
        request.extensions().get::<Self>().map(|layer| layer.handle.clone())
    }

    /// As [`handle`](Self::handle), for somebody who will look at the session.
    pub(crate) fn ask(request: &HttpRequest) -> Option<Handle> {
        let extensions = request.extensions();
        let layer = extensions.get::<Self>()?;
        layer.was_asked_for.set(true);
        Some(layer.handle.clone())
    }

    /// Whether a middleware with this cookie name is around the request already.
    pub(crate) fn covers(request: &ServiceRequest, name: &str) -> bool {
        let extensions = request.extensions();
        let mut layer = extensions.get::<Self>();
        while let Some(it) = layer {
            if *it.name == *name {
                return true;
            }
            layer = it.outer.as_deref();
        }
        false
    }

    /// Puts a session around the request.
    pub(crate) fn attach(request: &ServiceRequest, name: Rc<str>, handle: Handle) {
        let mut extensions = request.extensions_mut();
        let outer = extensions.remove::<Self>().map(Box::new);
        extensions.insert(Self { name, handle, was_asked_for: Cell::new(false), outer });
    }

    /// Shows the session further out again; whether somebody has asked for this one.
    pub(crate) fn detach(request: &HttpRequest) -> bool {
        let mut extensions = request.extensions_mut();
        let Some(layer) = extensions.get_mut::<Self>() else { return false };
        let was_asked_for = layer.was_asked_for.get();
        if let Some(outer) = layer.outer.take() {
            extensions.insert(*outer);
        }
        was_asked_for
    }
}
