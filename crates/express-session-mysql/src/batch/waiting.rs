//! Requests that wait together, and what they are told.

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Verb;
use super::queue::Turn;
use crate::error::{Cause, MySqlError};

/// What a request that waits is told.
pub(super) enum Told<V: Verb> {
    /// Send your own statement. Others wait while you have the turn, if you have it.
    Alone(Option<Turn<V>>),
    /// The shared statement did nothing. Send your own, in the time that is left.
    Again,
    /// It is done.
    Outcome(V::Outcome),
    /// It failed, for all who shared the statement.
    Failed(MySqlError),
}

/// One request that waits.
pub(super) struct Waiting<V: Verb> {
    pub(super) request: V::Request,
    /// Counts up, so that a request can see whether it is still waiting.
    pub(super) number: u64,
    /// Where its future runs.
    pub(super) runtime: Handle,
    pub(super) answer: oneshot::Sender<Told<V>>,
}

/// Requests in one statement. Whatever happens to it, each of them is told something.
pub(super) struct Batch<V: Verb> {
    requests: Vec<V::Request>,
    answers: Vec<oneshot::Sender<Told<V>>>,
    /// Whether the statement may have been sent.
    begun: bool,
}

impl<V: Verb> Batch<V> {
    pub(super) fn new(waiting: Vec<Waiting<V>>) -> Self {
        let (requests, answers) = waiting.into_iter().map(|one| (one.request, one.answer)).unzip();
        Self { requests, answers, begun: false }
    }

    /// The requests, whose statement is about to be sent.
    pub(super) fn begin(&mut self) -> &[V::Request] {
        self.begun = true;
        &self.requests
    }

    /// Tells everyone. One who has gone away is not missed.
    pub(super) fn tell(mut self, result: Result<Vec<Option<V::Outcome>>, MySqlError>) {
        let answers = std::mem::take(&mut self.answers);
        match result {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    let _ = answer.send(outcome.map_or(Told::Again, Told::Outcome));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(error.for_another().map_or(Told::Again, Told::Failed));
                }
            }
        }
    }
}

/// The runtime that sent the statement has ended before the answer came.
impl<V: Verb> Drop for Batch<V> {
    fn drop(&mut self) {
        for answer in self.answers.drain(..) {
            let _ = answer.send(interrupted(self.begun));
        }
    }
}

/// What to say about a statement that nobody carries on with.
pub(super) fn interrupted<V: Verb>(begun: bool) -> Told<V> {
    if begun && !V::REPEATABLE {
        Told::Failed(MySqlError::ConnectionLost(Cause::Driver(
            "the thread that sent the statement has ended",
        )))
    } else {
        Told::Again
    }
}
