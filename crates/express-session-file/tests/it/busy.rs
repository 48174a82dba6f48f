//! Sessions whose files another process has locked.

use std::fs::File;
use std::sync::Arc;

use express_session_core::{Expect, SessionStore as _, SetOutcome};
use express_session_file::DEFAULT_THREADS;

use crate::support::{Fixture, empty, id};

/// An I/O thread once slept while it waited for a lock: three sessions for each thread, and nobody else was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_sessions_keep_nobody_else_waiting() {
    let fixture = Arc::new(Fixture::new());
    let names: Vec<_> = (0..3 * DEFAULT_THREADS).map(|number| format!("locked-{number}")).collect();
    let mut locks = Vec::new();
    for name in &names {
        fixture.set(name, &empty()).await;
        // A lock belongs to the opened file: that of this process keeps the store out as another's would.
        let file = File::open(fixture.file(&format!("{name}.json"))).unwrap();
        file.lock().unwrap();
        locks.push(file);
    }
    let mut blocked = Vec::new();
    for name in names {
        let fixture = Arc::clone(&fixture);
        blocked.push(tokio::spawn(async move {
            fixture.store.set(&id(&name), &empty(), Expect::Any).await.unwrap()
        }));
    }
    for number in 0..200 {
        fixture.set("free", &empty()).await;
        assert!(fixture.store.get(&id("free")).await.unwrap().is_some(), "{number}");
    }
    assert!(blocked.iter().all(|writer| !writer.is_finished()), "they wait for their locks");
    drop(locks);
    for writer in blocked {
        assert!(matches!(writer.await.unwrap(), SetOutcome::Written(_)));
    }
}
