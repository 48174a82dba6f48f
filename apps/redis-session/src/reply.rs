//! The shapes of the API's answers.

use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::web::JsonConfig;
use actix_web::{HttpResponse, ResponseError as _};
use app_support::TooManyAttempts;
use serde_json::json;

/// Names and passwords fit many times; nothing larger is read.
const MOST_BYTES: usize = 4096;

/// `{"status":"success"}`
pub(crate) fn success() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "success" }))
}

/// `{"status":"success","message":…}`
pub(crate) fn success_message(message: &str) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "success", "message": message }))
}

/// `{"status":"fail","message":…}`
pub(crate) fn fail_message(status: StatusCode, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "status": "fail", "message": message }))
}

/// `{"status":"fail","error":…}`
pub(crate) fn fail_error(status: StatusCode, error: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "status": "fail", "error": error }))
}

/// Somebody has tried too often to log in or sign up.
pub(crate) fn too_many(refused: TooManyAttempts) -> HttpResponse {
    let mut response =
        fail_message(StatusCode::TOO_MANY_REQUESTS, "too many attempts, please try again later");
    let (name, value) = refused.header();
    response.headers_mut().insert(name, value);
    response
}

/// What failed on our side: the reason is for the log.
pub(crate) fn broken(error: &anyhow::Error) -> HttpResponse {
    tracing::error!("{error:#}");
    fail_error(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
}

/// Bodies that are no JSON, or not the expected one, get an answer in JSON, too. What they contain is not repeated.
pub(crate) fn json_limits() -> JsonConfig {
    JsonConfig::default().limit(MOST_BYTES).error_handler(|error, _| {
        let status = error.status_code();
        let text = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
            _ => "the body must be JSON with the texts \"username\" and \"password\"",
        };
        let status = if status == StatusCode::PAYLOAD_TOO_LARGE { status } else { StatusCode::BAD_REQUEST };
        InternalError::from_response(error, fail_error(status, text)).into()
    })
}

/// A path or method that is not there.
pub(crate) async fn not_found() -> HttpResponse {
    fail_message(StatusCode::NOT_FOUND, "not found")
}
