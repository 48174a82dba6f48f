//! Article A1: a JSON API with signup, login, logout and a protected resource; sessions in Redis.

mod auth;
mod devices;
mod reply;
mod users;

use std::process::ExitCode;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, web};
use app_support::{Database, SESSION_SECRET, Setup, StoreSection, Variable};
use express_session_actix::{CookieOptions, CrossOriginProtection, Options, SessionMiddleware};
use express_session_redis::{DEFAULT_URL, RedisOptions, RedisPool, RedisStore};

use crate::users::Users;

#[actix_web::main]
async fn main() -> ExitCode {
    let variables = [
        SESSION_SECRET,
        Variable::new("REDIS_URL", "store.url"),
        Variable::new("NODE_ENV", "server.environment"),
    ];
    app_support::run("redis-session", &variables, start).await
}

async fn start(setup: Setup<StoreSection<Database>>) -> anyhow::Result<()> {
    let options = Options::express(setup.secrets(&[])).resave(false).save_uninitialized(false).cookie(
        CookieOptions::new()
            .secure(setup.is_production())
            .http_only(true)
            // The article's 600000 * 60 * 24 * 60 milliseconds.
            .max_age(Duration::from_hours(24 * 600)),
    );
    let options = setup.session(options)?;
    let pool = setup.database(&setup.settings.store, RedisPool::url(DEFAULT_URL)?, RedisPool::url)?;
    let attempts = web::Data::new(setup.attempts());
    let users = web::Data::new(Users::new(&pool)?);
    let store = RedisStore::new(RedisOptions::new().pool(pool))?;
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
