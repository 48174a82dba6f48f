//! The pages on this project's sessions: the only file of the benchmarks that uses its API.

use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::{Result, web};
use anyhow::Context as _;
use benchmark_launch::{FURTHER_KEYS, FURTHER_VALUE, Launch, SECRET};
use express_session_actix::core::{Document, Expect, SessionStore as _};
use express_session_actix::{CookieOptions, Options, Session, SessionId, SessionMiddleware, TouchAfter};
use express_session_file::{FileOptions, FileStore};
use express_session_memory::{MemoryOptions, MemoryStore};
use express_session_mysql::{MySqlOptions, MySqlStore};
use express_session_redis::{RedisOptions, RedisStore};

/// The sessions of a subject, and the store behind them where it is the memory of this process.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) middleware: SessionMiddleware,
    pub(crate) memory: Option<MemoryStore>,
}

/// The sessions of a subject: `ours-<store>`, with `-touch-after` for reads that extend once a minute.
pub(crate) async fn sessions(launch: &Launch) -> anyhow::Result<Sessions> {
    let subject = launch.subject.as_str();
    let touch_after = match subject.strip_suffix("-touch-after") {
        Some(_) => TouchAfter::Elapsed(Duration::from_mins(1)),
        None => TouchAfter::Always,
    };
    let options = Options::express([SECRET])
        .resave(false)
        .save_uninitialized(false)
        .touch_after(touch_after)
        .cookie(CookieOptions::new().max_age(launch.max_age()))
        .build()?;
    let mut memory = None;
    let middleware = match subject.trim_end_matches("-touch-after") {
        "ours-memory" => {
            // Growth is measured to 5 million sessions.
            let store = MemoryOptions::new().max_bytes(8 << 30);
            let store = match launch.sweep {
                Some(seconds) => store.check_period(Duration::from_secs(seconds)),
                None => store,
            };
            let store = MemoryStore::new(store);
            memory = Some(store.clone());
            SessionMiddleware::new(store, options)
        }
        "ours-file" => {
            let store = FileOptions::new().path(&launch.folder);
            let store = match launch.sweep {
                Some(seconds) => store.reap_interval(Duration::from_secs(seconds)),
                None => store,
            };
            SessionMiddleware::new(FileStore::new(store)?, options)
        }
        "ours-redis" => {
            let store = RedisStore::new(RedisOptions::from_url(&launch.url)?)?;
            store.ready().await?;
            SessionMiddleware::new(store, options)
        }
        "ours-mysql" => {
            let store = MySqlOptions::from_url(&launch.url)?;
            let store = match launch.sweep {
                Some(seconds) => store.check_expiration_interval(Duration::from_secs(seconds)),
                None => store,
            };
            let store = MySqlStore::new(store)?;
            store.ready().await?;
            SessionMiddleware::new(store, options)
        }
        _ => None.with_context(|| format!("no subject is called {subject}"))?,
    };
    Ok(Sessions { middleware, memory })
}

/// The pages.
pub(crate) fn routes(app: &mut web::ServiceConfig) {
    app.route("/counter", web::get().to(counter))
        .route("/update", web::get().to(update))
        .route("/read", web::get().to(read))
        .route("/create", web::get().to(create))
        .route("/create10", web::get().to(create_with_ten_keys))
        .route("/login", web::get().to(login))
        .route("/logout", web::get().to(logout))
        .route("/whoami", web::get().to(whoami))
        .route("/slow/{milliseconds}", web::get().to(slow));
}

/// The page that fills the store in memory, which its other pages do not need.
pub(crate) fn fill_route(app: &mut web::ServiceConfig, store: MemoryStore) {
    app.app_data(web::Data::new(store)).route("/fill/{count}", web::get().to(fill));
}

/// One more, by `get` and `insert`.
async fn counter(session: Session) -> Result<String> {
    let number = session.get::<u64>("num")?.unwrap_or(0) + 1;
    session.insert("num", number)?;
    Ok(number.to_string())
}

/// One more, exactly.
async fn update(session: Session) -> Result<String> {
    let number = session.update("num", |number: Option<u64>| number.unwrap_or(0) + 1).await?;
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
    session.regenerate().await?;
    session.insert("user", "hello")?;
    Ok("hello")
}

async fn logout(session: Session) -> Result<&'static str> {
    session.destroy().await?;
    Ok("bye")
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

/// Makes so many sessions as `/create` makes one, without a request for each: copies of the visitor's own.
async fn fill(
    session: Session,
    store: web::Data<MemoryStore>,
    count: web::Path<u64>,
) -> Result<&'static str> {
    session.insert("num", 1)?;
    session.save().await?;
    let text = store.document(&session.id()).unwrap_or_default();
    for _ in 0..count.into_inner() {
        let copy = Document::decode(&text).map_err(ErrorInternalServerError)?;
        let copy = copy.ok_or_else(|| ErrorInternalServerError("what was saved is not there"))?;
        let id = SessionId::generate();
        store.set(&id, &copy, Expect::Any).await.map_err(ErrorInternalServerError)?;
    }
    Ok("filled")
}
