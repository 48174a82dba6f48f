//! The middleware: begins the session on the way in, finishes it before the response starts.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error as ActixError, HttpRequest};
use express_session_core::{Options, SessionManager, SessionStore, SystemClock};
use futures_util::future::LocalBoxFuture;

use crate::error::Error;
use crate::layer::{Handle, Layer};
use crate::request::ActixRequest;
use crate::response::{SessionHeaders, WithHeaders};
use crate::timer::WorkerTimer;
use crate::view::{self, View};

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
///     let views = session.update("views", |views: Option<u64>| views.unwrap_or(0) + 1).await?;
///     Ok(format!("View: {views}"))
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let options = Options::new(["at least 32 random bytes, kept secret"]).build()?;
/// let sessions = SessionMiddleware::new(MemoryStore::new(MemoryOptions::default()), options);
/// let app = App::new().wrap(sessions.clone()).route("/", web::get().to(index));
/// # drop(app);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SessionMiddleware {
    manager: SessionManager,
    ecosystem: Ecosystem,
}

/// What `actix_session::Session` is to a middleware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ecosystem {
    /// Nothing; who changes it all the same gets an error.
    Refused,
    /// A view of the session.
    Shared,
    /// Somebody else's business.
    Ignored,
}

impl SessionMiddleware {
    /// Sessions in this store with these options.
    pub fn new(store: impl SessionStore, options: Options) -> Self {
        Self::from_manager(SessionManager::with_clock(store, options, SystemClock, WorkerTimer))
    }

    /// What all requests share: for a page or a job of an administrator, who ends [somebody's sessions](SessionManager::sessions_of).
    pub const fn manager(&self) -> &SessionManager {
        &self.manager
    }

    /// Sessions of a manager that was made elsewhere, with a clock or timer of its own.
    pub const fn from_manager(manager: SessionManager) -> Self {
        Self { manager, ecosystem: Ecosystem::Refused }
    }

    /// Shows the session also as `actix_session::Session`, for crates built on that one, such as actix-identity.
    ///
    /// It is filled when the request comes in, and what its users have changed goes into the session at the end. It
    /// does not see what `express_session_actix::Session` does meanwhile. With the option `lazy`, the session is loaded
    /// all the same; of nested middlewares, the outermost is shown.
    ///
    /// # Default
    ///
    /// Not shown, because most applications would pay for nothing. A handler that changes `actix_session::Session`
    /// then gets an error in place of its response: nobody would store what it did. Looking costs two allocations, so
    /// each worker looks at its first 64 requests and at every 32nd after those: a mistake shows when it is made.
    #[must_use]
    pub const fn share_with_actix_session(mut self) -> Self {
        self.ecosystem = Ecosystem::Shared;
        self
    }

    /// Does not look at `actix_session::Session` at all: for apps in which that crate's own middleware keeps sessions
    /// of its own beside these.
    #[must_use]
    pub const fn beside_actix_session(mut self) -> Self {
        self.ecosystem = Ecosystem::Ignored;
        self
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
        ready(Ok(SessionService {
            service: Rc::new(service),
            manager: self.manager.clone(),
            name: self.manager.options().name().into(),
            ecosystem: self.ecosystem,
            requests: Cell::new(0),
        }))
    }
}

/// A service with sessions around it; made by [`SessionMiddleware`].
#[derive(Debug)]
pub struct SessionService<S> {
    service: Rc<S>,
    manager: SessionManager,
    name: Rc<str>,
    ecosystem: Ecosystem,
    /// How many have come so far; it may wrap around.
    requests: Cell<u32>,
}

impl<S> SessionService<S> {
    /// What `actix_session::Session` is to this request.
    fn ecosystem(&self, request: &ServiceRequest) -> Ecosystem {
        const ALWAYS: u32 = 64;
        const EVERY: u32 = 32;
        let number = self.requests.get();
        self.requests.set(number.wrapping_add(1));
        let looks = number < ALWAYS || number.is_multiple_of(EVERY);
        match self.ecosystem {
            Ecosystem::Refused if !looks => Ecosystem::Ignored,
            // The outermost middleware answers for it.
            _ if Layer::handle(request.request()).is_some() => Ecosystem::Ignored,
            ecosystem => ecosystem,
        }
    }
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
        if Layer::covers(&request, &self.name) {
            return Box::pin(async move { service.call(request).await });
        }
        let ecosystem = self.ecosystem(&request);
        let (manager, name) = (self.manager.clone(), Rc::clone(&self.name));
        Box::pin(async move {
            let Some((handle, view)) = begin(&manager, &request, ecosystem).await? else {
                // The path lies outside the cookie's: as in express, there is no session here.
                let response = service.call(request).await?;
                if ecosystem != Ecosystem::Ignored {
                    refuse_unseen_changes(response.request())?;
                }
                return Ok(response);
            };
            Layer::attach(&request, name, handle.clone());
            let answer = service.call(request).await;
            if let (Ok(response), Ecosystem::Refused) = (&answer, ecosystem) {
                refuse_unseen_changes(response.request())?;
            }
            if let (Some(view), Handle::Loaded(session)) = (&view, &handle) {
                view.close(session).await.map_err(Error::from)?;
            }
            let headers = SessionHeaders::new(handle.finish().await.map_err(Error::from)?, manager.options());
            match answer {
                Ok(mut response) => {
                    // Nobody sees who looks at a view.
                    let was_asked_for = Layer::detach(response.request()) || view.is_some();
                    headers.add_to(response.headers_mut(), was_asked_for);
                    Ok(response)
                }
                Err(error) if headers.is_empty() => Err(error),
                Err(error) => Err(WithHeaders { error, headers }.into()),
            }
        })
    }
}

/// The session of the request, if its path has any.
async fn begin(
    manager: &SessionManager,
    request: &ServiceRequest,
    ecosystem: Ecosystem,
) -> Result<Option<(Handle, Option<View>)>, Error> {
    let head = ActixRequest(request);
    if manager.options().lazy() && ecosystem != Ecosystem::Shared {
        let pending = manager.begin_lazily(&head);
        return Ok(pending.map(|pending| (Handle::Pending(Rc::new(pending)), None)));
    }
    let Some(session) = manager.begin(&head).await? else { return Ok(None) };
    let view = (ecosystem == Ecosystem::Shared).then(|| View::open(request, &session));
    Ok(Some((Handle::Loaded(session), view)))
}

/// Nothing is lost without a word: what was put into a session that nobody stores is an error.
fn refuse_unseen_changes(request: &HttpRequest) -> Result<(), Error> {
    if view::was_changed_unseen(request) { Err(Error::UnseenChanges) } else { Ok(()) }
}
