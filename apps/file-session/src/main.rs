//! Article A0, section 4: the page of section 3, with one file per session in the folder `sessions`.

use std::process::ExitCode;

use anyhow::Context as _;
use app_support::{Counter, Folder, SESSION_SECRET, Setup, StoreSection};
use express_session_actix::Options;
use express_session_file::{DEFAULT_PATH, FileOptions, FileStore};

#[actix_web::main]
async fn main() -> ExitCode {
    app_support::run("file-session", &[SESSION_SECRET], start).await
}

async fn start(setup: Setup<StoreSection<Folder>>) -> anyhow::Result<()> {
    let path = setup.settings.store.path.clone().unwrap_or(DEFAULT_PATH.into());
    let store = FileStore::new(FileOptions::new().path(path)).with_context(|| setup.place("store.path"))?;
    let options = Options::express(setup.secrets(&["secret key"]))
        .allow_weak_secret(true)
        .resave(false)
        .save_uninitialized(true);
    setup.count(store, options, Counter { path: "/", key: "num", text: |num| format!("View: {num}") }).await
}
