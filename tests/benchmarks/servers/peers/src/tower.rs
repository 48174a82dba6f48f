//! The pages on axum with tower-sessions, and without sessions.

use std::collections::HashMap;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use benchmark_launch::{FURTHER_KEYS, FURTHER_VALUE, Launch};
use tower_sessions::cookie::time;
use tower_sessions::session::{Id, Record};
use tower_sessions::{ExpiredDeletion as _, Expiry, MemoryStore, Session, SessionManagerLayer, SessionStore};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike as _, Config, Pool};
use tower_sessions_sqlx_store::MySqlStore;
use tower_sessions_sqlx_store::sqlx::mysql::MySqlPoolOptions;

/// As many connections as tower-sessions' own examples have.
const REDIS_CONNECTIONS: usize = 6;

/// sqlx's default, and ours.
const MYSQL_CONNECTIONS: u32 = 10;

pub(crate) fn run(launch: &Launch) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(launch.workers).enable_all().build()?;
    runtime.block_on(serve(launch))
}

async fn serve(launch: &Launch) -> anyhow::Result<()> {
    let app = match launch.subject.as_str() {
        "axum" => Router::new().route("/{page}", get(async || 1.to_string())),
        "tower-memory" => {
            let store = MemoryStore::default();
            let life = launch.max_age();
            let fill_it = store.clone();
            sessions(launch, store)?
                .route("/fill/{count}", get(async move |Path(count)| fill(fill_it, life, count).await))
        }
        "tower-redis" => {
            let pool = Pool::new(Config::from_url(&launch.url)?, None, None, None, REDIS_CONNECTIONS)?;
            pool.init().await?;
            sessions(launch, RedisStore::new(pool))?
        }
        "tower-mysql" => {
            let pool =
                MySqlPoolOptions::new().max_connections(MYSQL_CONNECTIONS).connect(&launch.url).await?;
            let store = MySqlStore::new(pool);
            store.migrate().await?;
            if let Some(seconds) = launch.sweep {
                let store = store.clone();
                let period = Duration::from_secs(seconds);
                tokio::spawn(async move { store.continuously_delete_expired(period).await });
            }
            sessions(launch, store)?
        }
        subject => anyhow::bail!("no subject is called {subject}"),
    };
    let app = app.route("/heap", get(async || benchmark_launch::heap()));
    let listener = launch.listen()?;
    listener.set_nonblocking(true)?;
    Ok(axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?)
}

fn sessions(launch: &Launch, store: impl SessionStore + Clone) -> anyhow::Result<Router> {
    let life = time::Duration::seconds(i64::try_from(launch.max_age().as_secs())?);
    let layer = SessionManagerLayer::new(store).with_secure(false).with_expiry(Expiry::OnInactivity(life));
    Ok(Router::new()
        .route("/counter", get(counter))
        .route("/read", get(read))
        .route("/create", get(create))
        .route("/create10", get(create_with_ten_keys))
        .route("/login", get(login))
        .route("/logout", get(logout))
        .route("/whoami", get(whoami))
        .route("/slow/{milliseconds}", get(slow))
        .layer(layer))
}

type Failed = (StatusCode, String);

/// As axum wants it: a status and a text.
fn failed(error: impl std::error::Error) -> Failed {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn counter(session: Session) -> Result<String, Failed> {
    let number = session.get::<u64>("num").await.map_err(failed)?.unwrap_or(0) + 1;
    session.insert("num", number).await.map_err(failed)?;
    Ok(number.to_string())
}

async fn read(session: Session) -> Result<String, Failed> {
    Ok(session.get::<u64>("num").await.map_err(failed)?.unwrap_or(0).to_string())
}

async fn create(session: Session) -> Result<&'static str, Failed> {
    session.insert("num", 1).await.map_err(failed)?;
    Ok("1")
}

async fn create_with_ten_keys(session: Session) -> Result<&'static str, Failed> {
    session.insert("num", 1).await.map_err(failed)?;
    for key in FURTHER_KEYS {
        session.insert(key, FURTHER_VALUE).await.map_err(failed)?;
    }
    Ok("1")
}

async fn login(session: Session) -> Result<&'static str, Failed> {
    session.cycle_id().await.map_err(failed)?;
    session.insert("user", "hello").await.map_err(failed)?;
    Ok("hello")
}

async fn logout(session: Session) -> Result<&'static str, Failed> {
    session.flush().await.map_err(failed)?;
    Ok("bye")
}

async fn whoami(session: Session) -> Result<String, Failed> {
    let user = session.get::<String>("user").await.map_err(failed)?;
    Ok(user.unwrap_or_else(|| "nobody".to_owned()))
}

/// Reads, waits, writes another key: a request that others overlap.
async fn slow(session: Session, Path(milliseconds): Path<u64>) -> Result<&'static str, Failed> {
    session.get::<String>("cart").await.map_err(failed)?;
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    session.insert("cart", "book").await.map_err(failed)?;
    Ok("done")
}

/// Makes so many sessions as `/create` makes one, without a request for each.
async fn fill(store: MemoryStore, life: Duration, count: u64) -> Result<&'static str, Failed> {
    for _ in 0..count {
        let mut record = Record {
            id: Id::default(),
            data: HashMap::from([("num".to_owned(), 1.into())]),
            expiry_date: time::OffsetDateTime::now_utc() + life,
        };
        store.create(&mut record).await.map_err(failed)?;
    }
    Ok("filled")
}
