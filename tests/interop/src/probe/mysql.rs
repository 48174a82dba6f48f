//! The rows of the MySQL store.

use anyhow::Result;
use express_session_mysql::mysql_async::prelude::Queryable as _;
use express_session_mysql::mysql_async::{Conn, Opts};

use super::{Entries, Entry};
use crate::config::Space;

/// Source: express-mysql-session's `schema.sql`, with a table per space.
const TABLE: &str = "(
  `session_id` varchar(128) COLLATE utf8mb4_bin NOT NULL,
  `expires` int(11) unsigned NOT NULL,
  `data` mediumtext COLLATE utf8mb4_bin,
  PRIMARY KEY (`session_id`)
) ENGINE=InnoDB";

/// Reads and writes the rows.
#[derive(Debug)]
pub(crate) struct MysqlProbe {
    connection: Conn,
}

impl MysqlProbe {
    /// Connects, and makes the tables.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let mut connection = Conn::new(Opts::from_url(url)?).await?;
        for space in [Space::Node, Space::Rust, Space::Mixed] {
            connection.query_drop(format!("CREATE TABLE IF NOT EXISTS `{}` {TABLE}", space.name())).await?;
        }
        Ok(Self { connection })
    }

    pub(crate) async fn entries(&mut self, space: Space) -> Result<Entries> {
        let select = format!("SELECT session_id, expires, data FROM `{}`", space.name());
        let rows: Vec<(String, i64, Option<Vec<u8>>)> = self.connection.query(select).await?;
        let entry = |expires: i64, data: Option<Vec<u8>>| Entry {
            document: data
                .map_or_else(|| "NULL".to_owned(), |data| String::from_utf8_lossy(&data).into_owned()),
            life: format!("expires {expires}"),
            ends: Some(expires * 1000),
        };
        Ok(rows.into_iter().map(|(id, expires, data)| (id, entry(expires, data))).collect())
    }

    pub(crate) async fn plant(&mut self, space: Space, id: &str, document: &str) -> Result<()> {
        let update = format!("UPDATE `{}` SET data = ? WHERE session_id = ?", space.name());
        Ok(self.connection.exec_drop(update, (document, id)).await?)
    }

    pub(crate) async fn remove(&mut self, space: Space, id: &str) -> Result<()> {
        let delete = format!("DELETE FROM `{}` WHERE session_id = ?", space.name());
        Ok(self.connection.exec_drop(delete, (id,)).await?)
    }

    pub(crate) async fn reset(&mut self, space: Space) -> Result<()> {
        Ok(self.connection.query_drop(format!("DELETE FROM `{}`", space.name())).await?)
    }
}
