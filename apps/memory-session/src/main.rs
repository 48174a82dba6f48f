//! Article A0, section 3: a page that counts how often this browser has seen it; sessions in memory.

use std::process::ExitCode;
use std::time::Duration;

use actix_web::{App, HttpResponse, web};
use app_support::{Millis, Page, Setup, Variable};
use express_session_actix::{CookieOptions, Error, Options, Session, SessionMiddleware};
use express_session_memory::{MemoryOptions, MemoryStore};
use serde::Deserialize;

/// `[store]` in config/memory-session.toml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    store: Store,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    check_period_ms: Millis,
}

#[actix_web::main]
async fn main() -> ExitCode {
    app_support::run("memory-session", &[Variable::new("SESSION_SECRET", "session.secret")], start).await
}

async fn start(setup: Setup<Settings>) -> anyhow::Result<()> {
    // session({ secret: 'secret key', resave: false, saveUninitialized: true, cookie: { maxAge: 86400000 } })
    let options = Options::express(setup.secrets(&["secret key"]))
        .allow_weak_secret(true)
        .resave(false)
        .save_uninitialized(true);
    let cookie = CookieOptions::new().max_age(Duration::from_hours(24));
    let store = MemoryStore::new(MemoryOptions::new().check_period(setup.settings.store.check_period_ms.0));
    let sessions = SessionMiddleware::new(store, setup.session(options, cookie)?);
    setup.serve(move || App::new().wrap(sessions.clone()).route("/", web::get().to(index))).await
}

async fn index(session: Session, page: Page) -> Result<HttpResponse, Error> {
    tracing::info!(?session, new = session.is_new(), "visit");
    let num = session.update("num", |num: Option<u64>| num.map_or(1, |num| num + 1)).await?;
    Ok(page.text(&format!("View: {num}")))
}
