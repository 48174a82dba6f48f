//! Looks at what is really stored, and writes there, behind the servers' backs.

mod file;
mod memory;
mod mysql;
mod redis;

use std::collections::BTreeMap;

use anyhow::Result;

pub(crate) use self::file::FileProbe;
pub(crate) use self::memory::MemoryProbes;
pub(crate) use self::mysql::MysqlProbe;
pub(crate) use self::redis::RedisProbe;

use crate::config::Space;

/// What is stored for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The document, byte for byte (what is not UTF-8 shows as U+FFFD).
    pub document: String,
    /// What the store itself knows about the session's life, as text to compare.
    pub life: String,
    /// The last instant at which the session lives, as far as the store's own bookkeeping tells.
    pub ends: Option<i64>,
}

/// What is stored in a space, by session id.
pub type Entries = BTreeMap<String, Entry>;

/// A way into the store.
#[derive(Debug)]
pub(crate) enum Probe {
    Memory(MemoryProbes),
    File(FileProbe),
    Mysql(MysqlProbe),
    Redis(RedisProbe),
}

impl Probe {
    /// What is stored in `space` at the instant `now` of the lab.
    pub(crate) async fn entries(&mut self, space: Space, set: usize, now: i64) -> Result<Entries> {
        match self {
            Self::Memory(probe) => probe.entries(space, set, now).await,
            Self::File(probe) => probe.entries(space, set),
            Self::Mysql(probe) => probe.entries(space).await,
            Self::Redis(probe) => probe.entries(space, now).await,
        }
    }

    /// Tells a store whose clock cannot be set what time it is.
    pub(crate) async fn time_passed(&mut self, space: Space, now: i64) -> Result<()> {
        if let Self::Redis(probe) = self { probe.time_passed(space, now).await } else { Ok(()) }
    }

    /// Replaces the document of a session that is there; its life stays.
    pub(crate) async fn plant(
        &mut self,
        space: Space,
        set: usize,
        id: &str,
        document: &str,
        now: i64,
    ) -> Result<()> {
        match self {
            Self::Memory(probe) => probe.plant(space, set, id, document, now).await,
            Self::File(probe) => probe.plant(space, set, id, document),
            Self::Mysql(probe) => probe.plant(space, id, document).await,
            Self::Redis(probe) => probe.plant(space, id, document).await,
        }
    }

    /// Removes a session.
    pub(crate) async fn remove(&mut self, space: Space, set: usize, id: &str, now: i64) -> Result<()> {
        match self {
            Self::Memory(probe) => probe.remove(space, set, id, now).await,
            Self::File(probe) => probe.remove(space, set, id),
            Self::Mysql(probe) => probe.remove(space, id).await,
            Self::Redis(probe) => probe.remove(space, id).await,
        }
    }

    /// Empties a space.
    pub(crate) async fn reset(&mut self, space: Space, set: usize, now: i64) -> Result<()> {
        match self {
            Self::Memory(probe) => probe.reset(space, set, now).await,
            Self::File(probe) => probe.reset(space),
            Self::Mysql(probe) => probe.reset(space).await,
            Self::Redis(probe) => probe.reset(space).await,
        }
    }
}
