//! The middleware: begins the session on the way in, finishes it before the response starts.

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::Error as ActixError;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use express_session_core::{
    Finished, Options, Session as CoreSession, SessionError, SessionManager, SessionStore, StoreOutage,
    SystemClock, removal_cookie,
};
use futures_util::future::LocalBoxFuture;

use crate::error::{Error, chain};
use crate::request::ActixRequest;
use crate::response::{WithCookie, append_cookie};
use crate::timer::TokioTimer;
use crate::view::Layer;

/// Sessions for everything it is wrapped around.
///
/// A clone is another handle on the same sessions: make one and clone it into every worker's app.
///
/// - The session is saved, and the cookie set, when the handler has returned and before the response starts;
///   a redirect never beats its save. What a streamed body changes later is not saved by itself.
/// - Changes made before a handler returns an error are saved like any others, as in express.
/// - A handler that panics saves nothing; its connection is closed by Actix.
/// - A websocket upgrade is a response like any other: the session is finished before the 101 goes out.
/// - Nested: the same cookie name again is a no-op, as in express; another name is a session of its own, which
///   hides the outer one from extractors further in.
///
/// # Example
///
/// ```
/// use actix_web::{App, web};
/// use express_session_actix::{Error, Options, Session, SessionMiddleware};
/// use express_session_memory::{MemoryOptions, MemoryStore};
///
/// async fn index(session: Session) -> Result<String, Error> {
///     let views = session
///         .transaction(|data| {
///             let views = data.get::<u64>("views")?.unwrap_or(0) + 1;
///             data.insert("views", &views)?;
///             Ok(views)
///         })
///         .await?;
///     Ok(format!("View: {views}"))
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let options = Options::builder(["at least 32 random bytes, kept secret"]).resave(false).build()?;
/// let sessions = SessionMiddleware::new(MemoryStore::new(MemoryOptions::default()), options);
/// let app = App::new().wrap(sessions.clone()).route("/", web::get().to(index));
/// # drop(app);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SessionMiddleware {
    manager: SessionManager,
}

impl SessionMiddleware {
    /// Sessions with these options in this store.
    pub fn new(store: impl SessionStore, options: Options) -> Self {
        Self::from_manager(SessionManager::with_clock(options, store, SystemClock, TokioTimer))
    }

    /// Sessions of a manager that was made elsewhere, with a clock or timer of its own.
    pub const fn from_manager(manager: SessionManager) -> Self {
        Self { manager }
    }
}

impl<S, B> Transform<S, ServiceRequest> for SessionMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = ActixError;
    type Transform = SessionService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(SessionService { service: Rc::new(service), manager: self.manager.clone() }))
    }
}

/// A service with sessions around it; made by [`SessionMiddleware`].
#[derive(Debug)]
pub struct SessionService<S> {
    service: Rc<S>,
    manager: SessionManager,
}

impl<S, B> Service<ServiceRequest> for SessionService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = ActixError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, ActixError>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let service = Rc::clone(&self.service);
        let manager = self.manager.clone();
        Box::pin(async move {
            let options = manager.options();
            let outage = options.store_outage();
            if Layer::covers(&request, options.name()) {
                return service.call(request).await;
            }
            let begun = manager.begin(&ActixRequest(&request)).await;
            let session = match begun {
                Ok(session) => session,
                Err(error) if error.is_outage() && outage == StoreOutage::WithoutSession => {
                    tracing::error!(error = %chain(&error), "the request goes on without a stored session");
                    manager.begin_without_store(&ActixRequest(&request))
                }
                Err(error) => return Err(Error::new(error.into(), outage).into()),
            };
            // The path lies outside the cookie's: as in express, there is no session here.
            let Some(session) = session else { return service.call(request).await };
            let layer = Layer::attach(&request, options.name(), session, outage);
            match service.call(request).await {
                Ok(mut response) => {
                    let cookie = finish(&layer, options.name()).await?;
                    layer.detach(Some(response.request()));
                    if let Some(cookie) = cookie {
                        append_cookie(response.headers_mut(), &cookie);
                    }
                    Ok(response)
                }
                Err(error) => {
                    let cookie = finish(&layer, options.name()).await?;
                    layer.detach(None);
                    Err(match cookie {
                        Some(cookie) => WithCookie { error, cookie }.into(),
                        None => error,
                    })
                }
            }
        })
    }
}

/// Saves the session as decided; the cookie to send.
async fn finish(layer: &Layer, name: &str) -> Result<Option<String>, Error> {
    let finished = if layer.is_purged() {
        purge(&layer.core, name).await
    } else {
        match layer.pull() {
            Ok(()) => layer.core.finish().await,
            Err(error) => Err(error),
        }
    };
    match finished {
        Ok(Finished { set_cookie, cookie_error, .. }) => {
            if let Some(error) = cookie_error {
                tracing::error!(error = %error, "the session is stored, but its cookie cannot be sent");
            }
            Ok(set_cookie)
        }
        Err(SessionError::Store(error))
            if error.is_outage() && layer.outage == StoreOutage::WithoutSession =>
        {
            tracing::error!(error = %chain(&error), "the session was not saved; the response goes out without it");
            Ok(None)
        }
        Err(error) => Err(Error::new(error, layer.outage)),
    }
}

/// `purge` of the ecosystem's session ends it on both sides: in the store and in the browser.
async fn purge(session: &CoreSession, name: &str) -> Result<Finished, SessionError> {
    let cookie = session.cookie();
    let known_to_client = session.came_with_cookie();
    session.destroy().await?;
    let removal = known_to_client.then(|| removal_cookie(name, &cookie)).transpose();
    let mut finished = Finished::default();
    match removal {
        Ok(text) => finished.set_cookie = text,
        Err(error) => finished.cookie_error = Some(error),
    }
    Ok(finished)
}
