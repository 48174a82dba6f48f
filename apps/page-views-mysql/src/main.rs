//! Article A4, section 1.2: a page that greets a newcomer, then counts; sessions in MySQL.

use std::process::ExitCode;

use app_support::{Counter, DATABASE_URL, Database, SESSION_SECRET, Setup, StoreSection};
use express_session_actix::Options;
use express_session_mysql::{MySqlOptions, MySqlStore};

#[actix_web::main]
async fn main() -> ExitCode {
    app_support::run("page-views-mysql", &[SESSION_SECRET, DATABASE_URL], start).await
}

async fn start(setup: Setup<StoreSection<Database>>) -> anyhow::Result<()> {
    let article = MySqlOptions::new().host("localhost").user("root").password("password").database("session");
    let store = MySqlStore::new(setup.database(&setup.settings.store, article, MySqlOptions::from_url)?)?;
    app_support::log_unless_ready("MySQL", store.ready().await);
    let secrets = setup.secrets(&["my_secret_key"]);
    let options = Options::express(secrets).allow_weak_secret(true).resave(false).save_uninitialized(true);
    let text = |views| match views {
        1 => "Welcome to this page for the first time!".to_owned(),
        _ => format!("Views {views}"),
    };
    setup.count(store, options, Counter { path: "/", key: "views", text }).await
}
