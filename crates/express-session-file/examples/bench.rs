//! The numbers in `docs/file.md`.
//!
//! `cargo run --release -p express-session-file --example bench -- strategies|store|sweep [FOLDER]`
//!
//! Run under `taskset -c 0` to see what one core gives, as a server pinned to a core would.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    dead_code,
    unreachable_pub,
    unnameable_types,
    missing_docs,
    reason = "a benchmark reads the clock and prints; it borrows two modules of the store and does not use all of them"
)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use express_session_core::{
    Cookie, Data, Document, Expect, SessionId, SessionStore as _, SessionStoreAdmin as _,
};
use express_session_file::{Durability, Encryption, FileOptions, FileStore};

#[path = "../src/error.rs"]
mod error;
#[path = "../src/io_threads.rs"]
mod io_threads;

type Failure = Box<dyn Error + Send + Sync>;

const SESSIONS: usize = 1000;
const OPERATIONS: usize = 40_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let folder =
        arguments.next().map_or_else(|| std::env::temp_dir().join("session-file-bench"), PathBuf::from);
    let _ = fs::remove_dir_all(&folder);
    match what.as_str() {
        "strategies" => strategies(&folder).await?,
        "store" => store(&folder).await?,
        "sweep" => sweep(&folder).await?,
        _ => println!("usage: bench strategies|store|sweep [FOLDER]"),
    }
    let _ = fs::remove_dir_all(&folder);
    Ok(())
}

fn id(number: usize) -> Result<SessionId, Failure> {
    Ok(SessionId::parse(format!("{number:032}"))?)
}

fn document(ms: u64) -> Result<Document, Failure> {
    let mut cookie = Cookie::default();
    cookie.assign("originalMaxAge", Some(&ms.into()), express_session_core::UnixMillis(0))?;
    let mut data = Data::new(cookie);
    data.insert("user", "alice")?;
    data.insert("views", 12345)?;
    Ok(data.encode())
}

/// How the same small read gets done: on the async thread, by tokio, by threads of the store's own.
#[derive(Clone)]
enum Strategy {
    Inline,
    SpawnBlocking,
    Threads(Arc<io_threads::IoThreads>),
}

impl Strategy {
    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + '_>> {
        match self {
            Self::Inline => Box::pin(async move { Ok(job()) }),
            Self::SpawnBlocking => Box::pin(async move { Ok(tokio::task::spawn_blocking(job).await?) }),
            Self::Threads(threads) => Box::pin(async move { Ok(threads.run(job).await?) }),
        }
    }
}

async fn strategies(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    for number in 0..SESSIONS {
        fs::write(folder.join(number.to_string()), document(60_000)?.text())?;
    }
    println!(
        "| strategy | 1 request at a time | 64 at a time | longest stall of others, disk taking 20 ms |"
    );
    println!("|---|---|---|---|");
    let threads = |count| io_threads::IoThreads::start(count).map(|it| Strategy::Threads(Arc::new(it)));
    for (name, strategy) in [
        ("on the async thread", Strategy::Inline),
        ("spawn_blocking", Strategy::SpawnBlocking),
        ("1 thread of our own", threads(1)?),
        ("2 threads of our own", threads(2)?),
        ("4 threads of our own", threads(4)?),
        ("8 threads of our own", threads(8)?),
    ] {
        let one = reads_per_second(&strategy, folder, 1).await?;
        let many = reads_per_second(&strategy, folder, 64).await?;
        let stall = longest_stall(&strategy).await?;
        println!("| {name} | {one:.0}/s | {many:.0}/s | {:.1} ms |", stall.as_secs_f64() * 1e3);
    }
    Ok(())
}

async fn reads_per_second(strategy: &Strategy, folder: &Path, tasks: usize) -> Result<f64, Failure> {
    let start = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let (strategy, folder) = (strategy.clone(), folder.to_path_buf());
            tokio::spawn(async move {
                for number in 0..OPERATIONS / tasks {
                    let path = folder.join(((number * 7 + task) % SESSIONS).to_string());
                    let read =
                        strategy.run(move || fs::read(path).map(|bytes| Document::decode(&bytes).is_ok()));
                    read.await??;
                }
                Ok::<(), Failure>(())
            })
        })
        .collect();
    for task in running {
        task.await??;
    }
    Ok(OPERATIONS as f64 / start.elapsed().as_secs_f64())
}

/// How late a timer of 1 ms gets while ten requests wait for a slow disk.
async fn longest_stall(strategy: &Strategy) -> Result<Duration, Failure> {
    let done = Arc::new(AtomicBool::new(false));
    let ticker = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            let mut longest = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                tokio::time::sleep(Duration::from_millis(1)).await;
                longest = longest.max(start.elapsed().saturating_sub(Duration::from_millis(1)));
            }
            longest
        }
    });
    tokio::task::yield_now().await;
    for _ in 0..10 {
        strategy.run(|| std::thread::sleep(Duration::from_millis(20))).await?;
    }
    done.store(true, Ordering::Relaxed);
    Ok(ticker.await?)
}

async fn store(folder: &Path) -> Result<(), Failure> {
    println!("Operations per second, and processor time for each.");
    println!("| store | new | get | get + touch | get + set | unknown id |");
    println!("|---|---|---|---|---|---|");
    let base = || FileOptions::new().path(folder);
    for (name, options, operations) in [
        ("default, 1 at a time", base(), 1),
        ("default, 64 at a time", base(), 64),
        (
            "encrypted, 64 at a time",
            base().encryption(Encryption::new("a secret of at least 32 characters")),
            64,
        ),
        ("Durability::Fsync, 64 at a time", base().durability(Durability::Fsync), 64),
    ] {
        let _ = fs::remove_dir_all(folder);
        let store = FileStore::new(options)?;
        print!("| {name} |");
        for verb in [Verb::New, Verb::Get, Verb::Touch, Verb::Set, Verb::Unknown] {
            let (rate, processor) = store_per_second(&store, verb, operations).await?;
            print!(" {rate:.0}/s, {processor:.0} µs |");
        }
        println!();
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Verb {
    New,
    Get,
    Touch,
    Set,
    Unknown,
}

/// Processor time of this process so far, in microseconds; 0 where there is no `/proc`.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split(' ');
    // Fields 14 and 15, user and system time, in hundredths of a second.
    fields.skip(12).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() * 1e4
}

/// Operations per second, and microseconds of processor time for each.
async fn store_per_second(store: &FileStore, verb: Verb, tasks: usize) -> Result<(f64, f64), Failure> {
    let total = if matches!(verb, Verb::New) { SESSIONS } else { OPERATIONS / 4 };
    let (start, processor) = (Instant::now(), processor_time());
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in (task..total).step_by(tasks) {
                    once(&store, verb, number % SESSIONS).await?;
                }
                Ok::<(), Failure>(())
            })
        })
        .collect();
    for task in running {
        task.await??;
    }
    Ok((total as f64 / start.elapsed().as_secs_f64(), (processor_time() - processor) / total as f64))
}

async fn once(store: &FileStore, verb: Verb, number: usize) -> Result<(), Failure> {
    let id = id(number)?;
    if let Verb::New = verb {
        store.set(&id, &document(3_600_000)?, Expect::Any).await?;
        return Ok(());
    }
    if let Verb::Unknown = verb {
        store.get(&SessionId::parse(format!("unknown-{number}"))?).await?;
        return Ok(());
    }
    let Some(stored) = store.get(&id).await? else { return Err("the session is missing".into()) };
    match verb {
        Verb::Touch => drop(store.touch(&id, &stored.document, stored.document.cookie()).await?),
        Verb::Set => {
            let mut data = Data::of(stored.document);
            data.insert("views", number)?;
            store.set(&id, &data.encode(), Expect::Revision(&stored.revision)).await?;
        }
        _ => {}
    }
    Ok(())
}

/// 200 000 files, half of them expired: how long a request takes before and during the sweep.
async fn sweep(folder: &Path) -> Result<(), Failure> {
    const FILES: usize = 200_000;
    let store = FileStore::new(FileOptions::new().path(folder))?;
    let now = express_session_core::Clock::now(&express_session_core::SystemClock).0;
    for number in 0..FILES {
        let last = if number % 2 == 0 { 0 } else { now };
        let text =
            document(3_600_000)?.text().replace("\"views\":12345", &format!("\"__lastAccess\":{last}"));
        fs::write(folder.join(format!("{number:032}.json")), text)?;
    }
    let (before, _) = latencies(&store, &AtomicBool::new(false), 400_000).await?;
    println!("get without a sweep: {}", percentiles(before));
    let swept = Arc::new(AtomicBool::new(false));
    let sweeping = tokio::spawn({
        let (store, swept) = (store.clone(), Arc::clone(&swept));
        async move {
            let start = Instant::now();
            let removed = store.sweep().await;
            swept.store(true, Ordering::Relaxed);
            removed.map(|removed| (removed, start.elapsed()))
        }
    });
    let (during, count) = latencies(&store, &swept, usize::MAX).await?;
    println!("get during the sweep ({count} requests): {}", percentiles(during));
    let (removed, took) = sweeping.await??;
    println!("swept {removed} of {FILES} files in {:.1} s", took.as_secs_f64());
    Ok(())
}

/// One request after the other, with a breath in between, until told to stop.
async fn latencies(
    store: &FileStore,
    stop: &AtomicBool,
    limit: usize,
) -> Result<(Vec<Duration>, usize), Failure> {
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Relaxed) && latencies.len() < limit {
        let id = id(latencies.len() * 2 % 200_000 + 1)?;
        let start = Instant::now();
        store.get(&id).await?;
        latencies.push(start.elapsed());
        tokio::task::yield_now().await;
    }
    let count = latencies.len();
    Ok((latencies, count))
}

fn percentiles(mut latencies: Vec<Duration>) -> String {
    latencies.sort_unstable();
    let at = |share: f64| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index below the length"
        )]
        let index = ((latencies.len() - 1) as f64 * share) as usize;
        latencies.get(index).map_or(0.0, |it| it.as_secs_f64() * 1e6)
    };
    format!(
        "median {:.0} µs, 99 % {:.0} µs, 99.9 % {:.0} µs, longest {:.0} µs",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    )
}
