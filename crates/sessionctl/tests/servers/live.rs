//! A few thousand sessions, from a folder to Redis to MariaDB, while servers write and the program is killed.

use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use express_session_core::SessionId;
use tokio::task::JoinHandle;

use crate::ctl::{Kind, Place, command, document, migrate, n_of, run, runtime};

/// How many sessions move; `tests/move-200000` moves more.
fn sessions() -> usize {
    std::env::var("MOVE_SESSIONS").map_or(3000, |number| number.parse().expect("a number"))
}

/// Servers that count in sessions until they are stopped.
struct Servers {
    stop: Arc<AtomicBool>,
    counted: Arc<Vec<AtomicU64>>,
    tasks: Vec<JoinHandle<u64>>,
}

impl Servers {
    fn start(place: &Arc<Place>, ids: &Arc<Vec<SessionId>>, counted: &Arc<Vec<AtomicU64>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |server: usize| {
            let (place, ids, counted, stop) =
                (Arc::clone(place), Arc::clone(ids), Arc::clone(counted), Arc::clone(&stop));
            tokio::spawn(async move {
                let (mut requests, mut number) = (0, server * 7919);
                while !stop.load(Ordering::Relaxed) {
                    number = (number * 31 + 17) % ids.len();
                    assert!(place.count(&ids[number]).await, "somebody was logged out");
                    counted[number].fetch_add(1, Ordering::Relaxed);
                    requests += 1;
                    tokio::task::yield_now().await;
                }
                requests
            })
        };
        let tasks = (0..4).map(start).collect();
        Self { stop, counted: Arc::clone(counted), tasks }
    }

    /// Waits until they have served so many requests more.
    async fn serve(&self, requests: u64) {
        let served = || self.counted.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>();
        let enough = served() + requests;
        while served() < enough {
            tokio::task::yield_now().await;
        }
    }

    /// Stops them; how many requests they have served.
    async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let mut requests = 0;
        for task in self.tasks {
            requests += task.await.expect("nobody was logged out");
        }
        requests
    }
}

fn start_migration(from: &Place, to: &Place, state: &std::path::Path) -> Child {
    let arguments = ["migrate", "--to", &to.url(), "--state", state.to_str().unwrap(), "--page-size", "100"];
    command(&from.url(), &arguments).spawn().unwrap()
}

/// Waits until the target has some sessions, and not all of them.
async fn wait_until_it_is_under_way(to: &Place) {
    loop {
        let copied = run(&to.url(), &["list", "--json"]).out.lines().count();
        if copied > 100 {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn all_are_there(place: &Place, ids: &[SessionId], counted: &[AtomicU64]) {
    for (id, count) in ids.iter().zip(counted) {
        let document = place.get(id).await.expect("nobody is logged out");
        assert_eq!(n_of(&document), count.load(Ordering::Relaxed), "a request is lost");
    }
}

/// The order of the README: in bulk while servers run on the source, stop them, the rest, start them on the target.
async fn move_house(
    from: Arc<Place>,
    to: Arc<Place>,
    ids: &Arc<Vec<SessionId>>,
    counted: &Arc<Vec<AtomicU64>>,
) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let servers = Servers::start(&from, ids, counted);
    servers.serve(50).await;

    let mut killed = start_migration(&from, &to, &state);
    wait_until_it_is_under_way(&to).await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    servers.serve(50).await;

    let ran = migrate(&from.url(), &to.url(), &state, &["--json"]);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    eprintln!("while servers run, after a kill:\n{}", ran.err);
    let report = ran.objects().remove(0);
    assert_eq!((report["kept"].as_u64(), report["ended"].as_u64()), (Some(0), Some(0)), "{report}");
    let requests = servers.stop().await;
    assert!(requests > 100, "the servers did nothing: {requests}");
    eprintln!("meanwhile {requests} requests were served");

    let ran = migrate(&from.url(), &to.url(), &state, &["--json"]);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    eprintln!("while all are stopped:\n{}", ran.err);
    let report = ran.objects().remove(0);
    assert_eq!((report["kept"].as_u64(), report["ended"].as_u64()), (Some(0), Some(0)), "{report}");
    assert!(report["sessions"].as_u64() == Some(ids.len() as u64), "{report}");
    all_are_there(&to, ids, counted).await;

    let servers = Servers::start(&to, ids, counted);
    servers.serve(200).await;
    let ran = migrate(&from.url(), &to.url(), &state, &["--json", "--remove"]);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    servers.serve(50).await;
    servers.stop().await;
    all_are_there(&to, ids, counted).await;
    assert!(run(&from.url(), &["list"]).out.lines().count() == 1, "only the header is left of the source");
}

#[test]
fn thousands_of_sessions_move_under_load_and_nobody_is_logged_out() {
    runtime().block_on(async {
        let ids: Arc<Vec<_>> = Arc::new((0..sessions()).map(|_| SessionId::generate()).collect());
        let counted: Arc<Vec<_>> = Arc::new(ids.iter().map(|_| AtomicU64::new(0)).collect());
        let [file, redis, mysql] = [
            Arc::new(Place::fresh(Kind::File).await),
            Arc::new(Place::fresh(Kind::Redis).await),
            Arc::new(Place::fresh(Kind::MySql).await),
        ];
        for id in ids.iter() {
            file.put(id, &document(0)).await;
        }
        move_house(file, Arc::clone(&redis), &ids, &counted).await;
        move_house(redis, mysql, &ids, &counted).await;
    });
}
