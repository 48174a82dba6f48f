//! The store contract, on our own connections and on a pool that was handed in.

use std::sync::Arc;
use std::time::Duration;

use express_session_contract::{Harness, Scale, store_contract};
use express_session_core::{Clock, ManualClock, SessionId};
use express_session_mysql::mysql_async::prelude::Queryable;
use express_session_mysql::{MySqlOptions, MySqlStore};

use crate::database::{Database, FROZEN, connect};

struct MySql {
    database: Database,
    store: MySqlStore,
    clock: Arc<ManualClock>,
}

impl MySql {
    async fn start(adjust: impl FnOnce(MySqlOptions) -> MySqlOptions) -> Self {
        let database = Database::fresh().await;
        let clock = Arc::new(ManualClock::new(FROZEN));
        let store = connect(adjust(database.options().clock(Arc::clone(&clock)))).await.unwrap();
        Self { database, store, clock }
    }

    async fn on_a_pool() -> Self {
        let database = Database::fresh().await;
        let clock = Arc::new(ManualClock::new(FROZEN));
        let store =
            connect(database.options().pool(database.pool()).clock(Arc::clone(&clock))).await.unwrap();
        Self { database, store, clock }
    }
}

impl Harness for MySql {
    type Store = MySqlStore;

    const SCALE: Scale = Scale::SMALL;

    fn store(&self) -> &MySqlStore {
        &self.store
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    async fn age(&self, id: &SessionId, by: Duration) {
        let mut conn = self.database.conn().await;
        conn.exec_drop(
            "UPDATE sessions SET expires = GREATEST(0, CAST(expires AS SIGNED) - ?) WHERE session_id = ?",
            (i64::try_from(by.as_secs()).unwrap(), id.as_str()),
        )
        .await
        .unwrap();
        // A mark says itself until when it counts.
        conn.exec_drop(
            "UPDATE sessions SET data = CONCAT('0e', LPAD(CAST(SUBSTRING(data, 3, 15) AS SIGNED) - ?, 15, '0'), \
             SUBSTRING(data, 18)) WHERE session_id = ? AND data LIKE '0e%'",
            (i64::try_from(by.as_millis()).unwrap(), id.as_str()),
        )
        .await
        .unwrap();
    }

    async fn pass_a_moment(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    async fn put_raw(&self, id: &SessionId, bytes: &[u8]) {
        let mut conn = self.database.conn().await;
        let expires = FROZEN.0 / 1000 + 2 * 86_400;
        conn.exec_drop("REPLACE INTO sessions VALUES (?, ?, ?)", (id.as_str(), expires, bytes))
            .await
            .unwrap();
    }

    async fn get_raw(&self, id: &SessionId) -> Option<Vec<u8>> {
        let mut conn = self.database.conn().await;
        conn.exec_first("SELECT data FROM sessions WHERE session_id = ?", (id.as_str(),)).await.unwrap()
    }
}

store_contract!(MySql::start(|options| options).await);

mod with_an_index_and_one_connection {
    use super::MySql;
    express_session_contract::store_contract!(
        MySql::start(|options| options.create_expires_index(true).connection_limit(1)).await
    );
}

mod with_owners {
    use super::MySql;
    express_session_contract::owner_contract!(
        MySql::start(|options| options.create_owner_column(true)).await
    );
    express_session_contract::store_contract!(
        MySql::start(|options| options.create_owner_column(true).create_expires_index(true)).await
    );
}

mod on_a_pool {
    use super::MySql;
    express_session_contract::store_contract!(MySql::on_a_pool().await);
}
