//! Requests that wait at the same moment share a statement.
//!
//! Each of the three verbs that make up the load (read, touch, conditional write) has a [`queue`]. A request that finds
//! nothing of its verb on its way sends its own statement at once, as if there were no queue. Those that come while one
//! is on its way wait for it, and then go together, in one statement for all of them. So the busier the database is, the
//! fewer statements it gets; and a lone request waits for nothing.
//!
//! What is not the plain case goes alone: an [unusual id](is_ordinary), a [large document](MAX_SHARED_BYTES), the second
//! write of one id in a batch. And whatever a shared statement runs into, be it a locked row, a deadlock or one row that
//! the table refuses, is each request's own business: then each runs its own statement, in the time it has left.

mod matched;
mod queue;
mod reads;
mod statements;
mod touches;
mod waiting;
mod writes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use express_session_core::{Clock, SessionId};

use crate::database::Database;
use crate::error::MySqlError;
use crate::schema::Schema;

use matched::Generation;
pub(crate) use queue::{Place, Queue};
pub(crate) use reads::Reads;
use statements::SharedStatements;
pub(crate) use touches::{TouchRequest, Touches};
pub(crate) use writes::{WriteRequest, Writes};

/// How many requests share one statement at most. Beyond this there is little to gain, and a statement takes long.
const MAX_SHARED: usize = 32;

/// A document larger than this is not shared with others: it would make them wait, and there is nothing to gain.
pub(crate) const MAX_SHARED_BYTES: usize = 8 * 1024;

/// The queues of one table.
#[derive(Debug)]
pub(crate) struct Batches {
    pub(crate) reads: Arc<Queue<Reads>>,
    pub(crate) touches: Arc<Queue<Touches>>,
    pub(crate) writes: Arc<Queue<Writes>>,
    sender: Arc<Sender>,
}

/// What all three need to send a statement.
#[derive(Debug)]
pub(crate) struct Sender {
    database: Arc<Database>,
    statements: SharedStatements,
    clock: Arc<dyn Clock>,
    generation: Generation,
    /// Whether statements are shared at all.
    reads_shared: bool,
    /// Whether the server tells which rows an `UPDATE` has matched.
    updates_shared: AtomicBool,
}

/// A kind of request that can share a statement with others of its kind.
pub(crate) trait Verb: Send + Sync + 'static {
    /// What is asked.
    type Request: Send + Sync + 'static;
    /// What is answered.
    type Outcome: Send + 'static;

    /// Whether a statement whose answer was lost may run again.
    const REPEATABLE: bool;

    /// Whether these two cannot be told apart, or disturb each other, in one statement.
    fn exclude_each_other(one: &Self::Request, other: &Self::Request) -> bool;

    /// Carries out all of them in one statement. The outcomes are in the order of the requests; `None` is for one that
    /// has to run alone.
    fn carry_out(
        &self,
        requests: &[Self::Request],
    ) -> impl Future<Output = Result<Vec<Option<Self::Outcome>>, MySqlError>> + Send;
}

impl Batches {
    pub(crate) fn new(database: Arc<Database>, schema: &Schema, clock: Arc<dyn Clock>, share: bool) -> Self {
        let sender = Arc::new(Sender {
            database,
            statements: SharedStatements::new(schema),
            clock,
            generation: Generation::default(),
            reads_shared: share,
            updates_shared: AtomicBool::new(share),
        });
        Self {
            reads: Queue::new(Reads(Arc::clone(&sender))),
            touches: Queue::new(Touches(Arc::clone(&sender))),
            writes: Queue::new(Writes(Arc::clone(&sender))),
            sender,
        }
    }

    /// Whether reads of this session may share a statement.
    pub(crate) fn share_reads(&self, id: &SessionId) -> bool {
        self.sender.reads_shared && is_ordinary(id)
    }

    /// Whether touches and writes of this session may share a statement, if they send and compare so many bytes.
    pub(crate) fn share_updates(&self, id: &SessionId, bytes: usize) -> bool {
        bytes <= MAX_SHARED_BYTES && self.sender.updates_shared.load(Ordering::Relaxed) && is_ordinary(id)
    }
}

impl Sender {
    /// The server has answered in a way that cannot be relied on: from now on each `UPDATE` is sent alone.
    fn stop_sharing_updates(&self) {
        if self.updates_shared.swap(false, Ordering::Relaxed) {
            tracing::warn!(
                "the database does not tell which rows it has matched: writes are sent one by one"
            );
        }
    }
}

/// The requests, and the last of them again until there are `size`.
fn padded<T>(requests: &[T], size: usize) -> impl Iterator<Item = &T> {
    requests.iter().chain(requests.last().into_iter().cycle()).take(size)
}

/// Whether an id is like those that generators make: letters, digits, `-` and `_`. Others are rare, and not worth thinking
/// about what collations make of them.
fn is_ordinary(id: &SessionId) -> bool {
    let bytes = id.as_bytes();
    bytes.len() <= 128 && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ordinary_ids_share() {
        for (text, ordinary) in [
            ("SBWp8nQ1gVqJ-_x0aL3rT5uY7iO9pE2w", true),
            ("3f0c2f6e-8d5b-4a30-9d0a-3d6f0e1c7b55", true),
            ("a ", false),
            ("a'b", false),
            ("\u{e9}", false),
            (&"x".repeat(129), false),
        ] {
            assert_eq!(is_ordinary(&SessionId::parse(text).unwrap()), ordinary, "{text}");
        }
    }
}
