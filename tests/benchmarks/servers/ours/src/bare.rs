//! The same pages without sessions: what a page costs before any session does.

use actix_web::dev::Server;
use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use benchmark_launch::Launch;

/// As long as the real cookie with its attributes.
const COOKIE: &str = "connect.sid=s%3AabcdefghijklmnopqrstuvwxyzABCDEF.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ; \
    Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT; HttpOnly";

/// The app without sessions; `actix-constant` also looks for a cookie and sends a constant one.
pub(crate) fn server(launch: &Launch, listener: std::net::TcpListener) -> anyhow::Result<Server> {
    let constant = launch.subject == "actix-constant";
    let app = move || {
        let page = if constant { web::get().to(constant_cookie) } else { web::get().to(plain) };
        App::new().route("/heap", web::get().to(async || benchmark_launch::heap())).route("/{page}", page)
    };
    let server = HttpServer::new(app).workers(launch.workers).listen(listener).context("listen")?;
    Ok(server.disable_signals().run())
}

async fn plain() -> String {
    1.to_string()
}

async fn constant_cookie(request: HttpRequest) -> HttpResponse {
    let cookies = request.headers().get(header::COOKIE).and_then(|value| value.to_str().ok());
    let found = cookies.and_then(|text| text.find("connect.sid="));
    let number = usize::from(found.is_some());
    HttpResponse::Ok().insert_header((header::SET_COOKIE, COOKIE)).body(number.to_string())
}
