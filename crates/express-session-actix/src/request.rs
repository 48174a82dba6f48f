//! The request as the session model looks at it.

use std::net::IpAddr;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderValue;
use express_session_core::RequestHead;

pub(crate) struct ActixRequest<'a>(pub(crate) &'a ServiceRequest);

impl RequestHead for ActixRequest<'_> {
    /// Actix keeps the whole path of the request target also inside a scope, as Express's `originalUrl` does.
    fn path(&self) -> &str {
        self.0.path()
    }

    /// Whether this very socket speaks TLS. Actix's `connection_info().scheme()` is no answer: it believes
    /// every client's `X-Forwarded-Proto`.
    fn is_tls(&self) -> bool {
        self.0.app_config().secure()
    }

    fn peer_addr(&self) -> Option<IpAddr> {
        self.0.peer_addr().map(|address| address.ip().to_canonical())
    }

    fn headers(&self, name: &str, see: &mut dyn FnMut(&[u8])) {
        self.0.headers().get_all(name).map(HeaderValue::as_bytes).for_each(see);
    }
}
