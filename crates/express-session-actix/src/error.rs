//! What a handler or the middleware answers when a session cannot be used: a status, and nothing else.

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, ResponseError};
use express_session_core::{DataError, OwnerError, SessionError};

/// A session error at the HTTP edge.
///
/// The response is opaque: a status without a body, and `Retry-After` where another try may work. What happened is logged as an error, with its causes and
/// without ids, keys or data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The session could not do what was asked.
    #[error("the session could not be used")]
    Session(#[from] SessionError),
    /// No session middleware covers this route, or the path lies outside the session cookie's path.
    #[error(
        "no session middleware covers this path: wrap the app in SessionMiddleware, or extract Option<Session>"
    )]
    NotCovered,
    /// A handler changed `actix_session::Session`, which nobody stores here.
    #[error(
        "actix_session::Session was changed, but nobody stores it: extract express_session_actix::Session, or call \
         SessionMiddleware::share_with_actix_session"
    )]
    UnseenChanges,
}

/// For handlers that pass errors on with `?`.
impl From<OwnerError> for Error {
    fn from(source: OwnerError) -> Self {
        SessionError::from(source).into()
    }
}

/// For handlers that pass errors on with `?`.
impl From<DataError> for Error {
    fn from(source: DataError) -> Self {
        SessionError::from(source).into()
    }
}

impl ResponseError for Error {
    /// 401 if the session has ended meanwhile or has no owner yet, 409 if the options forbid to merge with another request's changes or one session more of the same owner, 503 for outages (if configured) and hopeless contention, else 500.
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Session(SessionError::Gone | SessionError::Owner(OwnerError::None)) => {
                StatusCode::UNAUTHORIZED
            }
            Self::Session(SessionError::Conflict | SessionError::TooManySessions(_)) => StatusCode::CONFLICT,
            Self::Session(SessionError::Unavailable(_) | SessionError::Contended(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Session(_) | Self::NotCovered | Self::UnseenChanges => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        tracing::error!(error = %chain(self), status = self.status_code().as_u16(), "a session could not be used");
        let mut response = HttpResponse::new(self.status_code());
        if self.status_code() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, express_session_core::RETRY_AFTER.as_secs().into());
        }
        response
    }
}

/// The error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String does not fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use express_session_core::StoreError;

    use super::*;

    #[test]
    fn the_status_says_what_a_client_can_do() {
        let status = |source| Error::from(source).status_code().as_u16();
        let timeout = || StoreError::Timeout(std::time::Duration::from_secs(1));
        assert_eq!(status(SessionError::Gone), 401);
        assert_eq!(status(SessionError::Store(timeout())), 500);
        assert_eq!(status(SessionError::Unavailable(timeout())), 503);
        assert_eq!(status(SessionError::NoSession), 500);
    }

    #[test]
    fn the_response_is_opaque_and_the_log_line_tells_all() {
        let error = Error::from(SessionError::Store(StoreError::Backend("table is missing".into())));
        assert!(error.error_response().body_is_empty());
        assert_eq!(
            chain(&error),
            "the session could not be used: the session store could not be used: \
             the session store failed: table is missing"
        );
    }

    trait BodyIsEmpty {
        fn body_is_empty(&self) -> bool;
    }

    impl BodyIsEmpty for HttpResponse {
        fn body_is_empty(&self) -> bool {
            use actix_web::body::{BodySize, MessageBody as _};
            matches!(self.body().size(), BodySize::None | BodySize::Sized(0))
        }
    }
}
