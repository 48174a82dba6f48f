//! Article A0, section 4: the page of section 3, with one file per session in the folder `sessions`.

use std::process::ExitCode;

use actix_web::{App, HttpResponse, web};
use anyhow::Context as _;
use app_support::{Millis, Page, Setup, Variable};
use express_session_actix::{CookieOptions, Error, Options, Session, SessionMiddleware};
use express_session_file::{FileOptions, FileStore};
use serde::Deserialize;

/// `[store]` in config/file-session.toml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    store: Store,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    path: String,
    file_extension: String,
    ttl_ms: Millis,
    reap_interval_ms: Millis,
}

#[actix_web::main]
async fn main() -> ExitCode {
    app_support::run("file-session", &[Variable::new("SESSION_SECRET", "session.secret")], start).await
}

async fn start(setup: Setup<Settings>) -> anyhow::Result<()> {
    // session({ secret: 'secret key', resave: false, saveUninitialized: true })
    let options = Options::express(setup.secrets(&["secret key"]))
        .allow_weak_secret(true)
        .resave(false)
        .save_uninitialized(true);
    let Store { path, file_extension, ttl_ms, reap_interval_ms } = &setup.settings.store;
    let files = FileOptions::new()
        .path(path)
        .file_extension(file_extension)
        .ttl(ttl_ms.0)
        .reap_interval(reap_interval_ms.0);
    let store = FileStore::new(files).with_context(|| format!("the session folder {path} cannot be used"))?;
    let sessions = SessionMiddleware::new(store, setup.session(options, CookieOptions::new())?);
    setup.serve(move || App::new().wrap(sessions.clone()).route("/", web::get().to(index))).await
}

async fn index(session: Session, page: Page) -> Result<HttpResponse, Error> {
    tracing::info!(?session, new = session.is_new(), "visit");
    let num = session.update("num", |num: Option<u64>| num.map_or(1, |num| num + 1)).await?;
    Ok(page.text(&format!("View: {num}")))
}
