//! Kill -9 in the middle of writing.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use express_session_core::{
    Clock as _, Cookie, Data, Document, Expect, SessionId, SessionStore as _, SessionStoreAdmin as _,
    SetOutcome, SystemClock, TouchOutcome,
};
use express_session_file::{FileStore, QUARANTINE_FOLDER};

use crate::{block_on, id, open, role, start};

const KILLS: u64 = 200;
const SESSIONS: usize = 6;

/// No torn, no lost, no half session; nothing that a sweep does not clear away.
pub(crate) fn lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = [0_u64; SESSIONS];
    let mut written = 0;
    for round in 0..KILLS {
        let before = acknowledged;
        write_until_killed(dir.path(), round, &mut acknowledged);
        for (number, version) in acknowledged.iter_mut().enumerate() {
            *version = verify(dir.path(), number, *version);
        }
        written += acknowledged.iter().sum::<u64>() - before.iter().sum::<u64>();
    }
    assert!(written > KILLS * SESSIONS as u64, "only {written} versions were written: no load");
    assert!(!dir.path().join(QUARANTINE_FOLDER).exists(), "something was corrupt");
    let left = left_over(dir.path());
    println!("  {written} writes, {} temporary files left behind by {KILLS} kills", left.len());
    for path in left {
        let long_ago = SystemTime::from(SystemClock.now()) - Duration::from_hours(2);
        File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }
    assert_eq!(block_on(open(dir.path()).sweep()).unwrap(), 0, "a live session was swept");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), SESSIONS, "not swept clean");
}

fn write_until_killed(folder: &Path, round: u64, acknowledged: &mut [u64; SESSIONS]) {
    let mut child = start(&mut role("write", folder));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut note = |line: &str| {
        // Without the dot it was cut off, and so was not acknowledged.
        let Some((number, version)) = line.strip_suffix('.').and_then(|line| line.split_once(' ')) else {
            return;
        };
        acknowledged[number.parse::<usize>().unwrap()] = version.parse().unwrap();
    };
    note(&lines.next().expect("the child writes").unwrap());
    // Another phase of a write each time.
    thread::sleep(Duration::from_micros(round * 7919 % 6000));
    child.kill().unwrap();
    child.wait().unwrap();
    lines.map_while(Result::ok).for_each(|line| note(&line));
}

/// The stored version: what was acknowledged, or the one write that was under way.
fn verify(folder: &Path, number: usize, acknowledged: u64) -> u64 {
    let file = folder.join(format!("s{number}.json"));
    let Ok(bytes) = fs::read(&file) else {
        assert_eq!(acknowledged, 0, "session {number} is lost");
        return 0;
    };
    let document = Document::decode(&bytes).expect("no torn session").expect("no empty session");
    let version: u64 = document.get("version").unwrap().unwrap();
    let body: String = document.get("body").unwrap().unwrap();
    assert_eq!(body, body_of(version), "session {number} is half of one version and half of another");
    assert!(document.get_raw("__lastAccess").is_some());
    assert!(
        version == acknowledged || version == acknowledged + 1,
        "session {number} is at {version}, but {acknowledged} was acknowledged"
    );
    version
}

fn left_over(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.filter(|it| it.file_name().to_str().unwrap().starts_with(".tmp-")).map(|it| it.path()).collect()
}

/// Of another length for every version, up to several pages.
fn body_of(version: u64) -> String {
    format!("{version},").repeat(usize::try_from(version * 37 % 2000).unwrap())
}

pub(crate) fn child(arguments: &[String]) {
    let store = open(&arguments[0]);
    block_on(async {
        let tasks: Vec<_> = (0..SESSIONS).map(|number| tokio::spawn(write(store.clone(), number))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// Writes version after version, by all verbs that write, and acknowledges each on standard output.
async fn write(store: FileStore, number: usize) {
    let id: SessionId = id(&format!("s{number}"));
    let found = store.get(&id).await.unwrap();
    let mut version = found.as_ref().map_or(0, |it| it.document.get("version").unwrap().unwrap());
    let mut revision = found.map(|it| it.revision);
    loop {
        version += 1;
        let mut data = Data::new(Cookie::default());
        data.insert("version", version).unwrap();
        data.insert("body", body_of(version)).unwrap();
        let document = data.encode();
        let expect = revision.as_ref().filter(|_| version % 3 > 0).map_or(Expect::Any, Expect::Revision);
        let SetOutcome::Written(new) = store.set(&id, &document, expect).await.unwrap() else {
            panic!("nobody else writes this session")
        };
        revision = Some(new);
        // One write, so that lines of several tasks do not mix; the dot says that it is whole.
        std::io::stdout().lock().write_all(format!("{number} {version}.\n").as_bytes()).unwrap();
        if version % 5 == 0 {
            assert_eq!(store.touch(&id, &document, document.cookie()).await.unwrap(), TouchOutcome::Touched);
            revision = None;
        }
    }
}
