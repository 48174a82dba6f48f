//! The reverse proxy: each request to the next server; one that cannot be reached is passed over.

use actix_web::http::header::{COOKIE, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};

use super::Backends;

/// The page that shows who served each request.
pub(super) async fn page() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(include_str!("page.html"))
}

/// Passes a request on. A request is tried again elsewhere only if no server has seen it.
pub(super) async fn forward(
    request: HttpRequest,
    backends: web::Data<Backends>,
    client: web::Data<awc::Client>,
) -> HttpResponse {
    for port in backends.in_turn() {
        let url = format!("http://127.0.0.1:{port}{}", request.uri());
        let mut onward = client.request(request.method().clone(), url);
        for cookie in request.headers().get_all(COOKIE) {
            onward = onward.append_header((COOKIE, cookie.clone()));
        }
        let Ok(mut answer) = onward.send().await else { continue };
        let Ok(body) = answer.body().await else { break };
        let mut response = HttpResponse::build(answer.status());
        for cookie in answer.headers().get_all(SET_COOKIE) {
            response.append_header((SET_COOKIE, cookie.clone()));
        }
        return response.content_type("application/json").body(body);
    }
    HttpResponse::BadGateway().finish()
}
