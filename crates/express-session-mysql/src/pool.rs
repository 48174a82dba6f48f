//! The store's own connections: a bounded set, kept by the runtime that made them.
//!
//! Why not `mysql_async::Pool`: it must not be shared by independent runtimes, and Actix has one per worker
//! thread; and every connection goes back through a task on the first of them. Here a connection goes back in
//! the thread that used it, and is next used by the runtime whose event loop it is registered with.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mysql_async::{Conn, Opts};
use tokio::runtime::{Handle, Id};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use crate::connection::connect;
use crate::error::MySqlError;

/// How long to wait before asking again a server that allows no more connections.
const FULL_SERVER_PAUSE: Duration = Duration::from_millis(25);

/// A bounded set of connections.
pub(crate) struct Connections {
    opts: Opts,
    limit: usize,
    connect_timeout: Duration,
    pool_timeout: Duration,
    idle_timeout: Duration,
    /// One permit per connection in use.
    permits: Arc<Semaphore>,
    open: Mutex<HashMap<Id, Home>>,
}

/// The connections that were made on one runtime.
#[derive(Default)]
struct Home {
    /// Idle and in use.
    open: usize,
    /// The last used at the end.
    idle: Vec<Idle>,
}

struct Idle {
    conn: Conn,
    since: Instant,
}

/// A connection in use. Dropping it gives it back, or closes it if it was in the middle of something.
pub(crate) struct Lease {
    connections: Arc<Connections>,
    home: Id,
    conn: Option<Conn>,
    /// Whether it was made for this lease, so that it cannot have gone stale.
    pub(crate) fresh: bool,
    /// How long it had been idle.
    pub(crate) idle_for: Duration,
    /// Whether an answer is outstanding.
    busy: bool,
    _permit: OwnedSemaphorePermit,
}

/// Where a lease gets its connection.
enum Found {
    Idle(Idle, Id),
    /// Room for a new one has been reserved.
    Room,
}

impl Connections {
    pub(crate) fn new(
        opts: Opts,
        limit: usize,
        connect_timeout: Duration,
        pool_timeout: Duration,
        idle_timeout: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            opts,
            limit,
            connect_timeout,
            pool_timeout,
            idle_timeout,
            permits: Arc::new(Semaphore::new(limit)),
            open: Mutex::default(),
        })
    }

    /// A connection nobody else uses; a new one if `fresh`. Waits at most as long as the options allow.
    pub(crate) async fn lease(self: &Arc<Self>, fresh: bool) -> Result<Lease, MySqlError> {
        let permit = match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => match timeout(self.pool_timeout, Arc::clone(&self.permits).acquire_owned()).await {
                Ok(permit) => permit.map_err(|_| MySqlError::Closed)?,
                Err(_) => {
                    return Err(MySqlError::PoolTimeout { limit: self.limit, waited: self.pool_timeout });
                }
            },
        };
        let here = Handle::current().id();
        // Made before connecting, so that the room is given up if that fails or is cancelled.
        let mut lease = Lease {
            connections: Arc::clone(self),
            home: here,
            conn: None,
            fresh: true,
            idle_for: Duration::ZERO,
            busy: false,
            _permit: permit,
        };
        match self.find(here, fresh) {
            Found::Idle(idle, home) => {
                lease.home = home;
                lease.fresh = false;
                lease.idle_for = idle.since.elapsed();
                lease.conn = Some(idle.conn);
            }
            Found::Room => lease.conn = Some(self.connect().await?),
        }
        Ok(lease)
    }

    /// Connects; while the server is full, waits for others to leave it.
    async fn connect(&self) -> Result<Conn, MySqlError> {
        let give_up = Instant::now() + self.pool_timeout;
        loop {
            match connect(self.opts.clone(), self.connect_timeout).await {
                Err(MySqlError::TooManyConnections(_)) if Instant::now() < give_up => {
                    sleep(FULL_SERVER_PAUSE).await;
                }
                result => return result,
            }
        }
    }

    /// One connection outside the set, for a sweep.
    pub(crate) async fn extra(&self) -> Result<Conn, MySqlError> {
        connect(self.opts.clone(), self.connect_timeout).await
    }

    /// An idle connection or room for a new one. The caller holds a permit, so there is one or the other.
    fn find(&self, here: Id, fresh: bool) -> Found {
        let mut homes = self.homes();
        if !fresh {
            let home = homes.entry(here).or_default();
            while let Some(idle) = home.idle.pop() {
                if idle.since.elapsed() < self.idle_timeout {
                    return Found::Idle(idle, here);
                }
                home.open -= 1;
            }
        }
        let share = self.limit / homes.len().max(1);
        let own = homes.get(&here).map_or(0, |home| home.open);
        if homes.values().map(|home| home.open).sum::<usize>() >= self.limit {
            let fullest = homes.iter_mut().max_by_key(|(_, home)| home.idle.len());
            if let Some((id, home)) = fullest
                && let Some(idle) = home.idle.pop()
            {
                if !fresh && own >= share {
                    return Found::Idle(idle, *id);
                }
                // Another runtime's connection makes room for one of our own, which is cheaper to use.
                home.open -= 1;
            }
            homes.retain(|_, home| home.open > 0);
        }
        homes.entry(here).or_default().open += 1;
        Found::Room
    }

    /// Closes all idle connections. They were there before a connection broke, and are probably broken too.
    pub(crate) fn close_idle(&self) {
        let mut closed = Vec::new();
        {
            let mut homes = self.homes();
            for home in homes.values_mut() {
                home.open -= home.idle.len();
                closed.append(&mut home.idle);
            }
        }
        drop(closed);
    }

    /// Refuses further leases, says goodbye on idle connections, and closes those in use when they come back.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let idle: Vec<Idle> = {
            let mut homes = self.homes();
            homes
                .values_mut()
                .flat_map(|home| {
                    home.open -= home.idle.len();
                    std::mem::take(&mut home.idle)
                })
                .collect()
        };
        for Idle { conn, .. } in idle {
            // A connection that is broken already is closed as well.
            let _ = timeout(self.connect_timeout, conn.disconnect()).await;
        }
    }

    fn homes(&self) -> MutexGuard<'_, HashMap<Id, Home>> {
        // Every change is complete before anything can panic.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The connection, from now on in the middle of something, until [`done`](Self::done).
    pub(crate) fn begin(&mut self) -> Option<&mut Conn> {
        self.busy = true;
        self.conn.as_mut()
    }

    /// The answer has been read completely.
    pub(crate) fn done(&mut self) {
        self.busy = false;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let usable =
            |conn: &Conn| !self.busy && !conn.is_disconnected() && !self.connections.permits.is_closed();
        let conn = self.conn.take();
        let mut homes = self.connections.homes();
        let home = homes.entry(self.home).or_default();
        match conn {
            Some(conn) if usable(&conn) => home.idle.push(Idle { conn, since: Instant::now() }),
            broken => {
                home.open = home.open.saturating_sub(1);
                drop(homes);
                drop(broken);
            }
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("limit", &self.limit).finish_non_exhaustive()
    }
}
