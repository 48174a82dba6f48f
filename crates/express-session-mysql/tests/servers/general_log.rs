//! What goes over the wire, from the server's own log.

use std::collections::HashSet;

use express_session_mysql::mysql_async::prelude::Queryable;
use tokio::sync::{Mutex, MutexGuard};

use crate::database::Database;

/// Writes down what one store sends. The log is the server's, so one test at a time uses it.
pub(crate) struct Log {
    _alone: MutexGuard<'static, ()>,
    database: Database,
    /// The connections to this test's database.
    threads: HashSet<u64>,
}

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

impl Log {
    pub(crate) async fn start(database: &Database) -> Self {
        let alone = ONE_AT_A_TIME.lock().await;
        let log = Self { _alone: alone, database: database.clone(), threads: HashSet::new() };
        log.set("TRUNCATE mysql.general_log").await;
        log.set("SET GLOBAL log_output = 'TABLE'").await;
        log.set("SET GLOBAL general_log = 1").await;
        log
    }

    async fn set(&self, sql: &str) {
        self.database.run(sql).await;
    }

    /// The commands since the last call, of connections to this database whose statements are the store's.
    pub(crate) async fn take(&mut self) -> Vec<String> {
        self.set("SET GLOBAL general_log = 0").await;
        let mut conn = self.database.conn().await;
        let threads: Vec<u64> = conn
            .exec(
                "SELECT DISTINCT thread_id FROM mysql.general_log \
                 WHERE command_type = 'Connect' AND argument LIKE CONCAT('% on ', ?, ' %')",
                (&self.database.name,),
            )
            .await
            .unwrap();
        self.threads.extend(threads);
        let mut commands = Vec::new();
        let rows: Vec<(u64, String, Vec<u8>)> = conn
            .query("SELECT thread_id, command_type, argument FROM mysql.general_log ORDER BY event_time")
            .await
            .unwrap();
        for (thread, command, argument) in rows {
            let argument = String::from_utf8(argument).unwrap();
            if self.threads.contains(&thread)
                && !["general_log", "log_output"].iter().any(|ours| argument.contains(ours))
                && !argument.starts_with("SELECT @@")
            {
                commands.push(format!("{command} {argument}").trim().to_owned());
            }
        }
        conn.query_drop("TRUNCATE mysql.general_log").await.unwrap();
        self.set("SET GLOBAL general_log = 1").await;
        commands.retain(|command| !command.starts_with("Connect") && !command.starts_with("Quit"));
        commands
    }

    pub(crate) async fn stop(self) {
        self.set("SET GLOBAL general_log = 0").await;
    }
}

/// The texts of statements that were run, without those that were only prepared.
pub(crate) fn executed(commands: &[String]) -> Vec<String> {
    commands.iter().filter_map(|command| command.strip_prefix("Execute ")).map(str::to_owned).collect()
}
