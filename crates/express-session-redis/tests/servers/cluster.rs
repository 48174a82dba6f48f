//! A cluster: keys on all masters, slots that move, a master that dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use express_session_core::{Expect, SessionStore as _, SessionStoreAdmin as _, StoreError};
use express_session_redis::{RedisOptions, RedisPool, RedisStore};
use express_session_testbed::redis::RedisCluster;

use crate::support::{copied, document, eventually, id, n_of, own_options, store_on_pool, written};

fn store_on(cluster: &RedisCluster, options: RedisOptions) -> RedisStore {
    let urls = cluster.urls();
    store_on_pool(RedisPool::cluster(urls.iter().map(String::as_str)).unwrap(), options)
}

#[tokio::test]
async fn operators_see_the_keys_of_all_masters() {
    let store = store_on(RedisCluster::shared(), own_options().scan_count(7));
    let others = store_on(RedisCluster::shared(), own_options());
    written(others.set(&id("a"), &document(0), Expect::Any).await.unwrap());
    for number in 0..300 {
        written(store.set(&id(&number.to_string()), &document(number), Expect::Any).await.unwrap());
    }
    assert_eq!(store.length().await.unwrap(), 300);
    assert_eq!(express_session_contract::ids(&store).await.unwrap().len(), 300);
    let all = express_session_contract::all(&store).await.unwrap();
    assert_eq!(all.len(), 300);
    assert!(all.iter().all(|(id, document)| id.as_str() == n_of(document).to_string()));
    store.clear().await.unwrap();
    assert_eq!(store.length().await.unwrap(), 0);
    assert_eq!(others.length().await.unwrap(), 1);
}

/// MOVED and ASK: a slot is moved from one master to another, key by key, while its sessions are in use.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_stay_in_use_while_their_slot_moves() {
    let mut cluster = RedisCluster::start().unwrap();
    let store = store_on(&cluster, RedisOptions::new().prefix("{tag}:"));
    for number in 0..20 {
        written(store.set(&id(&number.to_string()), &document(0), Expect::Any).await.unwrap());
    }
    let from = cluster.master_of("{tag}:0").unwrap();
    let to = (from + 1) % 3;
    let nodes = cluster.nodes();
    let say = |node: usize, arguments: &[&str]| nodes[node].command(arguments).unwrap();
    let text = |answer: String| answer.lines().nth(1).unwrap_or_default().to_owned();
    let (from_id, to_id) = (text(say(from, &["CLUSTER", "MYID"])), text(say(to, &["CLUSTER", "MYID"])));
    let slot = say(from, &["CLUSTER", "KEYSLOT", "{tag}:0"]).trim().trim_start_matches(':').to_owned();
    let end = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(count_everything_up(store.clone(), Arc::clone(&end)));
    say(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
    say(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
    let port = nodes[to].port().to_string();
    for number in 0..20 {
        let key = format!("{{tag}}:{number}");
        say(from, &["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for node in [to, from] {
        say(node, &["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    end.store(true, Ordering::SeqCst);
    let counts = tokio::time::timeout(crate::support::PATIENCE, load).await.unwrap().unwrap().unwrap();
    assert!(counts.iter().all(|count| *count > 0));
    for (number, count) in counts.iter().enumerate() {
        let stored = store.get(&id(&number.to_string())).await.unwrap().unwrap();
        assert_eq!(n_of(&stored.document), *count, "of session {number}");
    }
    assert_eq!(store.length().await.unwrap(), 20);
}

/// Counts up twenty sessions in turn, until told to end; how often each was acknowledged.
async fn count_everything_up(store: RedisStore, end: Arc<AtomicBool>) -> Result<Vec<i64>, StoreError> {
    let mut counts = vec![0; 20];
    while !end.load(Ordering::SeqCst) {
        for (number, count) in counts.iter_mut().enumerate() {
            let id = id(&number.to_string());
            let stored = store.get(&id).await?.expect("it was never destroyed");
            let next = document(n_of(&stored.document) + 1);
            written(store.set(&id, &next, Expect::Revision(&stored.revision)).await?);
            *count += 1;
        }
    }
    Ok(counts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_master_killed_under_load_is_replaced_and_the_others_serve_on() {
    let mut cluster = RedisCluster::start().unwrap();
    let store = store_on(&cluster, RedisOptions::new());
    for number in 0..60 {
        written(store.set(&id(&number.to_string()), &document(number), Expect::Any).await.unwrap());
    }
    for master in &cluster.nodes()[..3] {
        copied(master, 1).await;
    }
    let victim = cluster.master_of("sess:0").unwrap();
    let load = tokio::spawn({
        let store = store.clone();
        async move {
            let mut errors = Vec::new();
            loop {
                match store.set(&id("0"), &document(0), Expect::Any).await {
                    Ok(_) if !errors.is_empty() => return errors,
                    Ok(_) => {}
                    Err(error) => errors.push(error),
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    cluster.nodes()[victim].kill().unwrap();
    let errors: Vec<StoreError> =
        tokio::time::timeout(crate::support::PATIENCE, load).await.unwrap().unwrap();
    assert!(errors.iter().all(StoreError::is_outage), "{errors:?}");
    for number in 0..60 {
        let stored = eventually(async || store.get(&id(&number.to_string())).await).await.unwrap();
        assert_eq!(n_of(&stored.document), number);
    }
    assert_eq!(store.length().await.unwrap(), 60);
}

#[tokio::test]
async fn a_cluster_that_was_down_as_a_whole_is_found_again() {
    let mut cluster = RedisCluster::start().unwrap();
    let store = store_on(&cluster, RedisOptions::new());
    written(store.set(&id("a"), &document(1), Expect::Any).await.unwrap());
    for node in cluster.nodes() {
        node.kill().unwrap();
    }
    for _ in 0..3 {
        assert!(store.get(&id("a")).await.unwrap_err().is_outage());
    }
    for node in cluster.nodes() {
        node.restart().unwrap();
    }
    written(eventually(async || store.set(&id("b"), &document(2), Expect::Any).await).await);
    assert_eq!(n_of(&store.get(&id("b")).await.unwrap().unwrap().document), 2);
}
