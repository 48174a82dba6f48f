//! The response: the session's headers are added, errors keep theirs.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CLEAR_SITE_DATA, HeaderMap, HeaderValue, SET_COOKIE, VARY};
use actix_web::{HttpResponse, ResponseError};
use express_session_core::{Finished, Options};

use crate::error::chain;

/// What the end of a request adds to the headers of its response.
#[derive(Clone, Default)]
pub(crate) struct SessionHeaders {
    set_cookie: Option<String>,
    clear_site_data: Option<HeaderValue>,
    /// Whether caches are told what depends on the session.
    speaks_to_caches: bool,
}

impl SessionHeaders {
    pub(crate) fn new(finished: Finished, options: &Options) -> Self {
        if let Some(error) = finished.cookie_error {
            tracing::error!(error = %chain(&error), "the session is stored, but its cookie cannot be sent");
        }
        let clear_site_data = options.clear_site_data().filter(|_| finished.is_purged);
        Self {
            set_cookie: finished.set_cookie,
            // Quoted words always make a header.
            clear_site_data: clear_site_data.and_then(|kinds| HeaderValue::from_str(kinds).ok()),
            speaks_to_caches: options.cache_headers(),
        }
    }

    /// Adds them. `was_asked_for`: somebody has looked at the session, and the response may depend on it.
    pub(crate) fn add_to(self, headers: &mut HeaderMap, was_asked_for: bool) {
        if self.speaks_to_caches {
            if self.set_cookie.is_some() && !headers.contains_key(CACHE_CONTROL) {
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache=\"Set-Cookie\""));
            }
            if (was_asked_for || self.set_cookie.is_some()) && !varies_by_cookie(headers) {
                headers.append(VARY, HeaderValue::from_static("Cookie"));
            }
        }
        if let Some(kinds) = self.clear_site_data {
            headers.insert(CLEAR_SITE_DATA, kinds);
        }
        if let Some(cookie) = self.set_cookie {
            append_cookie(headers, cookie);
        }
    }

    /// Whether there is nothing to add to a response for which nobody has asked for the session.
    pub(crate) const fn is_empty(&self) -> bool {
        self.set_cookie.is_none() && self.clear_site_data.is_none()
    }
}

fn varies_by_cookie(headers: &HeaderMap) -> bool {
    let names =
        headers.get_all(VARY).filter_map(|value| value.to_str().ok()).flat_map(|names| names.split(','));
    names.map(str::trim).any(|name| name == "*" || name.eq_ignore_ascii_case("cookie"))
}

/// Appends a `Set-Cookie` header; those that are there already stay, also one of the same name.
fn append_cookie(headers: &mut HeaderMap, cookie: String) {
    // Anything else cannot happen: the cookie was checked when it was written.
    if let Ok(value) = HeaderValue::try_from(cookie) {
        headers.append(SET_COOKIE, value);
    } else {
        tracing::error!("the session cookie is not a valid header; it was not sent");
    }
}

/// An error of a service further in, with the session's headers on its response.
///
/// Only an error that a middleware returns comes this way; one that a handler returns is a response already.
pub(crate) struct WithHeaders {
    pub(crate) error: actix_web::Error,
    pub(crate) headers: SessionHeaders,
}

impl fmt::Debug for WithHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl fmt::Display for WithHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl ResponseError for WithHeaders {
    fn status_code(&self) -> StatusCode {
        self.error.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.error.error_response();
        self.headers.clone().add_to(response.headers_mut(), false);
        response
    }
}
