//! Compare-and-set across processes.

use express_session_core::{Data, Expect, SessionStore as _, SetOutcome};
use express_session_file::FileStore;

use crate::{block_on, id, open, role, start, with};

const PROCESSES: u64 = 4;
const TASKS: u64 = 4;
const INCREMENTS: u64 = 100;

pub(crate) fn exact() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    block_on(store.set(&id("counter"), &with("n", 0), Expect::Any)).unwrap();
    let children: Vec<_> = (0..PROCESSES).map(|_| start(&mut role("count", dir.path()))).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "a counting process failed");
    }
    let stored = block_on(store.get(&id("counter"))).unwrap().unwrap();
    assert_eq!(stored.document.get::<u64>("n").unwrap(), Some(PROCESSES * TASKS * INCREMENTS));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "something was left behind");
}

pub(crate) fn child(arguments: &[String]) {
    let store = open(&arguments[0]);
    block_on(async {
        let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(count(store.clone()))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn count(store: FileStore) {
    let id = id("counter");
    for _ in 0..INCREMENTS {
        let mut stored = store.get(&id).await.unwrap().expect("the counter is there");
        loop {
            let n: u64 = stored.document.get("n").unwrap().unwrap();
            let mut data = Data::of(stored.document);
            data.insert("n", n + 1).unwrap();
            match store.set(&id, &data.encode(), Expect::Revision(&stored.revision)).await.unwrap() {
                SetOutcome::Written(_) => break,
                SetOutcome::Conflict(newer) => stored = *newer,
                SetOutcome::Gone => panic!("the counter is gone"),
            }
        }
    }
}
