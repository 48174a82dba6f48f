//! Article A0, section 3: a page that counts how often this browser has seen it; sessions in memory.

use std::process::ExitCode;
use std::time::Duration;

use app_support::{Counter, NoSections, SESSION_SECRET, Setup};
use express_session_actix::{CookieOptions, Options};
use express_session_memory::{MemoryOptions, MemoryStore};

#[actix_web::main]
async fn main() -> ExitCode {
    app_support::run("memory-session", &[SESSION_SECRET], start).await
}

async fn start(setup: Setup<NoSections>) -> anyhow::Result<()> {
    let store = MemoryStore::new(MemoryOptions::new().check_period(Duration::from_hours(24)));
    let options = Options::express(setup.secrets(&["secret key"]))
        .allow_weak_secret(true)
        .resave(false)
        .save_uninitialized(true)
        .cookie(CookieOptions::new().max_age(Duration::from_hours(24)));
    setup.count(store, options, Counter { path: "/", key: "num", text: |num| format!("View: {num}") }).await
}
