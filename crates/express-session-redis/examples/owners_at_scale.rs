//! Owners' lists after everything that can go wrong: `cargo run --release -p express-session-redis --example owners_at_scale
//! [sessions] [owners]`, by default 1 000 000 of 10 000.
//!
//! On a private Redis everybody logs in, two servers side by side, and one login in ten dies between any two of its steps.
//! Of the sessions a third then expires, a third is destroyed by a Node process with connect-redis, and a third is read, changed and
//! written by it. After that every owner's list is asked for once, and compared with what is really stored. Node's packages are
//! those of the lab: `make deps` installs them.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an experiment: it says what it finds, and panics if it cannot go on"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write as _};
use std::net::IpAddr;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::task::Poll;
use std::time::Duration;

use deadpool_redis::redis::{Cmd, Pipeline};
use express_session_core::{
    Clock as _, NoTimer, Options, Owner, RequestHead, SessionId, SessionManager, SystemClock,
};
use express_session_redis::{RedisOptions, RedisPool, RedisStore, deadpool_redis};
use express_session_testbed::redis::RedisServer;
use futures_util::stream::{self, StreamExt as _};
use indicatif::ProgressBar;

/// How many logins or listings are under way at once.
const AT_ONCE: usize = 64;

struct NoCookie;

impl RequestHead for NoCookie {
    fn path(&self) -> &'static str {
        "/"
    }
    fn is_tls(&self) -> bool {
        false
    }
    fn peer_addr(&self) -> Option<IpAddr> {
        None
    }
    fn headers(&self, _: &str, _: &mut dyn FnMut(&[u8])) {}
}

/// Logs somebody in; the session's id. A process that dies at a moment polls no further: `None` then.
async fn log_in(server: &SessionManager, owner: usize, dies_after: Option<u32>) -> Option<SessionId> {
    let login = async {
        let session = server.begin(&NoCookie).await.unwrap().unwrap();
        session.set_owner(owner).unwrap();
        session.set_label("Firefox on Linux");
        session.finish().await.unwrap();
        session.id()
    };
    let Some(dies_after) = dies_after else { return Some(login.await) };
    let (mut login, mut polls) = (pin!(login), 0);
    std::future::poll_fn(|context| {
        polls += 1;
        match login.as_mut().poll(context) {
            Poll::Ready(id) => Poll::Ready(Some(id)),
            Poll::Pending if polls > dies_after => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn each(server: &RedisPool, commands: impl Iterator<Item = Cmd>, bar: &ProgressBar) {
    let RedisPool::Single(pool) = server else { return };
    let mut connection = pool.get().await.unwrap();
    let mut commands = commands.peekable();
    while commands.peek().is_some() {
        let mut pipeline = Pipeline::new();
        let mut count = 0;
        for command in commands.by_ref().take(1000) {
            pipeline.add_command(command).ignore();
            count += 1;
        }
        pipeline.query_async::<()>(&mut connection).await.unwrap();
        bar.inc(count);
    }
}

/// Has a Node process destroy a third of the sessions, and write another one.
fn node_writes(url: &str, known: &[SessionId]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/node_writer.js");
    let mut node = Command::new("node").args([script, url]).stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = BufWriter::new(node.stdin.take().unwrap());
    for (number, id) in known.iter().enumerate().filter(|(number, _)| number % 3 > 0) {
        let verb = if number % 3 == 1 { "destroy" } else { "write" };
        writeln!(lines, "{verb} {}", id.as_str()).unwrap();
    }
    drop(lines);
    assert!(node.wait().unwrap().success(), "the Node process failed");
}

/// What is really stored: the ids of each owner.
async fn stored(server: &RedisPool, prefix: &str) -> BTreeMap<String, BTreeSet<String>> {
    let RedisPool::Single(pool) = server else { return BTreeMap::new() };
    let mut connection = pool.get().await.unwrap();
    let (mut found, mut cursor) = (BTreeMap::<String, BTreeSet<String>>::new(), 0_u64);
    loop {
        let mut scan = Cmd::new();
        scan.arg("SCAN").arg(cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(1000);
        let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await.unwrap();
        if !keys.is_empty() {
            let mut get = Cmd::new();
            get.arg("MGET").arg(&keys);
            let values: Vec<Option<String>> = get.query_async(&mut connection).await.unwrap();
            for (key, value) in keys.iter().zip(values) {
                let owner = value
                    .as_deref()
                    .and_then(|value| value.split_once(r#""__owner":""#)?.1.split('"').next());
                if let Some(owner) = owner {
                    found.entry(owner.to_owned()).or_default().insert(key[prefix.len()..].to_owned());
                }
            }
        }
        cursor = next;
        if cursor == 0 {
            return found;
        }
    }
}

/// How many entries all lists have.
async fn entries(server: &RedisPool, owners: usize) -> u64 {
    let RedisPool::Single(pool) = server else { return 0 };
    let mut connection = pool.get().await.unwrap();
    let mut pipeline = Pipeline::new();
    for owner in 0..owners {
        pipeline.add_command(Cmd::new().arg("ZCARD").arg(format!("owned:sess:{owner}")).to_owned());
    }
    pipeline.query_async::<Vec<u64>>(&mut connection).await.unwrap().iter().sum()
}

fn bar(what: &'static str, count: usize) -> ProgressBar {
    ProgressBar::new(count as u64).with_message(what)
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>().unwrap());
    let sessions = arguments.next().unwrap_or(1_000_000);
    let owners = arguments.next().unwrap_or(10_000);
    let redis = RedisServer::start(&[]).unwrap();
    let pool = RedisPool::url(&redis.url()).unwrap();
    let servers = [(), ()].map(|()| {
        let store = RedisStore::new(RedisOptions::new().pool(pool.clone())).unwrap();
        let options = Options::new(["a secret that is only known to this experiment"]).build().unwrap();
        SessionManager::with_clock(store, options, SystemClock, NoTimer)
    });

    let since = SystemClock.now();
    let progress = bar("logins", sessions);
    let logins = stream::iter(0..sessions).map(|number| {
        let server = &servers[number % 2];
        let dies_after = (number % 10 == 9).then_some(u32::try_from(number / 10 % 12).unwrap());
        log_in(server, number % owners, dies_after)
    });
    let ids: Vec<_> = logins.buffer_unordered(AT_ONCE).inspect(|_| progress.inc(1)).collect().await;
    let known: Vec<SessionId> = ids.into_iter().flatten().collect();
    println!("{} of {sessions} logins were answered, in {:?}", known.len(), since.until(SystemClock.now()));

    let key = |id: &SessionId| format!("sess:{}", id.as_str());
    let progress = bar("ends", known.len());
    let expire = known.iter().step_by(3);
    each(&pool, expire.map(|id| Cmd::new().arg("PEXPIRE").arg(key(id)).arg(1).to_owned()), &progress).await;
    node_writes(&redis.url(), &known);
    let before = entries(&pool, owners).await;

    let since = SystemClock.now();
    let progress = bar("listings", owners);
    let listings = stream::iter(0..owners).map(async |owner| {
        let list = servers[owner % 2].sessions_of(Owner::new(owner).unwrap()).list().await.unwrap();
        progress.inc(1);
        let ids: BTreeSet<_> = list.iter().map(|session| session.id().as_str().to_owned()).collect();
        (owner.to_string(), ids)
    });
    let listed: BTreeMap<_, _> = listings.buffer_unordered(AT_ONCE).collect().await;
    let took = since.until(SystemClock.now());

    let truth = stored(&pool, "sess:").await;
    let acknowledged: BTreeSet<_> = known.iter().map(SessionId::as_str).collect();
    let (mut stale, mut missing, mut unacknowledged) = (0, 0, 0);
    for (owner, listed) in &listed {
        let stored = truth.get(owner).cloned().unwrap_or_default();
        stale += listed.difference(&stored).count();
        for id in stored.difference(listed) {
            // A login that died after its write: nobody was told of it, and it is listed once somebody comes with it.
            if acknowledged.contains(id.as_str()) { missing += 1 } else { unacknowledged += 1 }
        }
    }
    let live: usize = truth.values().map(BTreeSet::len).sum();
    println!(
        "listed {owners} owners in {took:?}: {stale} stale, {missing} missing, {unacknowledged} that nobody was told of"
    );
    println!("{live} sessions are live; entries: {before} before, {} after", entries(&pool, owners).await);
    tokio::time::sleep(Duration::from_secs(31)).await;
    for owner in 0..owners {
        servers[0].sessions_of(Owner::new(owner).unwrap()).list().await.unwrap();
    }
    println!("half a minute later, when pending entries have gone: {} entries", entries(&pool, owners).await);
    assert_eq!((stale, missing), (0, 0));
}
