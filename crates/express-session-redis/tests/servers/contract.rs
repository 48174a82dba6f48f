//! The contract of all stores, on every kind of deployment.

use std::time::Duration;

use express_session_contract::{
    Harness, OwnerListHarness, Scale, owner_contract, owner_list_contract, store_contract,
};
use express_session_core::{Owner, SessionId};
use express_session_redis::{RedisOptions, RedisPool, RedisStore};
use express_session_testbed::redis::{RedisCluster, RedisSentinel, RedisServer};

use crate::support::{command, own_prefix, query, store_on_pool};

struct Redis {
    store: RedisStore,
    pool: RedisPool,
    prefix: String,
}

impl Redis {
    fn on(pool: RedisPool) -> Self {
        let prefix = own_prefix();
        let store = store_on_pool(pool.clone(), RedisOptions::new().prefix(&prefix));
        Self { store, pool, prefix }
    }

    fn standalone() -> Self {
        Self::on(RedisPool::url(&RedisServer::shared().url()).unwrap())
    }

    fn cluster() -> Self {
        let urls = RedisCluster::shared().urls();
        Self::on(RedisPool::cluster(urls.iter().map(String::as_str)).unwrap())
    }

    fn sentinel() -> Self {
        let urls = RedisSentinel::shared().urls();
        Self::on(RedisPool::sentinel(urls.iter().map(String::as_str), RedisSentinel::MASTER).unwrap())
    }

    fn key(&self, id: &SessionId) -> String {
        format!("{}{}", self.prefix, id.as_str())
    }
}

impl Harness for Redis {
    type Store = RedisStore;
    const SCALE: Scale = Scale::SMALL;
    const EXPIRES_BY_ITSELF: bool = true;

    fn store(&self) -> &RedisStore {
        &self.store
    }

    /// Ages the key of the session and that of its mark.
    async fn age(&self, id: &SessionId, by: Duration) {
        let key = self.key(id);
        for key in [format!("ended:{{{key}}}"), key] {
            let left: i64 = query(&self.pool, &command(["PTTL", &key])).await.unwrap();
            if left >= 0 {
                let left = (left - i64::try_from(by.as_millis()).unwrap()).to_string();
                query::<()>(&self.pool, &command(["PEXPIRE", &key, &left])).await.unwrap();
            }
        }
    }

    async fn put_raw(&self, id: &SessionId, bytes: &[u8]) {
        let key = self.key(id);
        let set = command([b"SET", key.as_bytes(), bytes, b"EX", b"86400"]);
        query::<()>(&self.pool, &set).await.unwrap();
    }

    async fn get_raw(&self, id: &SessionId) -> Option<Vec<u8>> {
        query(&self.pool, &command(["GET", &self.key(id)])).await.unwrap()
    }
}

impl OwnerListHarness for Redis {
    /// Moves every entry and the end of the list.
    async fn age_list(&self, owner: &Owner, by: Duration) {
        let key = format!("owned:{}{}", self.prefix, owner.as_str());
        let by = i64::try_from(by.as_millis()).unwrap();
        let entries: Vec<(Vec<u8>, f64)> =
            query(&self.pool, &command(["ZRANGE", &key, "0", "-1", "WITHSCORES"])).await.unwrap();
        for (id, score) in entries {
            #[allow(clippy::cast_precision_loss, reason = "milliseconds of some hours")]
            let aged = score - score.signum() * by as f64;
            let add = command([b"ZADD", key.as_bytes(), aged.to_string().as_bytes(), &id]);
            query::<()>(&self.pool, &add).await.unwrap();
        }
        let left: i64 = query(&self.pool, &command(["PTTL", &key])).await.unwrap();
        let left = (left - by).to_string();
        query::<()>(&self.pool, &command(["PEXPIRE", &key, &left])).await.unwrap();
    }
}

mod standalone {
    use super::*;
    store_contract!(Redis::standalone());
    owner_contract!(Redis::standalone());
    owner_list_contract!(Redis::standalone());
}

mod on_a_cluster {
    use super::*;
    store_contract!(Redis::cluster());
    owner_contract!(Redis::cluster());
    owner_list_contract!(Redis::cluster());
}

mod by_sentinel {
    use super::*;
    store_contract!(Redis::sentinel());
}
