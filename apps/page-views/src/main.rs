//! Article A4: a page that greets a newcomer, then counts; sessions in memory.

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
    app_support::run("page-views", &[Variable::new("SESSION_SECRET", "session.secret")], start).await
}

async fn start(setup: Setup<Settings>) -> anyhow::Result<()> {
    // session({ secret: 'my_secret_key', resave: false, saveUninitialized: true })
    let options = Options::express(setup.secrets(&["my_secret_key"]))
        .allow_weak_secret(true)
        .resave(false)
        .save_uninitialized(true);
    let options = setup.session(options, CookieOptions::new())?;
    let sessions = SessionMiddleware::new(MemoryStore::new(MemoryOptions::new()), options);
    setup.serve(move || App::new().wrap(sessions.clone()).route("/", web::get().to(index))).await
}

async fn index(session: Session, page: Page) -> Result<HttpResponse, Error> {
    let views = session.update("views", |views: Option<u64>| views.map_or(1, |views| views + 1)).await?;
    Ok(match views {
        1 => page.text("Welcome to this page for the first time!"),
        _ => page.text(&format!("Views {views}")),
    })
}
