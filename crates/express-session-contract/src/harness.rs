//! What a store brings to be tested.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use express_session_core::{Clock, SessionId, SessionStoreAdmin, SystemClock};

/// A fresh store and the ways around it: what only somebody outside the store can do.
pub trait Harness: Send + Sync + 'static {
    /// The store; a clone is another handle on the same sessions.
    type Store: SessionStoreAdmin + Clone;

    /// How much the heavy clauses do.
    ///
    /// # Default
    ///
    /// [`Scale::FULL`].
    const SCALE: Scale = Scale::FULL;

    /// The top-level keys that the store's format adds to the document (`__lastAccess` in files).
    ///
    /// # Default
    ///
    /// None.
    const OWN_KEYS: &'static [&'static str] = &[];

    /// Whether the backend removes what has expired by itself, so that there is nothing left to sweep.
    ///
    /// # Default
    ///
    /// False.
    const EXPIRES_BY_ITSELF: bool = false;

    /// The store, empty at first and used by this harness alone.
    fn store(&self) -> &Self::Store;

    /// The clock the store goes by, for expiry dates in records.
    ///
    /// # Default
    ///
    /// The system's.
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    /// Makes the session look as if `by` (whole seconds) had passed: expired, if that is more than it had left.
    ///
    /// The mark of an id that was superseded ages with it. A store with a clock of its own may let time pass for all sessions. Nothing may be swept by this, and no
    /// revision may change.
    fn age(&self, id: &SessionId, by: Duration) -> impl Future<Output = ()> + Send;

    /// Lets so much time pass that sessions which begin before and after can be told apart by their creation time.
    ///
    /// # Default
    ///
    /// Waits for the next millisecond of the [`clock`](Self::clock); for a clock that goes by itself.
    fn pass_a_moment(&self) -> impl Future<Output = ()> + Send {
        let clock = self.clock();
        async move {
            let began = clock.now();
            while clock.now() == began {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Puts a document where the store keeps this session's, as another program would, not expired. `bytes` are UTF-8, but not necessarily a session. A store that encrypts encrypts them.
    fn put_raw(&self, id: &SessionId, bytes: &[u8]) -> impl Future<Output = ()> + Send;

    /// The document the store keeps for this session, decrypted but not decoded, also if it has expired.
    fn get_raw(&self, id: &SessionId) -> impl Future<Output = Option<Vec<u8>>> + Send;

    /// The undecodable document that the store has moved out of the way, if it does so.
    ///
    /// # Default
    ///
    /// None: undecodable documents stay where they are.
    fn quarantined(&self, _id: &SessionId) -> impl Future<Output = Option<Vec<u8>>> + Send {
        std::future::ready(None)
    }
}

/// How much the heavy clauses do.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "a harness sets every field")]
pub struct Scale {
    /// How many requests overlap.
    pub tasks: usize,
    /// How many requests each of them makes, one after the other.
    pub writes: usize,
    /// How often a race is run.
    pub races: usize,
}

impl Scale {
    /// 64 × 200 requests, 100 races.
    pub const FULL: Self = Self { tasks: 64, writes: 200, races: 100 };
    /// 16 × 50 requests, 20 races; for stores with a server or a disk behind them.
    pub const SMALL: Self = Self { tasks: 16, writes: 50, races: 20 };
}
