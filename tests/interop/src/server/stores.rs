//! The store package's options, as JSON, made into ours; one manager per option set and space.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use express_session_core::{
    Clock, ManualClock, SessionId, SessionManager, SessionStore, SessionStoreAdmin as _, UnixMillis,
};
use express_session_file::{FileOptions, FileStore};
use express_session_memory::{MemoryOptions, MemoryStore};
use express_session_mysql::{MySqlOptions, MySqlStore, mysql_async};
use express_session_redis::{RedisOptions, RedisPool, RedisStore};
use serde_json::{Map, Value};

use super::Shared;
use super::faulty_store::FaultyStore;
use super::options::session_options;
use super::sabotage::RoundedClock;
use crate::config::{Backend, OptionSet, Space, StoreKind};

/// The memory stores, by number of the option set: nobody else can look into them.
#[derive(Clone, Debug)]
pub struct MemoryProbe {
    clock: Arc<ManualClock>,
    stores: Arc<Mutex<Vec<MemoryStore>>>,
}

impl MemoryProbe {
    pub(super) fn new(clock: Arc<ManualClock>) -> Self {
        Self { clock, stores: Arc::default() }
    }

    fn add(&self, store: MemoryStore) {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).push(store);
    }

    fn store(&self, set: usize) -> Result<MemoryStore> {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.get(set).cloned().context("no such option set")
    }

    /// The documents of the sessions that live at `now`, by id.
    ///
    /// # Errors
    ///
    /// If there is no such option set.
    pub fn documents(&self, set: usize, now: i64) -> Result<BTreeMap<String, String>> {
        self.clock.set(UnixMillis(now));
        let store = self.store(set)?;
        // Not a listing: what is no session, as a planted `null`, is compared too.
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(store.documents().into_iter().map(|(id, bytes)| (id.as_str().to_owned(), text(bytes))).collect())
    }

    /// Puts a document into a store.
    ///
    /// # Errors
    ///
    /// If there is no such option set, or the id is impossible.
    pub fn plant(&self, set: usize, id: &str, document: &str) -> Result<()> {
        Ok(self.store(set)?.put_document(&SessionId::parse(id)?, document.as_bytes())?)
    }

    /// Empties a store.
    ///
    /// # Errors
    ///
    /// If there is no such option set.
    pub async fn clear(&self, set: usize) -> Result<()> {
        Ok(self.store(set)?.clear().await?)
    }
}

/// What the stores of one server share.
pub(super) enum Connections {
    None,
    Redis(String),
    Mysql(mysql_async::Pool),
}

impl Connections {
    pub(super) fn open(backend: &Backend) -> Result<Self> {
        Ok(match backend.store {
            StoreKind::Memory | StoreKind::File => Self::None,
            StoreKind::Redis => Self::Redis(backend.url.clone().context("no url")?),
            StoreKind::Mysql => {
                let pool = mysql_async::PoolConstraints::new(1, 4).context("1 is below 4")?;
                let options = mysql_async::Opts::from_url(&mysql_url(backend)?)?;
                let pool_options = mysql_async::PoolOpts::default().with_constraints(pool);
                let options = mysql_async::OptsBuilder::from_opts(options).pool_opts(pool_options);
                Self::Mysql(mysql_async::Pool::new(options))
            }
        })
    }
}

/// The URL that mysql2's connection options stand for.
pub(crate) fn mysql_url(backend: &Backend) -> Result<String> {
    let options = backend.mysql.as_ref().context("no MySQL server")?;
    let text = |name: &str| options.get(name).and_then(Value::as_str).unwrap_or_default();
    let port = options.get("port").and_then(Value::as_u64).context("no port")?;
    let password = text("password").replace(' ', "%20");
    Ok(format!("mysql://{}:{password}@{}:{port}/{}", text("user"), text("host"), text("database")))
}

pub(super) fn manager(
    backend: &Backend,
    connections: &Connections,
    space: Space,
    set: &OptionSet,
    shared: &Shared,
    memory: &MemoryProbe,
) -> Result<SessionManager> {
    let sessions = session_options(set, shared)?;
    let clock = RoundedClock::new(Arc::clone(&shared.clock), shared.sabotage);
    Ok(match connections {
        Connections::Redis(url) => {
            let options =
                redis_options(&set.store)?.pool(RedisPool::url(url)?).prefix(format!("{}:", space.name()));
            // A hundred stores: one connection each is enough.
            let options = options.connections(NonZeroUsize::MIN).clock(clock.clone());
            build(sessions, RedisStore::new(options)?, clock, shared)
        }
        Connections::Mysql(pool) => {
            let options = mysql_options(&set.store)?
                .pool(pool.clone())
                .table_name(space.name())
                .create_database_table(false)
                .clear_expired(false)
                .clock(clock.clone());
            build(sessions, MySqlStore::new(options)?, clock, shared)
        }
        Connections::None if backend.store == StoreKind::File => {
            let folder = backend.folder.as_ref().context("no folder")?.join(space.name());
            let options = file_options(&set.store)?.path(folder).reap_interval(None).clock(clock.clone());
            build(sessions, FileStore::new(options)?, clock, shared)
        }
        Connections::None => {
            let options = memory_options(&set.store)?.check_period(None).clock(clock.clone());
            let store = MemoryStore::new(options);
            memory.add(store.clone());
            build(sessions, store, clock, shared)
        }
    })
}

fn build(
    options: express_session_core::Options,
    store: impl SessionStore,
    clock: impl Clock,
    shared: &Shared,
) -> SessionManager {
    let store = FaultyStore::new(store, shared.fails.clone(), shared.sabotage);
    SessionManager::with_clock(store, options, clock, express_session_core::NoTimer)
}

fn milliseconds(value: &Value) -> Result<Duration> {
    value.as_u64().map(Duration::from_millis).context("milliseconds")
}

fn seconds(value: &Value) -> Result<Duration> {
    value.as_u64().map(Duration::from_secs).context("seconds")
}

fn memory_options(options: &Map<String, Value>) -> Result<MemoryOptions> {
    options.iter().try_fold(MemoryOptions::new(), |made, (name, value)| {
        Ok(match name.as_str() {
            "ttl" => made.ttl(milliseconds(value)?),
            other => bail!("the lab does not know the option {other}"),
        })
    })
}

fn file_options(options: &Map<String, Value>) -> Result<FileOptions> {
    options.iter().try_fold(FileOptions::new().retries(0), |made, (name, value)| {
        Ok(match name.as_str() {
            "ttl" => made.ttl(seconds(value)?),
            "fileExtension" => made.file_extension(value.as_str().context("an extension")?),
            "secret" => made.secret(value.as_str().context("a secret")?),
            other => bail!("the lab does not know the option {other}"),
        })
    })
}

fn mysql_options(options: &Map<String, Value>) -> Result<MySqlOptions> {
    options.iter().try_fold(MySqlOptions::new(), |made, (name, value)| {
        Ok(match name.as_str() {
            "expiration" => made.expiration(milliseconds(value)?),
            "disableTouch" => made.disable_touch(value == &Value::Bool(true)),
            other => bail!("the lab does not know the option {other}"),
        })
    })
}

fn redis_options(options: &Map<String, Value>) -> Result<RedisOptions> {
    options.iter().try_fold(RedisOptions::new(), |made, (name, value)| {
        Ok(match name.as_str() {
            "ttl" => made.ttl(seconds(value)?),
            "disableTouch" => made.disable_touch(value == &Value::Bool(true)),
            // The version of the Node package; here there is one.
            "connectRedis" => made,
            "disableTTL" => made.disable_ttl(value == &Value::Bool(true)),
            other => bail!("the lab does not know the option {other}"),
        })
    })
}
