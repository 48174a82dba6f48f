//! The pools connections are taken from: one per kind of deployment, made here or handed in.

use std::fmt;
use std::time::Duration;

use deadpool_redis::redis::{AsyncConnectionConfig, ConnectionInfo, IntoConnectionInfo};
#[cfg(feature = "tls")]
use deadpool_redis::redis::{Client, TlsCertificates};
use deadpool_redis::sentinel::SentinelNodeConnectionInfo;
use deadpool_redis::{Manager, Pool, Runtime, cluster};

use crate::error::RedisError;
use crate::options::DEFAULT_RESPONSE_TIMEOUT;
use crate::sentinel_pool::SentinelPool;
use crate::sentinels::Sentinels;

/// How many connections a pool made here may have; they are opened when they are needed.
const MAX_SIZE: usize = 64;
/// How long the driver may take for a connection, TLS and login included. The store's own limits, which are
/// options, end the waiting earlier.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a pool made here lets anybody wait for one of its connections while others hold them all. As long as a new one
/// may take.
const WAIT_LIMIT: Duration = CONNECT_LIMIT;

/// A pool of connections to one Redis server, to a master found by Sentinel, or to a cluster.
///
/// A pool that is handed in stays usable for other things; the store keeps a few of its connections for as
/// long as they work, and all requests share them.
#[derive(Clone)]
#[non_exhaustive]
pub enum RedisPool {
    /// One server.
    Single(Pool),
    /// The master of a group that Sentinel watches. The sentinels are asked again before a connection is used that has not been
    /// confirmed for half a second: a master that was frozen while another was made takes writes when it wakes, and loses them.
    Sentinel(SentinelPool),
    /// A cluster. A pool that is handed in must not read from replicas: they are behind, so a session that was
    /// just ended could be read there.
    Cluster(cluster::Pool),
}

impl RedisPool {
    /// A pool for one server.
    ///
    /// `redis://[user:password@]host[:port][/db]`, the same with `rediss` for TLS (feature `tls`; the system's
    /// root certificates), or `redis+unix:///path/to/socket[?db=1&user=…&pass=…]`.
    ///
    /// A command that an application sends by itself through the pool fails after [`DEFAULT_RESPONSE_TIMEOUT`], as those of
    /// the store do: Redis answers in well under a millisecond, and a page that asks a frozen one should say so soon.
    ///
    /// # Errors
    ///
    /// [`RedisError::Config`] if the URL cannot be used. Nothing is connected yet.
    pub fn url(url: &str) -> Result<Self, RedisError> {
        Self::url_with_response_timeout(url, DEFAULT_RESPONSE_TIMEOUT)
    }

    /// As [`url`](Self::url), with another limit for the commands that an application sends by itself: for those that may
    /// take longer (`BLPOP`, a large `SORT`) or must not. For the store's own see
    /// [`RedisOptions::response_timeout`](crate::RedisOptions::response_timeout).
    ///
    /// # Errors
    ///
    /// As [`url`](Self::url).
    pub fn url_with_response_timeout(url: &str, limit: Duration) -> Result<Self, RedisError> {
        Self::single(parse(url)?, limit)
    }

    /// As [`url`](Self::url) by TLS, where the certificate must descend from `root_certificate` (PEM).
    ///
    /// # Errors
    ///
    /// [`RedisError::Config`] if the URL or the certificate cannot be used.
    #[cfg(feature = "tls")]
    pub fn url_with_root_certificate(url: &str, root_certificate: Vec<u8>) -> Result<Self, RedisError> {
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(root_certificate) };
        let client = Client::build_with_tls(parse(url)?, certificates).map_err(|error| config(&error))?;
        Self::single(client.get_connection_info().clone(), DEFAULT_RESPONSE_TIMEOUT)
    }

    fn single(info: ConnectionInfo, response_timeout: Duration) -> Result<Self, RedisError> {
        pool_of(info, response_timeout).map(Self::Single)
    }

    /// A pool for the master called `master`, which the sentinels at these URLs know.
    ///
    /// The data nodes are used without a password, in database 0; otherwise see
    /// [`sentinel_with`](Self::sentinel_with).
    ///
    /// # Errors
    ///
    /// [`RedisError::Config`] if a URL cannot be used. Nothing is connected yet.
    pub fn sentinel<'a>(
        sentinels: impl IntoIterator<Item = &'a str>,
        master: &str,
    ) -> Result<Self, RedisError> {
        Self::sentinel_with(sentinels, master, SentinelNodeConnectionInfo::default())
    }

    /// As [`sentinel`](Self::sentinel), with the user, password, database and TLS mode of the data nodes.
    ///
    /// # Errors
    ///
    /// As [`sentinel`](Self::sentinel).
    pub fn sentinel_with<'a>(
        sentinels: impl IntoIterator<Item = &'a str>,
        master: &str,
        nodes: SentinelNodeConnectionInfo,
    ) -> Result<Self, RedisError> {
        let sentinels = sentinels.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let sentinels = Sentinels::new(sentinels, master).map_err(|error| config(&error))?;
        Ok(Self::Sentinel(SentinelPool::new(sentinels, nodes, DEFAULT_RESPONSE_TIMEOUT)))
    }

    /// A pool for the cluster that the nodes at these URLs belong to; a few of them are enough.
    ///
    /// User, password and TLS are those of the first URL, for all nodes.
    ///
    /// # Errors
    ///
    /// [`RedisError::Config`] if a URL cannot be used. Nothing is connected yet.
    pub fn cluster<'a>(nodes: impl IntoIterator<Item = &'a str>) -> Result<Self, RedisError> {
        let nodes = nodes.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let manager = cluster::Manager::new(nodes, false).map_err(|error| config(&error))?;
        let pool = cluster::Pool::builder(manager).max_size(MAX_SIZE).wait_timeout(Some(WAIT_LIMIT));
        pool.runtime(Runtime::Tokio1).build().map(Self::Cluster).map_err(|_| RedisError::PoolClosed)
    }

    /// How many connections the pool may have.
    pub(crate) fn max_size(&self) -> usize {
        match self {
            Self::Single(pool) => pool.status().max_size,
            Self::Sentinel(_) => MAX_SIZE,
            Self::Cluster(pool) => pool.status().max_size,
        }
    }
}

/// A pool for one server. Nothing is connected yet.
pub(crate) fn pool_of(info: ConnectionInfo, response_timeout: Duration) -> Result<Pool, RedisError> {
    let config_of_driver = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_LIMIT))
        .set_response_timeout(Some(response_timeout));
    let manager = Manager::new_with_config(info, config_of_driver).map_err(|error| config(&error))?;
    let pool = Pool::builder(manager).max_size(MAX_SIZE).wait_timeout(Some(WAIT_LIMIT));
    pool.runtime(Runtime::Tokio1).build().map_err(|_| RedisError::PoolClosed)
}

fn parse(url: &str) -> Result<ConnectionInfo, RedisError> {
    let info = url.into_connection_info().map_err(|error| config(&error))?;
    #[cfg(feature = "tls")]
    if matches!(info.addr(), deadpool_redis::redis::ConnectionAddr::TcpTls { .. })
        && rustls::crypto::CryptoProvider::get_default().is_none()
    {
        // The driver would panic where two crates of an application chose different providers. If somebody
        // installs one at this very moment, theirs is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Ok(info)
}

fn config(error: &deadpool_redis::redis::RedisError) -> RedisError {
    match RedisError::of_connecting(error, CONNECT_LIMIT) {
        RedisError::Rejected(driver) | RedisError::Unreachable(driver) => RedisError::Config(driver),
        other => other,
    }
}

impl fmt::Debug for RedisPool {
    /// Without addresses, users and passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single(_) => "Single(..)",
            Self::Sentinel(_) => "Sentinel(..)",
            Self::Cluster(_) => "Cluster(..)",
        })
    }
}

impl From<Pool> for RedisPool {
    fn from(pool: Pool) -> Self {
        Self::Single(pool)
    }
}

impl From<SentinelPool> for RedisPool {
    fn from(pool: SentinelPool) -> Self {
        Self::Sentinel(pool)
    }
}

impl From<cluster::Pool> for RedisPool {
    fn from(pool: cluster::Pool) -> Self {
        Self::Cluster(pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_errors_show_the_url() {
        let pool = RedisPool::url("redis://alice:hunter2@127.0.0.1:1/3").unwrap();
        assert_eq!(format!("{pool:?}"), "Single(..)");
        for bad in ["hunter2", "redis://alice:hunter2@127.0.0.1:port", "http://hunter2@127.0.0.1"] {
            let error = RedisPool::url(bad).unwrap_err();
            assert!(matches!(error, RedisError::Config(_)), "{error:?}");
            assert!(!format!("{error:?} {error}").contains("hunter2"));
        }
    }

    #[test]
    fn all_kinds_of_addresses_are_understood() {
        for url in [
            "redis://127.0.0.1",
            "redis://user:password@[::1]:6380/7",
            "redis+unix:///tmp/redis.sock?db=1",
            "unix:///tmp/redis.sock",
            #[cfg(feature = "tls")]
            "rediss://127.0.0.1",
        ] {
            assert!(RedisPool::url(url).is_ok(), "{url}");
        }
        assert!(RedisPool::sentinel(["redis://127.0.0.1:26379"], "mymaster").is_ok());
        assert!(RedisPool::cluster(["redis://127.0.0.1:7000"]).is_ok());
    }
}
