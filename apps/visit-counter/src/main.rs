//! Article A3: what each option does, shown on a counter of visits; sessions in memory.

use std::process::ExitCode;

use actix_web::{App, HttpResponse, web};
use app_support::{Page, Setup, Variable};
use express_session_actix::{CookieOptions, Error, Options, Session, SessionMiddleware};
use express_session_memory::{MemoryOptions, MemoryStore};
use serde::Deserialize;

/// The article sets nothing but the session.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {}

#[actix_web::main]
async fn main() -> ExitCode {
    app_support::run("visit-counter", &[Variable::new("COOKIE_SECRET", "session.secret")], start).await
}

async fn start(setup: Setup<Settings>) -> anyhow::Result<()> {
    // session({ secret: process.env.COOKIE_SECRET, resave: false, saveUninitialized: false, name: 'sessionId' })
    let options =
        Options::express(setup.secrets(&[])).resave(false).save_uninitialized(false).name("sessionId");
    let options = setup.session(options, CookieOptions::new())?;
    let sessions = SessionMiddleware::new(MemoryStore::new(MemoryOptions::new()), options);
    setup.serve(move || App::new().wrap(sessions.clone()).route("/session", web::get().to(count))).await
}

async fn count(session: Session, page: Page) -> Result<HttpResponse, Error> {
    tracing::info!(?session, new = session.is_new(), "visit");
    let num = session.update("num", |num: Option<u64>| num.map_or(1, |num| num + 1)).await?;
    Ok(page.text(&format!("{num}번 접속")))
}
