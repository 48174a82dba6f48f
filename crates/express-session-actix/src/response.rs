//! The response: the cookie is appended, errors keep theirs.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use actix_web::{HttpResponse, ResponseError};

/// Appends a `Set-Cookie` header; those that are there already stay, also one of the same name.
pub(crate) fn append_cookie(headers: &mut HeaderMap, cookie: String) {
    // Anything else cannot happen: the cookie was checked when it was written.
    if let Ok(value) = HeaderValue::try_from(cookie) {
        headers.append(SET_COOKIE, value);
    } else {
        tracing::error!("the session cookie is not a valid header; it was not sent");
    }
}

/// An error of a service further in, with the session cookie on its response.
///
/// Only an error that a middleware returns comes this way; one that a handler returns is a response already.
pub(crate) struct WithCookie {
    pub(crate) error: actix_web::Error,
    pub(crate) cookie: String,
}

impl fmt::Debug for WithCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl fmt::Display for WithCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl ResponseError for WithCookie {
    fn status_code(&self) -> StatusCode {
        self.error.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.error.error_response();
        append_cookie(response.headers_mut(), self.cookie.clone());
        response
    }
}
