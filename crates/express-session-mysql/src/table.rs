//! The table of a store, as all its clones use it.

use std::sync::Arc;

use express_session_core::{Clock, UnixMillis};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::background::BackgroundGuard;
use crate::batch::Batches;
use crate::column_index::{ColumnIndex, IndexedColumn};
use crate::database::{Database, Statement};
use crate::error::MySqlError;
use crate::options::MySqlOptions;
use crate::schema::Schema;
use crate::statements::Statements;
use crate::sweep::Sweeper;

/// A table of sessions, and what goes on in it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) database: Arc<Database>,
    pub(crate) schema: Arc<Schema>,
    pub(crate) statements: Arc<Statements>,
    pub(crate) options: MySqlOptions,
    pub(crate) batches: Batches,
    background: OnceCell<Option<BackgroundGuard>>,
}

impl Table {
    pub(crate) fn new(database: Database, options: MySqlOptions) -> Result<Self, MySqlError> {
        let schema = options.schema()?;
        let statements = Statements::new(&schema);
        let (database, clock) = (Arc::new(database), Arc::clone(&options.clock));
        let batches = Batches::new(Arc::clone(&database), &schema, clock, options.share_statements);
        Ok(Self {
            database,
            schema: Arc::new(schema),
            statements: Arc::new(statements),
            options,
            batches,
            background: OnceCell::new(),
        })
    }

    /// Creates the table and starts the background work, once.
    pub(crate) async fn ready(&self) -> Result<(), MySqlError> {
        if self.background.initialized() {
            return Ok(());
        }
        let MySqlOptions { pool_timeout, connect_timeout, query_timeout, .. } = self.options;
        // One caller tries at a time. The limit is for those who wait for the others.
        let limit = pool_timeout + connect_timeout + query_timeout;
        match timeout(limit, self.background.get_or_try_init(|| self.prepare())).await {
            Ok(prepared) => prepared.map(drop),
            Err(_) => Err(MySqlError::ConnectTimeout(limit)),
        }
    }

    /// Stops the background work and ends the connections.
    pub(crate) async fn close(&self) {
        if let Some(Some(background)) = self.background.get() {
            background.stop();
        }
        self.database.close(self.options.end_connection_on_close).await;
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.options.clock.now()
    }

    /// What has to be done once before the first statement.
    async fn prepare(&self) -> Result<Option<BackgroundGuard>, MySqlError> {
        if self.options.create_database_table {
            self.create_table().await?;
        }
        if self.options.create_owner_column {
            self.create_owner_column().await?;
        }
        let sweeper = self.options.clear_expired.then(|| self.sweeper());
        Ok(BackgroundGuard::start(self.indexes(), sweeper))
    }

    /// Those that the options ask for.
    fn indexes(&self) -> Vec<ColumnIndex> {
        let wanted = [
            (self.options.create_owner_column, IndexedColumn::Owner),
            (self.options.create_expires_index, IndexedColumn::Expires),
        ];
        let index = |(_, on)| ColumnIndex {
            database: Arc::clone(&self.database),
            schema: Arc::clone(&self.schema),
            on,
        };
        wanted.into_iter().filter(|(is_wanted, _)| *is_wanted).map(index).collect()
    }

    pub(crate) fn sweeper(&self) -> Sweeper {
        Sweeper {
            database: Arc::clone(&self.database),
            schema: Arc::clone(&self.schema),
            statements: Arc::clone(&self.statements),
            clock: Arc::clone(&self.options.clock) as Arc<dyn Clock>,
            by_database: self.options.sweeps_by_database,
            has_index: self.options.create_expires_index,
            batch: self.options.sweep_batch,
            pause: self.options.sweep_pause,
            interval: self.options.check_expiration_interval,
        }
    }

    async fn create_table(&self) -> Result<(), MySqlError> {
        let created = self.database.run(Statement::new(&self.schema.create_table()), Vec::new).await;
        match created {
            // Not allowed to create one, or not on this server: perhaps it is there already.
            Err(error @ (MySqlError::AccessDenied(_) | MySqlError::ReadOnly(_))) => self
                .database
                .run(Statement::new(&self.schema.probe()), Vec::new)
                .await
                .map(drop)
                .map_err(|_| error),
            other => other.map(drop),
        }
    }
}
