//! A pool for the server that the sentinels name; another one once they name another.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deadpool_redis::redis::{self, ErrorKind};
use deadpool_redis::sentinel::{SentinelNodeConnectionInfo, TlsMode};
use deadpool_redis::{ConnectionAddr, ConnectionInfo, Pool};

use crate::connection::lock;
use crate::error::RedisError;
use crate::pool::pool_of;
use crate::sentinels::{Master, Sentinels};

/// Connections to the master that Sentinel names.
///
/// Why not the driver's own pool for Sentinel: it does not tell where its connections lead, so that nobody can ask whether
/// that is still the master.
#[derive(Clone)]
pub struct SentinelPool {
    shared: Arc<Shared>,
}

struct Shared {
    sentinels: Arc<Sentinels>,
    nodes: SentinelNodeConnectionInfo,
    response_timeout: Duration,
    /// Of the server that was named last.
    current: Mutex<Option<(Master, Pool)>>,
}

impl SentinelPool {
    pub(crate) fn new(
        sentinels: Sentinels,
        nodes: SentinelNodeConnectionInfo,
        response_timeout: Duration,
    ) -> Self {
        let sentinels = Arc::new(sentinels);
        Self { shared: Arc::new(Shared { sentinels, nodes, response_timeout, current: Mutex::default() }) }
    }

    /// A pool for the master of this moment. Ask again for every use: it may lead to another server then.
    ///
    /// # Errors
    ///
    /// [`RedisError::Unreachable`] if no sentinel answers, or none knows a master of that name.
    pub async fn pool(&self) -> Result<Pool, RedisError> {
        self.pool_and_master().await.map(|(pool, _)| pool)
    }

    pub(crate) async fn pool_and_master(&self) -> Result<(Pool, Master), RedisError> {
        let Some(master) = self.shared.sentinels.master().await else {
            let error = redis::RedisError::from((
                ErrorKind::MasterNameNotFoundBySentinel,
                "no sentinel answers, or none knows the master",
            ));
            return Err(RedisError::of_connecting(&error, self.shared.response_timeout));
        };
        let mut current = lock(&self.shared.current);
        if let Some((known, pool)) = &*current
            && known.is_at(&master)
        {
            return Ok((pool.clone(), master));
        }
        let info = connection_info(&master, &self.shared.nodes);
        let pool = pool_of(info.into(), self.shared.response_timeout)?;
        *current = Some((master.clone(), pool.clone()));
        Ok((pool, master))
    }

    pub(crate) fn sentinels(&self) -> &Arc<Sentinels> {
        &self.shared.sentinels
    }
}

fn connection_info(master: &Master, nodes: &SentinelNodeConnectionInfo) -> ConnectionInfo {
    let (host, port) = (master.host.clone(), master.port);
    let addr = match nodes.tls_mode {
        None => ConnectionAddr::Tcp(host, port),
        Some(mode) => ConnectionAddr::TcpTls { host, port, insecure: matches!(mode, TlsMode::Insecure) },
    };
    ConnectionInfo { addr, redis: nodes.redis_connection_info.clone().unwrap_or_default() }
}

impl fmt::Debug for SentinelPool {
    /// Without addresses, users and passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentinelPool").field("sentinels", &self.shared.sentinels).finish_non_exhaustive()
    }
}
