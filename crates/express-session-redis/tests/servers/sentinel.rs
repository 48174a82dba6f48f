//! A master dies, and Sentinel makes another one.

use std::time::Duration;

use express_session_core::{Expect, SessionStore as _, StoreError};
use express_session_redis::{RedisOptions, RedisPool};
use express_session_testbed::redis::{RedisSentinel, command};

use crate::support::{copied, document, eventually, id, n_of, store_on_pool, written};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failover_under_load_is_bounded_and_loses_no_session_that_was_copied() {
    let mut group = RedisSentinel::start().unwrap();
    let urls = group.urls();
    let pool = RedisPool::sentinel(urls.iter().map(String::as_str), RedisSentinel::MASTER).unwrap();
    let limit = Duration::from_millis(500);
    let store = store_on_pool(pool, RedisOptions::new().connect_timeout(limit).response_timeout(limit));
    for number in 0..50 {
        written(store.set(&id(&number.to_string()), &document(number), Expect::Any).await.unwrap());
    }
    copied(&group.servers()[0], 2).await;
    let load = tokio::spawn({
        let store = store.clone();
        async move {
            let mut errors: Vec<StoreError> = Vec::new();
            // From the death of the old master until the new one takes writes.
            loop {
                match store.set(&id("load"), &document(1), Expect::Any).await {
                    Ok(_) if !errors.is_empty() => return errors,
                    Ok(_) => {}
                    Err(error) => errors.push(error),
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    group.servers()[0].kill().unwrap();
    let errors = tokio::time::timeout(crate::support::PATIENCE, load).await.unwrap().unwrap();
    assert!(errors.iter().all(StoreError::is_outage), "{errors:?}");
    for number in 0..50 {
        let stored = eventually(async || store.get(&id(&number.to_string())).await).await.unwrap();
        assert_eq!(n_of(&stored.document), number);
        let next = document(number + 1);
        written(
            store.set(&id(&number.to_string()), &next, Expect::Revision(&stored.revision)).await.unwrap(),
        );
    }
    // The old master comes back as a replica; nobody goes to it.
    group.servers()[0].restart().unwrap();
    written(eventually(async || store.set(&id("a"), &document(1), Expect::Any).await).await);
}

/// Frozen, replaced and woken, a master goes on as one for about ten seconds: whatever it takes then is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_process_writes_nothing_to_a_master_that_was_replaced_and_wakes() {
    let mut group = RedisSentinel::start().unwrap();
    let urls = group.urls();
    let pool = RedisPool::sentinel(urls.iter().map(String::as_str), RedisSentinel::MASTER).unwrap();
    let store = store_on_pool(pool, RedisOptions::new());
    written(store.set(&id("before"), &document(1), Expect::Any).await.unwrap());
    copied(&group.servers()[0], 2).await;
    let old = group.servers()[0].port();
    group.servers()[0].process().signal("STOP").unwrap();
    let master = eventually(async || {
        let named: Vec<_> = group.sentinel_ports().map(master_of).collect();
        if named.iter().all(|port| *port == named[0] && *port != old) { Ok(named[0]) } else { Err(named) }
    })
    .await;
    group.servers()[0].process().signal("CONT").unwrap();
    written(eventually(async || store.set(&id("after"), &document(2), Expect::Any).await).await);
    let new = group.servers().iter().find(|server| server.port() == master).unwrap();
    for name in ["before", "after"] {
        let there = new.command(&["EXISTS", &format!("sess:{name}")]).unwrap();
        assert!(there.contains('1'), "{name} is not on the new master: {there}");
    }
}

fn master_of(sentinel: u16) -> u16 {
    let named = command(sentinel, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", RedisSentinel::MASTER]).unwrap();
    named.lines().rev().find_map(|line| line.trim().parse().ok()).unwrap()
}

#[tokio::test]
async fn a_dead_sentinel_hides_nothing() {
    let group = RedisSentinel::shared();
    let nobody = format!("redis://127.0.0.1:{}", express_session_testbed::free_port().unwrap());
    let mut urls = vec![nobody.as_str()];
    let living = group.urls();
    urls.extend(living.iter().map(String::as_str));
    let store = store_on_pool(RedisPool::sentinel(urls, RedisSentinel::MASTER).unwrap(), RedisOptions::new());
    store.ready().await.unwrap();
    let unknown = RedisPool::sentinel(living.iter().map(String::as_str), "nobody").unwrap();
    let error = store_on_pool(unknown, RedisOptions::new()).get(&id("a")).await.unwrap_err();
    assert!(error.is_outage(), "{error:?}");
}
