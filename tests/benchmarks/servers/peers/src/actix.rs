//! The pages on actix-session.

use std::time::Duration;

use actix_session::config::PersistentSession;
use actix_session::storage::{CookieSessionStore, RedisSessionStore, SessionStore};
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::{Key, time};
use actix_web::{App, HttpServer, Result, web};
use benchmark_launch::{FURTHER_KEYS, FURTHER_VALUE, Launch, SECRET};

#[actix_web::main]
pub(crate) async fn run(launch: Launch) -> anyhow::Result<()> {
    match launch.subject.as_str() {
        "actix-session-cookie" => serve(&launch, CookieSessionStore::default).await,
        "actix-session-redis" => {
            // One multiplexed connection for all workers: the store's default.
            let store = RedisSessionStore::new(&launch.url).await?;
            serve(&launch, move || store.clone()).await
        }
        subject => anyhow::bail!("no subject is called {subject}"),
    }
}

async fn serve<S: SessionStore + 'static>(
    launch: &Launch,
    store: impl Fn() -> S + Clone + Send + 'static,
) -> anyhow::Result<()> {
    let listener = launch.listen()?;
    let life = time::Duration::seconds(i64::try_from(launch.max_age().as_secs())?);
    let app = move || {
        let sessions = SessionMiddleware::builder(store(), Key::from(SECRET.as_bytes()))
            .cookie_secure(false)
            .session_lifecycle(PersistentSession::default().session_ttl(life))
            .build();
        App::new()
            .route("/heap", web::get().to(async || benchmark_launch::heap()))
            .service(web::scope("").wrap(sessions).configure(routes))
    };
    Ok(HttpServer::new(app).workers(launch.workers).listen(listener)?.disable_signals().run().await?)
}

fn routes(app: &mut web::ServiceConfig) {
    app.route("/counter", web::get().to(counter))
        .route("/read", web::get().to(read))
        .route("/create", web::get().to(create))
        .route("/create10", web::get().to(create_with_ten_keys))
        .route("/login", web::get().to(login))
        .route("/logout", web::get().to(logout))
        .route("/whoami", web::get().to(whoami))
        .route("/slow/{milliseconds}", web::get().to(slow));
}

async fn counter(session: Session) -> Result<String> {
    let number = session.get::<u64>("num")?.unwrap_or(0) + 1;
    session.insert("num", number)?;
    Ok(number.to_string())
}

async fn read(session: Session) -> Result<String> {
    Ok(session.get::<u64>("num")?.unwrap_or(0).to_string())
}

async fn create(session: Session) -> Result<&'static str> {
    session.insert("num", 1)?;
    Ok("1")
}

async fn create_with_ten_keys(session: Session) -> Result<&'static str> {
    session.insert("num", 1)?;
    for key in FURTHER_KEYS {
        session.insert(key, FURTHER_VALUE)?;
    }
    Ok("1")
}

async fn login(session: Session) -> Result<&'static str> {
    session.renew();
    session.insert("user", "hello")?;
    Ok("hello")
}

async fn logout(session: Session) -> &'static str {
    session.purge();
    "bye"
}

async fn whoami(session: Session) -> Result<String> {
    Ok(session.get::<String>("user")?.unwrap_or_else(|| "nobody".to_owned()))
}

/// Reads, waits, writes another key: a request that others overlap.
async fn slow(session: Session, milliseconds: web::Path<u64>) -> Result<&'static str> {
    let _: Option<String> = session.get("cart")?;
    actix_web::rt::time::sleep(Duration::from_millis(milliseconds.into_inner())).await;
    session.insert("cart", "book")?;
    Ok("done")
}
