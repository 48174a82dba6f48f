//! How many requests' worth of commands get through, by the number of connections and workers.
//!
//! `cargo run --release -p express-session-redis --example throughput -- redis://127.0.0.1:6379 read 2 1 1000`
//! (URL, `read` or `change`, workers, connections, bytes of data). Writes keys that begin with `throughput:`, and removes them.
//! The numbers in `docs/redis.md` come from here.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a program that measures time and prints numbers"
)]

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use express_session_core::{Cookie, Data, Expect, SessionId, SessionStore as _, TouchAfter, TouchHint};
use express_session_redis::{RedisOptions, RedisStore};

const TASKS_PER_WORKER: usize = 32;
const DURATION: Duration = Duration::from_secs(2);

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Clone, Copy, Debug)]
enum Mode {
    Read,
    Change,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let mode = match arguments.next().as_deref() {
        None | Some("read") => Mode::Read,
        Some("change") => Mode::Change,
        Some(_) => return Err("`read` or `change`".into()),
    };
    let workers: usize = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let connections: NonZeroUsize = arguments.next().map_or(Ok(NonZeroUsize::MIN), |text| text.parse())?;
    let size: usize = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let options = RedisOptions::from_url(&url)?.prefix("throughput:").connections(connections);
    let store = RedisStore::new(options)?;
    let (requests, seconds) = measure(&store, workers, size, mode)?;
    println!("{mode:?}: {requests} requests in {seconds:.2} s, {:.0} per second", requests as f64 / seconds);
    Ok(())
}

/// One thread and runtime per worker, as in Actix.
fn measure(store: &RedisStore, workers: usize, size: usize, mode: Mode) -> Result<(u64, f64), Failure> {
    let done = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let threads: Vec<_> = (0..workers)
        .map(|_| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            thread::spawn(move || work(&store, size, mode, start, &done))
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a worker panicked")??;
    }
    Ok((done.load(Ordering::Relaxed), start.elapsed().as_secs_f64()))
}

fn work(
    store: &RedisStore,
    size: usize,
    mode: Mode,
    start: Instant,
    done: &Arc<AtomicU64>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..TASKS_PER_WORKER {
            let (store, done) = (store.clone(), Arc::clone(done));
            tasks.spawn(async move {
                let id = SessionId::generate();
                let mut data = Data::new(Cookie::default());
                data.insert("text", "x".repeat(size))?;
                store.set(&id, &data.encode(), Expect::Any).await?;
                while start.elapsed() < DURATION {
                    request(&store, &id, mode).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                store.destroy(&id).await?;
                Ok::<_, Failure>(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        Ok::<_, Failure>(())
    })
}

async fn request(store: &RedisStore, id: &SessionId, mode: Mode) -> Result<(), Failure> {
    let cookie = Cookie::default();
    let hint = TouchHint { cookie: &cookie, touch_after: TouchAfter::Always };
    let stored = store.get_and_touch(id, hint).await?.ok_or("the session is gone")?;
    if let Mode::Change = mode {
        let mut data = Data::of(stored.document);
        let n = data.get::<u64>("n")?.unwrap_or(0) + 1;
        data.insert("n", n)?;
        store.set(id, &data.encode(), Expect::Revision(&stored.revision)).await?;
    }
    Ok(())
}
