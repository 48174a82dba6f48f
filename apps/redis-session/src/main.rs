//! Article A1: a JSON API with signup, login, logout and a protected resource; sessions in Redis.

mod auth;
mod devices;
mod reply;
mod users;

use std::process::ExitCode;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, web};
use anyhow::Context as _;
use app_support::{Setup, Variable};
use express_session_actix::{CookieOptions, CrossOriginProtection, Options, SessionMiddleware};
use express_session_redis::{RedisOptions, RedisPool, RedisStore};
use serde::Deserialize;

use crate::users::Users;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    store: Store,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    url: String,
    prefix: String,
}

#[actix_web::main]
async fn main() -> ExitCode {
    let variables = [
        Variable::new("SESSION_SECRET", "session.secret"),
        Variable::new("REDIS_URL", "store.url"),
        Variable::new("NODE_ENV", "server.environment"),
    ];
    app_support::run("redis-session", &variables, start).await
}

async fn start(setup: Setup<Settings>) -> anyhow::Result<()> {
    // session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { secure: in
    // production, httpOnly: true, maxAge: 600000 * 60 * 24 * 60 } })
    let options = Options::express(setup.secrets(&[])).resave(false).save_uninitialized(false);
    let cookie = CookieOptions::new()
        .secure(setup.is_production())
        .http_only(true)
        .max_age(Duration::from_hours(600 * 60 * 24 * 60 / 3600));
    let options = setup.session(options, cookie)?;
    let Store { url, prefix } = &setup.settings.store;
    let pool = RedisPool::url(url).context("store.url")?;
    let attempts = web::Data::new(setup.attempts());
    let users = web::Data::new(Users::new(&pool)?);
    let store = RedisStore::new(RedisOptions::new().pool(pool).prefix(prefix)).context("store")?;
    match store.ready().await {
        Ok(()) => tracing::info!("Redis에 연결되었습니다."),
        Err(error) => tracing::error!("Redis cannot be used yet: {:#}", anyhow::Error::new(error)),
    }
    let sessions = SessionMiddleware::new(store, options);
    setup
        .serve(move || {
            let protected = web::resource("/protected").wrap(from_fn(auth::required)).get(auth::protected);
            App::new()
                .app_data(users.clone())
                .app_data(attempts.clone())
                .app_data(reply::json_limits())
                .wrap(sessions.clone())
                .wrap(CrossOriginProtection::new())
                .service(
                    web::scope("/api/v1")
                        .route("/signup", web::post().to(auth::signup))
                        .route("/login", web::post().to(auth::login))
                        .route("/logout", web::post().to(auth::logout))
                        .service(protected)
                        .service(
                            web::scope("/devices")
                                .wrap(from_fn(auth::required))
                                .route("", web::get().to(devices::list))
                                .route("", web::delete().to(devices::end_others))
                                .route("/{handle}", web::delete().to(devices::end)),
                        ),
                )
                .service(
                    web::scope("/devices")
                        .route("", web::get().to(devices::page))
                        .route("/login", web::post().to(devices::log_in))
                        .route("/end-others", web::post().to(devices::end_others_from_page))
                        .route("/{handle}/end", web::post().to(devices::end_from_page)),
                )
                .default_service(web::to(reply::not_found))
        })
        .await
}
