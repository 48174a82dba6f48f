//! Article A3: what each option does, shown on a counter of visits; sessions in memory.

use std::process::ExitCode;

use app_support::{Counter, NoSections, Setup, Variable};
use express_session_actix::Options;
use express_session_memory::{MemoryOptions, MemoryStore};

#[actix_web::main]
async fn main() -> ExitCode {
    app_support::run("visit-counter", &[Variable::new("COOKIE_SECRET", "session.secret")], start).await
}

async fn start(setup: Setup<NoSections>) -> anyhow::Result<()> {
    let store = MemoryStore::new(MemoryOptions::new());
    let options =
        Options::express(setup.secrets(&[])).resave(false).save_uninitialized(false).name("sessionId");
    let counter = Counter { path: "/session", key: "num", text: |num| format!("{num}번 접속") };
    setup.count(store, options, counter).await
}
