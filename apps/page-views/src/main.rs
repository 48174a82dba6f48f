//! Article A4: a page that greets a newcomer, then counts; sessions in memory.

use std::process::ExitCode;

use app_support::{Counter, NoSections, SESSION_SECRET, Setup};
use express_session_actix::Options;
use express_session_memory::{MemoryOptions, MemoryStore};

#[actix_web::main]
async fn main() -> ExitCode {
    app_support::run("page-views", &[SESSION_SECRET], start).await
}

async fn start(setup: Setup<NoSections>) -> anyhow::Result<()> {
    let store = MemoryStore::new(MemoryOptions::new());
    let secrets = setup.secrets(&["my_secret_key"]);
    let options = Options::express(secrets).allow_weak_secret(true).resave(false).save_uninitialized(true);
    let text = |views| match views {
        1 => "Welcome to this page for the first time!".to_owned(),
        _ => format!("Views {views}"),
    };
    setup.count(store, options, Counter { path: "/", key: "views", text }).await
}
