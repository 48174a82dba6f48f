//! Refuses what other sites send in a visitor's name.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{HOST, ORIGIN};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::{Error as ActixError, HttpResponse, ResponseError};
use futures_util::future::Either;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Protects against cross-site request forgery: refuses, with 403, requests that a page of another origin makes a
/// browser send.
///
/// A browser says where a request comes from, and no page can change what it says. So no token is needed:
///
/// | request | answer |
/// |---|---|
/// | `GET`, `HEAD`, `OPTIONS`, but for [guarded](Self::guard) paths | passes: they must change nothing |
/// | `Sec-Fetch-Site: same-origin`, or `none` (typed, a bookmark) | passes |
/// | any other `Sec-Fetch-Site`, also `same-site`, a subdomain's | refused, unless `Origin` is [trusted](Self::trust) |
/// | none, but an `Origin` (older browsers; sites without TLS, where browsers do not send `Sec-Fetch-Site`) | passes if its host is that of the request, or it is trusted |
/// | neither | passes: not a browser, or a page of our own |
///
/// `SameSite=Lax` is a second line behind this one: it does not stop subdomains, nor links to a `GET` that logs out.
///
/// ```
/// use actix_web::App;
/// use express_session_actix::CrossOriginProtection;
///
/// let protection = CrossOriginProtection::new().guard("/logout").trust("https://login.example.com")?;
/// let app = App::new().wrap(protection);
/// # drop(app);
/// # Ok::<(), express_session_actix::InvalidOriginError>(())
/// ```
///
/// # Security
///
/// Behind a proxy that changes `Host`, the fall-back refuses its own pages: have the proxy keep `Host`, or trust the
/// public origin. The scheme of an `Origin` is not compared in the fall-back, as the server does not know its own; with
/// HSTS there is only one.
///
/// Source: Go 1.25 `net/http`, `CrossOriginProtection`; W3C Fetch Metadata.
#[derive(Clone, Debug, Default)]
pub struct CrossOriginProtection {
    rules: Rules,
}

#[derive(Clone, Debug, Default)]
struct Rules {
    guarded: Arc<[Box<str>]>,
    trusted: Arc<[Box<str>]>,
}

/// An origin that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an origin is a scheme and a host, with a port if it is not the usual one: https://login.example.com"
)]
pub struct InvalidOriginError;

impl CrossOriginProtection {
    /// Trusts nobody, and guards what is not a safe method.
    pub fn new() -> Self {
        Self::default()
    }

    /// Guards this path for `GET`, `HEAD` and `OPTIONS` too: for a page that changes something, such as a logout that is
    /// a link. Compared with the path as it was sent, exactly.
    #[must_use]
    pub fn guard(mut self, path: &str) -> Self {
        self.rules.guarded = with(&self.rules.guarded, path);
        self
    }

    /// Lets pages of this origin send anything, such as `https://login.example.com`.
    ///
    /// # Errors
    ///
    /// [`InvalidOriginError`] for what browsers would never send as an `Origin`: with a path, or without a scheme.
    pub fn trust(mut self, origin: &str) -> Result<Self, InvalidOriginError> {
        let (scheme, host) = origin.split_once("://").ok_or(InvalidOriginError)?;
        let is_origin = origin.parse::<Uri>().is_ok_and(|uri| {
            uri.authority().is_some_and(|authority| authority.as_str() == host && !host.contains('@'))
        });
        if !is_origin || scheme.is_empty() {
            return Err(InvalidOriginError);
        }
        self.rules.trusted = with(&self.rules.trusted, origin);
        Ok(self)
    }
}

/// The list and one more.
fn with(list: &[Box<str>], one: &str) -> Arc<[Box<str>]> {
    list.iter().cloned().chain([one.into()]).collect()
}

impl Rules {
    fn allow(&self, request: &ServiceRequest) -> bool {
        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if is_safe && !self.guarded.iter().any(|path| **path == *request.path()) {
            return true;
        }
        let headers = request.headers();
        let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
        let is_trusted =
            || origin.is_some_and(|origin| self.trusted.iter().any(|it| it.eq_ignore_ascii_case(origin)));
        match (headers.get(SEC_FETCH_SITE), origin) {
            (Some(site), _) => matches!(site.as_bytes(), b"same-origin" | b"none") || is_trusted(),
            (None, None) => true,
            (None, Some(origin)) => {
                let from = origin.split_once("://").map(|(_, host)| host);
                let is_ours =
                    from.zip(host(request)).is_some_and(|(from, ours)| from.eq_ignore_ascii_case(ours));
                is_ours || is_trusted()
            }
        }
    }
}

/// The host, with its port if it is not the usual one. Not what `X-Forwarded-Host` says: everybody can say that.
fn host(request: &ServiceRequest) -> Option<&str> {
    let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| request.uri().authority().map(actix_web::http::uri::Authority::as_str))
}

/// The answer to a request that was refused.
#[derive(Debug, thiserror::Error)]
#[error("this request comes from another site")]
struct Refused;

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        StatusCode::FORBIDDEN
    }

    fn error_response(&self) -> HttpResponse {
        tracing::warn!("a request that a page of another origin made a browser send was refused");
        HttpResponse::new(self.status_code())
    }
}

impl<S, B> Transform<S, ServiceRequest> for CrossOriginProtection
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError>,
{
    type Response = ServiceResponse<B>;
    type Error = ActixError;
    type Transform = CrossOriginService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(CrossOriginService { service, rules: self.rules.clone() }))
    }
}

/// A service that other sites cannot use in a visitor's name; made by [`CrossOriginProtection`].
#[derive(Debug)]
pub struct CrossOriginService<S> {
    service: S,
    rules: Rules,
}

impl<S, B> Service<ServiceRequest> for CrossOriginService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError>,
{
    type Response = ServiceResponse<B>;
    type Error = ActixError;
    type Future = Either<S::Future, Ready<Result<Self::Response, ActixError>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        if self.rules.allow(&request) {
            Either::Left(self.service.call(request))
        } else {
            Either::Right(ready(Err(Refused.into())))
        }
    }
}
