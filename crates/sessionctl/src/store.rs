//! The store that a URL names: opened, and used by the commands whatever it is.

use std::time::Duration;

use express_session_core::{
    Cursor, Document, Expect, Listed, OwnerIndex, Page, SessionId, SessionManager, SessionStore as _,
    SessionStoreAdmin as _, SetOutcome, StoreError, Stored, Successor, SupersedeOutcome,
};
use express_session_file::{Encryption, FileOptions, FileStore};
use express_session_mysql::{MySqlOptions, MySqlStore};
use express_session_redis::{RedisOptions, RedisPool, RedisStore};

use crate::address::{Address, AddressError, Options};
use crate::error::CtlError;

/// How long a command to Redis may take: a page is a large answer, and nobody waits for a web page here.
const REDIS_LIMIT: Duration = Duration::from_secs(10);
/// The same for a statement.
const MYSQL_LIMIT: Duration = Duration::from_mins(1);
/// How many threads or connections copy sessions.
const AT_ONCE: usize = 8;

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It has to be there.
    Source,
    /// The same, and the table may be given the column that says whose a session is.
    Owners,
    /// Its folder or table may be created.
    Target,
}

impl Purpose {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Source | Self::Owners => "store",
            Self::Target => "target",
        }
    }
}

/// A store of one of the kinds that can be reached from outside of a server.
#[derive(Clone, Debug)]
pub(crate) enum AnyStore {
    File(FileStore),
    Redis(RedisStore),
    MySql(MySqlStore),
}

/// The same call to whichever store it is.
macro_rules! on {
    ($any:expr, $store:ident => $call:expr) => {
        match $any {
            AnyStore::File($store) => $call,
            AnyStore::Redis($store) => $call,
            AnyStore::MySql($store) => $call,
        }
    };
}

impl AnyStore {
    /// Opens the store and makes sure that it answers.
    pub(crate) async fn open(url: &str, purpose: Purpose) -> Result<Self, CtlError> {
        let unusable = |source| CtlError::Address { which: purpose.name(), source };
        Ok(match Address::parse(url).map_err(unusable)? {
            Address::File { path, options } => {
                if purpose != Purpose::Target && !path.is_dir() {
                    return Err(unusable(AddressError::NoFolder));
                }
                Self::File(FileStore::new(file_options(options).path(path))?)
            }
            Address::Redis { url, options } => {
                let store = RedisStore::new(redis_options(RedisOptions::from_url(&url)?, options))?;
                store.ready().await?;
                Self::Redis(store)
            }
            Address::RedisCluster { urls, options } => {
                let pool = RedisPool::cluster(urls.iter().map(String::as_str))?;
                let store = RedisStore::new(redis_options(RedisOptions::new().pool(pool), options))?;
                store.ready().await?;
                Self::Redis(store)
            }
            Address::RedisSentinel { urls, master, options } => {
                let pool = RedisPool::sentinel(urls.iter().map(String::as_str), &master)?;
                let store = RedisStore::new(redis_options(RedisOptions::new().pool(pool), options))?;
                store.ready().await?;
                Self::Redis(store)
            }
            Address::MySql { url, options } => {
                let creates = purpose == Purpose::Target;
                let options = mysql_options(MySqlOptions::from_url(&url)?, options);
                let store = MySqlStore::new(
                    options.create_database_table(creates).create_owner_column(purpose == Purpose::Owners),
                )?;
                store.ready().await?;
                Self::MySql(store)
            }
        })
    }

    /// The key that this store's format adds to the data.
    pub(crate) const fn own_key(&self) -> Option<&'static str> {
        match self {
            Self::File(_) => Some("__lastAccess"),
            Self::Redis(_) | Self::MySql(_) => None,
        }
    }

    /// Whether a listing may give a session twice.
    pub(crate) const fn may_repeat(&self) -> bool {
        matches!(self, Self::Redis(_))
    }

    pub(crate) async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        on!(self, store => store.page(after, limit).await)
    }

    pub(crate) async fn look(&self, id: &SessionId) -> Result<Option<Listed>, StoreError> {
        on!(self, store => store.look(id).await)
    }

    pub(crate) async fn add(
        &self,
        id: &SessionId,
        document: &Document,
        at_most: Duration,
    ) -> Result<bool, StoreError> {
        on!(self, store => store.add(id, document, at_most).await)
    }

    pub(crate) async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        at_most: Duration,
    ) -> Result<SetOutcome, StoreError> {
        on!(self, store => store.set_for(id, document, expect, at_most).await)
    }

    pub(crate) async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        on!(self, store => store.destroy(id).await)
    }

    pub(crate) async fn successor(&self, id: &SessionId) -> Result<Option<SessionId>, StoreError> {
        on!(self, store => store.successor(id).await)
    }

    /// Which sessions belong to whom.
    pub(crate) fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        on!(self, store => store.owner_index())
    }

    /// The model on this store, for what concerns owners. It reads and signs no cookies, so its secret is nobody's.
    pub(crate) fn manager(&self) -> Result<SessionManager, CtlError> {
        let secret = [SessionId::generate(), SessionId::generate()].map(|id| id.as_str().to_owned()).concat();
        let options = express_session_core::Options::new([secret]).store_timeout(MYSQL_LIMIT);
        // A random secret is never a weak one.
        let options = options.build().map_err(|_| CtlError::NoOwners)?;
        Ok(on!(self, store => SessionManager::new(store.clone(), options)))
    }

    /// Removes a session if it is still the one that was read. No mark is left: nothing takes its place here.
    pub(crate) async fn remove(&self, id: &SessionId, stored: &Stored) -> Result<bool, StoreError> {
        let (expect, by) = (Expect::Revision(&stored.revision), Successor { id, grace: Duration::ZERO });
        let outcome = on!(self, store => store.supersede(id, expect, by).await)?;
        Ok(matches!(outcome, SupersedeOutcome::Superseded))
    }

    pub(crate) async fn length(&self) -> Result<u64, StoreError> {
        on!(self, store => store.length().await)
    }

    pub(crate) async fn sweep(&self) -> Result<u64, StoreError> {
        on!(self, store => store.sweep().await)
    }
}

/// Nothing is swept in the background: only what was asked for is done.
fn file_options(options: Options) -> FileOptions {
    let mut built = FileOptions::new().reap_interval(None).fan_out(options.fan_out).threads(AT_ONCE);
    if let Some(ttl) = options.ttl {
        built = built.ttl(ttl);
    }
    if let Some(extension) = options.extension {
        built = built.file_extension(extension);
    }
    if let Some(secret) = options.secret {
        built = built.encryption(Encryption::new(secret.0));
    }
    built
}

fn redis_options(options: RedisOptions, ours: Options) -> RedisOptions {
    let mut built = options.response_timeout(REDIS_LIMIT).disable_ttl(ours.disable_ttl);
    if let Some(ttl) = ours.ttl {
        built = built.ttl(ttl);
    }
    if let Some(prefix) = ours.prefix {
        built = built.prefix(prefix);
    }
    built
}

fn mysql_options(options: MySqlOptions, ours: Options) -> MySqlOptions {
    let mut built = options.clear_expired(false).query_timeout(MYSQL_LIMIT).connection_limit(AT_ONCE);
    if let Some(ttl) = ours.ttl {
        built = built.expiration(ttl);
    }
    if let Some(table) = ours.table {
        built = built.table_name(&table);
    }
    if let Some(column) = ours.id_column {
        built = built.session_id_column(&column);
    }
    if let Some(column) = ours.expires_column {
        built = built.expires_column(&column);
    }
    if let Some(column) = ours.data_column {
        built = built.data_column(&column);
    }
    built
}
