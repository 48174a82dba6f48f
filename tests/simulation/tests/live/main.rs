//! The promises on real servers, behind a proxy that delays, cuts, swallows and leaves connections half open. Without a
//! clock of its own and without one order of things, so it looks at what browsers were told and what is stored in the end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: a panic is the failure"
)]

mod fleet;
mod proxy;

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use express_session_mysql::mysql_async::Conn;
use express_session_mysql::mysql_async::prelude::Queryable as _;
use express_session_mysql::{MySqlOptions, MySqlStore};
use express_session_redis::{RedisOptions, RedisStore};
use express_session_testbed::MariaDb;
use express_session_testbed::redis::RedisServer;
use fleet::{every_promise_is_kept, server, witness};
use proxy::Proxy;

const SEEDS: u64 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_behind_a_bad_network_keeps_every_promise() {
    let redis = RedisServer::start(&[]).unwrap();
    let mut faults = 0;
    for seed in 0..SEEDS {
        let proxies = [Proxy::start(redis.port(), seed).await, Proxy::start(redis.port(), seed + 100).await];
        let store = |address: String| {
            let options = RedisOptions::from_url(&format!("redis://{address}")).unwrap();
            RedisStore::new(
                options
                    .connections(NonZeroUsize::new(4).unwrap())
                    .response_timeout(Duration::from_millis(400)),
            )
            .unwrap()
        };
        let servers = [0, 1].map(|place| server(store(proxies[place].address.to_string())));
        let witness = witness(store(format!("127.0.0.1:{}", redis.port())));
        let set_bad = |is_bad| proxies.iter().for_each(|proxy| proxy.set_bad(is_bad));
        every_promise_is_kept(servers, &witness, seed, set_bad).await;
        faults += proxies.iter().map(|proxy| proxy.faults.load(Ordering::Relaxed)).sum::<u64>();
    }
    assert!(faults > SEEDS, "only {faults} connections were treated badly");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_behind_a_bad_network_keeps_every_promise() {
    let mariadb = MariaDb::start(&[]).unwrap();
    let base = mariadb.url("");
    let mut connection = Conn::from_url(&base).await.unwrap();
    connection.query_drop("CREATE DATABASE simulation").await.unwrap();
    connection.disconnect().await.unwrap();
    let (before, _) = base.rsplit_once('@').unwrap();
    let mut faults = 0;
    for seed in 0..SEEDS {
        let proxies =
            [Proxy::start(mariadb.port(), seed).await, Proxy::start(mariadb.port(), seed + 100).await];
        let store = |address: String| {
            // The driver would go on to the server's socket, past the proxy.
            let url = format!("{before}@{address}/simulation?prefer_socket=false");
            MySqlStore::new(MySqlOptions::from_url(&url).unwrap().clear_expired(false)).unwrap()
        };
        let servers = [0, 1].map(|place| server(store(proxies[place].address.to_string())));
        let clear = store(format!("127.0.0.1:{}", mariadb.port()));
        clear.ready().await.unwrap();
        let set_bad = |is_bad| proxies.iter().for_each(|proxy| proxy.set_bad(is_bad));
        every_promise_is_kept(servers, &witness(clear), seed, set_bad).await;
        faults += proxies.iter().map(|proxy| proxy.faults.load(Ordering::Relaxed)).sum::<u64>();
    }
    assert!(faults > SEEDS, "only {faults} connections were treated badly");
}
