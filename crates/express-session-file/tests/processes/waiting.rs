//! A process that was stopped while it held a session's lock.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use express_session_core::{Expect, SessionStore as _, StoreError};
use express_session_file::LOCK_LIMIT;

use crate::{block_on, id, open, role, start, with};

pub(crate) fn timeout() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    block_on(async {
        store.set(&id("sid"), &with("n", 1), Expect::Any).await.unwrap();
        let mut child = start(&mut role("hold", dir.path()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        let blocked = store.set(&id("sid"), &with("n", 2), Expect::Any).await;
        assert!(matches!(blocked, Err(StoreError::Timeout(limit)) if limit == LOCK_LIMIT), "{blocked:?}");
        assert!(store.get(&id("sid")).await.unwrap().is_some(), "reading needs no lock");
        assert!(
            store.set(&id("other"), &with("n", 2), Expect::Any).await.is_ok(),
            "others are not concerned"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        store.set(&id("sid"), &with("n", 2), Expect::Any).await.expect("a dead process holds no lock");
    });
}

pub(crate) fn child(arguments: &[String]) {
    let file = File::open(Path::new(&arguments[0]).join("sid.json")).unwrap();
    file.lock().unwrap();
    println!("held");
    // Until killed.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
