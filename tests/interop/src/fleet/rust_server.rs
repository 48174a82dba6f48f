//! The Rust server of the fleet: the same login and counter as `node/fleet.js`.

use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::{Context as _, Result};
use express_session_actix::{CookieOptions, Error, Options, Session, SessionMiddleware};
use express_session_redis::{RedisOptions, RedisStore};
use serde_json::{Value, json};

/// Starts the server; its port on 127.0.0.1.
pub(super) fn start(url: &str, secret: &str) -> Result<u16> {
    let options = Options::express([secret])
        .resave(false)
        .save_uninitialized(false)
        .rolling(true)
        .cookie(CookieOptions::new().max_age(Duration::from_mins(10)))
        .build()?;
    let sessions = SessionMiddleware::new(RedisStore::new(RedisOptions::from_url(url)?)?, options);
    let server = HttpServer::new(move || {
        App::new()
            .wrap(sessions.clone())
            .route("/login/{user}", web::post().to(login))
            .route("/count", web::post().to(count))
            .route("/me", web::get().to(me))
    })
    .workers(1)
    .bind(("127.0.0.1", 0))?;
    let port = server.addrs().first().context("no address")?.port();
    actix_rt::spawn(server.run());
    Ok(port)
}

fn state(session: &Session) -> Value {
    let get = |key: &str| session.get::<Value>(key).ok().flatten();
    json!({"server": "Rust", "user": get("user"), "count": get("count").unwrap_or(json!(0))})
}

async fn login(session: Session, user: web::Path<String>) -> actix_web::Result<HttpResponse> {
    session.regenerate().await?;
    session.insert("user", user.into_inner())?;
    Ok(HttpResponse::Ok().json(state(&session)))
}

async fn count(session: Session) -> Result<HttpResponse, Error> {
    if !session.contains("user") {
        return Ok(HttpResponse::Unauthorized().json(state(&session)));
    }
    session.update("count", |count: Option<u64>| count.unwrap_or(0) + 1).await?;
    Ok(HttpResponse::Ok().json(state(&session)))
}

async fn me(session: Session) -> HttpResponse {
    HttpResponse::Ok().json(state(&session))
}
