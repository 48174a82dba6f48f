//! A Rust server: core behind one of its adapters, with the options of the plan.

use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use actix_http::{HttpMessage as _, Request as HttpRequest};
use actix_web::http::header::{COOKIE, SET_COOKIE};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse, web};
use anyhow::{Context as _, Result};
use express_session_actix::{Error, SessionMiddleware};
use express_session_core::{
    CookieOptions, Options, OwnerLimit, RequestHead, Secrets, SessionError, SessionId, SessionManager,
    StoreOutage, Unset,
};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use crate::handler::Handler;
use crate::network::Network;
use crate::plan::{Limit, Server, Setup};
use crate::world::{ServerClock, SimTimer, World};

const SECRET: &str = "a secret for simulations, 32 bytes or more";

/// What a client gets: the status, and `Set-Cookie`.
pub(crate) type Response = (u16, Option<String>);

type Call = Rc<dyn Fn(HttpRequest) -> LocalBoxFuture<'static, Response>>;

/// A process that serves requests.
#[derive(Clone)]
pub(crate) struct RustServer {
    manager: SessionManager,
    /// The app that is called; without one, core is called directly.
    app: Option<Call>,
}

impl fmt::Debug for RustServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RustServer").field("has_app", &self.app.is_some()).finish_non_exhaustive()
    }
}

/// A cookie as a server of the fleet would send it.
pub(crate) fn cookie_of(id: &SessionId) -> Result<String> {
    let signed = Secrets::new([SECRET])?.sign(id.as_str());
    Ok(format!("connect.sid=s%3A{}", signed.replace('+', "%2B").replace('/', "%2F")))
}

fn options(world: &Arc<World>, setup: Setup) -> Result<Options> {
    let builder = if setup.is_express {
        Options::express([SECRET]).resave(false).save_uninitialized(false)
    } else {
        Options::new([SECRET])
    };
    let most = |most| NonZeroU32::new(most).context("a limit of 0");
    let limit = match setup.owner_limit {
        None => None,
        Some(Limit::EndOldest(limit)) => Some(OwnerLimit::EndOldest(most(limit)?)),
        Some(Limit::Refuse(limit)) => Some(OwnerLimit::Refuse(most(limit)?)),
    };
    let ids = Arc::clone(world);
    let mut builder = builder
        .cookie(CookieOptions::new().max_age(setup.life))
        .genid(move || ids.new_id())
        .rolling(setup.rolling)
        .unset(Unset::Destroy)
        .successor_grace(setup.successor_grace)
        .store_timeout(setup.store_timeout)
        .store_outage(if setup.goes_on_without_store {
            StoreOutage::WithoutSession
        } else {
            StoreOutage::ServiceUnavailable
        });
    if let Some(limit) = limit {
        builder = builder.owner_limit(limit);
    }
    Ok(builder.build()?)
}

impl RustServer {
    /// A process that has just started.
    pub(crate) fn start(
        world: &Arc<World>,
        setup: Setup,
        server: Server,
        skew: &Arc<AtomicI64>,
    ) -> Result<Self> {
        let (clock, timer) = (ServerClock::new(world, Arc::clone(skew)), SimTimer::new(world));
        let network = Network::new(Arc::clone(world));
        let manager = SessionManager::with_clock(network, options(world, setup)?, clock, timer);
        let app = match server {
            Server::Actix { .. } => Some(actix_app(&manager)?),
            Server::Core { .. } | Server::Node => None,
        };
        Ok(Self { manager, app })
    }

    pub(crate) const fn manager(&self) -> &SessionManager {
        &self.manager
    }

    pub(crate) async fn serve(&self, cookie: Option<String>, handler: Handler) -> Response {
        let Some(app) = &self.app else { return self.call_core(cookie, &handler).await };
        let mut request = TestRequest::default();
        if let Some(cookie) = cookie {
            request = request.insert_header((COOKIE, cookie));
        }
        let request = request.to_request();
        request.extensions_mut().insert(Rc::new(handler));
        app(request).await
    }

    /// A request that looks at its session and nothing else.
    pub(crate) async fn read(&self, cookie: String) {
        if let Ok(Some(session)) = self.manager.begin(&Head(Some(cookie))).await {
            let _nothing_to_send = session.finish().await;
        }
    }

    /// What an adapter does.
    async fn call_core(&self, cookie: Option<String>, handler: &Handler) -> Response {
        let session = match self.manager.begin(&Head(cookie)).await {
            Ok(Some(session)) => session,
            Ok(None) => return (404, None),
            Err(_) => return (503, None),
        };
        let status = if handler.run(&session).await.is_ok() { 200 } else { 500 };
        match session.finish().await {
            Ok(finished) => (status, finished.set_cookie),
            Err(error) => (status_of(&error), None),
        }
    }
}

/// As the adapters answer.
const fn status_of(error: &SessionError) -> u16 {
    match error {
        SessionError::Gone => 401,
        SessionError::Conflict | SessionError::TooManySessions(_) => 409,
        SessionError::Unavailable(_) | SessionError::Contended(_) => 503,
        _ => 500,
    }
}

/// A request with nothing but a cookie header, or not even that.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "there is no more to it")]
pub struct Head(pub Option<String>);

impl RequestHead for Head {
    fn path(&self) -> &'static str {
        "/"
    }
    fn is_tls(&self) -> bool {
        false
    }
    fn peer_addr(&self) -> Option<std::net::IpAddr> {
        None
    }
    fn headers(&self, name: &str, see: &mut dyn FnMut(&[u8])) {
        if let ("cookie", Some(cookie)) = (name, &self.0) {
            see(cookie.as_bytes());
        }
    }
}

/// The page of the Actix app.
async fn page(
    request: actix_web::HttpRequest,
    session: express_session_actix::Session,
) -> Result<HttpResponse, Error> {
    let handler = request.extensions().get::<Rc<Handler>>().cloned();
    let Some(handler) = handler else { return Ok(HttpResponse::NotFound().finish()) };
    handler.run(session.core()).await?;
    Ok(HttpResponse::Ok().finish())
}

fn actix_app(manager: &SessionManager) -> Result<Call> {
    let sessions = SessionMiddleware::from_manager(manager.clone());
    let app = App::new().wrap(sessions).route("/", web::get().to(page));
    let service = Rc::new(init_service(app).now_or_never().context("an app that waits for something")?);
    Ok(Rc::new(move |request| {
        let service = Rc::clone(&service);
        Box::pin(async move {
            use actix_web::dev::Service as _;
            let response = match service.call(request).await {
                Ok(response) => response,
                Err(error) => return (error.as_response_error().status_code().as_u16(), None),
            };
            let cookie = response.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
            (response.status().as_u16(), cookie.map(str::to_owned))
        })
    }))
}
