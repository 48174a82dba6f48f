//! What sharing statements gains: calls per second of a private MariaDB, one by one and shared, on 127.0.0.1.
//!
//! ```console
//! cargo run --release -p express-session-mysql --example shared_statements
//! ```
//!
//! The callers live on two runtimes of one thread each, as Actix's workers do, and each has a session of its own. A read
//! is `get_and_touch` and `touch`, a counter `get` and a conditional `set`. The rounds of both ways alternate, so that
//! what disturbs the machine disturbs both; the processor time per call of the database and of the callers hardly depends
//! on it. Numbers given as arguments are the callers to try: `-- 1 32`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a program to look at, not to build on"
)]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use express_session_core::{
    Cookie, Data, Expect, SessionId, SessionStore as _, SetOutcome, TouchAfter, TouchHint,
};
use express_session_mysql::{MySqlOptions, MySqlStore};
use express_session_testbed::MariaDb;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;
use tokio::task::LocalSet;
use tokio::time::Instant;

/// How long one round lasts.
const ROUND: Duration = Duration::from_millis(700);
const ROUNDS: usize = 5;
const WORKERS: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Page {
    Read,
    Counter,
}

/// What one round has measured.
#[derive(Clone, Copy)]
struct Round {
    per_second: f64,
    /// Per call: the database's processor time in microseconds, ours, and the statements sent.
    costs: [f64; 3],
    p99: Duration,
}

fn main() {
    let callers: Vec<usize> = std::env::args().skip(1).map(|number| number.parse().unwrap()).collect();
    let callers = if callers.is_empty() { vec![1, 8, 32, 128] } else { callers };
    let server = MariaDb::start(&["--max-connections=400"]).unwrap();
    let url = server.url("test");
    let setup = runtime();
    setup.block_on(async {
        use express_session_mysql::mysql_async::{Conn, prelude::Queryable};
        let mut conn = Conn::from_url(server.url("")).await.unwrap();
        conn.query_drop("CREATE DATABASE test").await.unwrap();
        conn.disconnect().await.unwrap();
    });
    println!(
        "| page | callers | one by one | shared | gain | 99 % within | shared | database, µs | shared | callers, µs | shared | statements | shared |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let pid = fs::read_to_string(server.dir().join("mariadb.pid")).unwrap();
    let pid = pid.trim();
    for page in [Page::Read, Page::Counter] {
        for &callers in &callers {
            let [mut alone, mut shared] = [Vec::new(), Vec::new()];
            for _ in 0..ROUNDS {
                for (share, rounds) in [(false, &mut alone), (true, &mut shared)] {
                    rounds.push(round(pid, &url, share, page, callers));
                }
            }
            let (a, s) = (median(&alone), median(&shared));
            println!(
                "| {page:?} | {callers} | {} | {} | {:.2} | {:.1?} | {:.1?} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {:.2} |",
                shown(&alone),
                shown(&shared),
                s.per_second / a.per_second,
                a.p99,
                s.p99,
                a.costs[0],
                s.costs[0],
                a.costs[1],
                s.costs[1],
                a.costs[2],
                s.costs[2]
            );
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// All callers, for one round, on a store of their own.
fn round(pid: &str, url: &str, share: bool, page: Page, callers: usize) -> Round {
    let options = MySqlOptions::from_url(url).unwrap().clear_expired(false).share_statements(share);
    let store = MySqlStore::new(options).unwrap();
    runtime().block_on(store.ready()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let workers = WORKERS.min(callers);
    // A connection belongs to a runtime, so none ends before all are done.
    let done = Arc::new(Barrier::new(workers));
    let before = costs(pid, url);
    let threads: Vec<_> = (0..workers)
        .map(|worker| {
            let (store, stop, done) = (store.clone(), Arc::clone(&stop), Arc::clone(&done));
            let own = callers / workers + usize::from(worker < callers % workers);
            thread::spawn(move || {
                let local = LocalSet::new();
                runtime().block_on(local.run_until(async move {
                    let tasks: Vec<_> = (0..own)
                        .map(|_| tokio::task::spawn_local(call(store.clone(), Arc::clone(&stop), page)))
                        .collect();
                    let begun = Instant::now();
                    tokio::time::sleep(ROUND).await;
                    stop.store(true, Ordering::Relaxed);
                    let mut times = Vec::new();
                    for task in tasks {
                        times.extend(task.await.unwrap());
                    }
                    let took = begun.elapsed();
                    done.wait().await;
                    (times, took)
                }))
            })
        })
        .collect();
    let mut times = Vec::new();
    let mut per_second = 0.0;
    for thread in threads {
        let (own, took) = thread.join().unwrap();
        per_second += own.len() as f64 / took.as_secs_f64();
        times.extend(own);
    }
    times.sort_unstable();
    runtime().block_on(store.close());
    let after = costs(pid, url);
    let costs = [0, 1, 2].map(|which| (after[which] - before[which]) / times.len() as f64);
    Round { per_second, costs, p99: times[times.len() * 99 / 100] }
}

/// One caller, until told to stop: how long each of its calls took.
async fn call(store: MySqlStore, stop: Arc<AtomicBool>, page: Page) -> Vec<Duration> {
    let id = SessionId::generate();
    let mut data = Data::new(Cookie::default());
    data.insert("user", "somebody with a name").unwrap();
    data.insert("text", "x".repeat(200)).unwrap();
    let cookie = Cookie::default();
    let hint = TouchHint { cookie: &cookie, touch_after: TouchAfter::Always };
    let mut count = 0_u64;
    data.insert("count", count).unwrap();
    store.set(&id, &data.encode(), Expect::Any).await.unwrap();
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        match page {
            Page::Read => {
                let found = store.get_and_touch(&id, hint).await.unwrap().unwrap();
                store.touch(&id, &found.document, &cookie).await.unwrap();
            }
            Page::Counter => {
                let found = store.get(&id).await.unwrap().unwrap();
                count += 1;
                data.insert("count", count).unwrap();
                let outcome =
                    store.set(&id, &data.encode(), Expect::Revision(&found.revision)).await.unwrap();
                assert!(matches!(outcome, SetOutcome::Written(_)), "{outcome:?}");
            }
        }
        times.push(begun.elapsed());
    }
    times
}

fn median(rounds: &[Round]) -> Round {
    let mut rates: Vec<f64> = rounds.iter().map(|round| round.per_second).collect();
    rates.sort_by(f64::total_cmp);
    let mut p99: Vec<Duration> = rounds.iter().map(|round| round.p99).collect();
    p99.sort_unstable();
    let cost = |which: usize| {
        let mut costs: Vec<f64> = rounds.iter().map(|round| round.costs[which]).collect();
        costs.sort_by(f64::total_cmp);
        costs[costs.len() / 2]
    };
    Round { per_second: rates[rates.len() / 2], costs: [cost(0), cost(1), cost(2)], p99: p99[p99.len() / 2] }
}

/// What has been spent so far.
fn costs(pid: &str, url: &str) -> [f64; 3] {
    use express_session_mysql::mysql_async::{Conn, prelude::Queryable};
    let statements: (String, f64) = runtime().block_on(async {
        let mut conn = Conn::from_url(url).await.unwrap();
        conn.query_first("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'").await.unwrap().unwrap()
    });
    [processor_time(pid) * 1e6, processor_time("self") * 1e6, statements.1]
}

/// What a process has used, in seconds. Linux counts in hundredths.
fn processor_time(pid: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// The median, and from the slowest to the quickest round.
fn shown(rounds: &[Round]) -> String {
    let rates = || rounds.iter().map(|round| round.per_second);
    let (least, most) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
    format!("{:.0} ({least:.0}–{most:.0})", median(rounds).per_second)
}
