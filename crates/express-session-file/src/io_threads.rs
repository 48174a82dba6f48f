//! The threads that wait for the disk, so that those of the async runtime do not.
//!
//! Why threads of our own and not `spawn_blocking`: they are a few, always warm, and not shared with whatever
//! else the application blocks on (hashing passwords, say), so nothing else stands in the queue before a
//! session. `docs/file.md` has the numbers.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::error::{Action, FileError};

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads with one queue. They end with this value, after the jobs they were given.
#[derive(Debug)]
pub(crate) struct IoThreads {
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl IoThreads {
    /// Starts `count` threads.
    pub(crate) fn start(count: usize) -> Result<Self, FileError> {
        let threads = Self { queue: Arc::default() };
        for number in 0..count {
            let queue = Arc::clone(&threads.queue);
            thread::Builder::new()
                .name(format!("session-file-{number}"))
                .spawn(move || queue.work())
                .map_err(Action::StartThread.failed())?;
        }
        Ok(threads)
    }

    /// Runs `job` on one of the threads. It runs to its end even if the future is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FileError> {
        let (answer, result) = oneshot::channel();
        self.queue.push(Box::new(move || {
            // Nobody listens if the request was given up.
            let _ = answer.send(job());
        }));
        result.await.map_err(|_| FileError::Stopped)
    }
}

impl Drop for IoThreads {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.filled.notify_all();
    }
}

impl Queue {
    fn push(&self, job: Job) {
        self.lock().jobs.push_back(job);
        self.filled.notify_one();
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            // A job that panics has dropped its answer, which the caller sees; the thread goes on.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

/// Runs one long job on a thread of its own, so that it keeps none of the others waiting.
pub(crate) async fn run_alone<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, FileError> {
    let (answer, result) = oneshot::channel();
    thread::Builder::new()
        .name("session-file-admin".into())
        .spawn(move || {
            let _ = answer.send(job());
        })
        .map_err(Action::StartThread.failed())?;
    result.await.map_err(|_| FileError::Stopped)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_thread_lives_on() {
        let threads = IoThreads::start(1).unwrap();
        let result = threads.run(|| std::panic::resume_unwind(Box::new("quiet"))).await;
        assert!(matches!(result, Err::<(), _>(FileError::Stopped)));
        assert_eq!(threads.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_job_whose_caller_has_left_is_done_before_the_threads_end() {
        let threads = IoThreads::start(1).unwrap();
        let (release, held) = mpsc::channel::<()>();
        let (done, was_done) = mpsc::channel();
        let mut first = Box::pin(threads.run(move || held.recv().is_ok()));
        let mut second = Box::pin(threads.run(move || done.send(()).is_ok()));
        // Both are in the queue from their first poll on; nobody polls them again.
        std::future::poll_fn(|context| {
            assert!(first.as_mut().poll(context).is_pending());
            assert!(second.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        drop((first, second));
        drop(threads);
        release.send(()).unwrap();
        was_done.recv().unwrap();
    }
}
