//! Article A4, section 1.2: a page that greets a newcomer, then counts; sessions in MySQL.

use std::process::ExitCode;

use actix_web::{App, HttpResponse, web};
use anyhow::Context as _;
use app_support::{Page, Setup, Variable};
use express_session_actix::{CookieOptions, Error, Options, Session, SessionMiddleware};
use express_session_mysql::{MySqlOptions, MySqlStore};
use serde::Deserialize;

/// `[store]` in config/page-views-mysql.toml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    store: Store,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    url: String,
}

#[actix_web::main]
async fn main() -> ExitCode {
    let variables =
        [Variable::new("SESSION_SECRET", "session.secret"), Variable::new("DATABASE_URL", "store.url")];
    app_support::run("page-views-mysql", &variables, start).await
}

async fn start(setup: Setup<Settings>) -> anyhow::Result<()> {
    // session({ secret: 'my_secret_key', resave: false, saveUninitialized: true })
    let options = Options::express(setup.secrets(&["my_secret_key"]))
        .allow_weak_secret(true)
        .resave(false)
        .save_uninitialized(true);
    let options = setup.session(options, CookieOptions::new())?;
    let database = MySqlOptions::from_url(&setup.settings.store.url).context("store.url")?;
    let store = MySqlStore::new(database).context("store")?;
    if let Err(error) = store.ready().await {
        tracing::error!("MySQL cannot be used yet: {:#}", anyhow::Error::new(error));
    }
    let sessions = SessionMiddleware::new(store, options);
    setup.serve(move || App::new().wrap(sessions.clone()).route("/", web::get().to(index))).await
}

async fn index(session: Session, page: Page) -> Result<HttpResponse, Error> {
    let views = session.update("views", |views: Option<u64>| views.map_or(1, |views| views + 1)).await?;
    Ok(match views {
        1 => page.text("Welcome to this page for the first time!"),
        _ => page.text(&format!("Views {views}")),
    })
}
