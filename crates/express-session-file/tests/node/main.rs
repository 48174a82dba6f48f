//! The real session-file-store and ours on one folder. Needs node and npm, and a network the first time:
//! `cargo test -p express-session-file --features node-tests --test node`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is the failure")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use express_session_core::{
    Cookie, Data, Document, Expect, SessionId, SessionStore as _, SessionStoreAdmin as _, SetOutcome,
    TouchOutcome,
};
use express_session_file::{FileOptions, FileStore};
use serde_json::Value;
use tempfile::TempDir;

const PACKAGES: [&str; 2] = ["session-file-store@1.5.0", "express-session@1.19.0"];

/// Where the packages are installed, once.
fn packages() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("session-file-store");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("package.json"), "{\"private\":true}").unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund"]).args(PACKAGES).current_dir(&folder);
        assert!(npm.status().expect("npm is installed").success(), "npm cannot install {PACKAGES:?}");
        folder
    })
}

/// One folder, two servers.
struct Shared {
    dir: TempDir,
    store: FileStore,
    secret: &'static str,
}

impl Shared {
    fn new(secret: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = FileOptions::new().path(dir.path()).reap_interval(None);
        let options = if secret.is_empty() { options } else { options.secret(secret) };
        Self { store: FileStore::new(options).unwrap(), dir, secret }
    }

    fn command(&self, verb: &str, argument: &str) -> Command {
        let mut node = Command::new("node");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/store.js");
        node.arg(script).arg(self.dir.path()).args([self.secret, verb, "sid", argument]);
        node.env("NODE_PATH", packages().join("node_modules"));
        node
    }

    fn node(&self, verb: &str, argument: &str) -> Value {
        let output =
            self.command(verb, argument).stderr(Stdio::inherit()).output().expect("node is installed");
        assert!(output.status.success(), "node failed at {verb}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    async fn read(&self) -> express_session_core::Stored {
        self.store.get(&sid()).await.unwrap().expect("a live session")
    }
}

fn sid() -> SessionId {
    SessionId::parse("sid").unwrap()
}

fn numbered(n: u64) -> Document {
    let mut data = Data::new(Cookie::default());
    data.insert("n", n).unwrap();
    data.encode()
}

async fn both_servers_take_turns(secret: &'static str) {
    let shared = Shared::new(secret);
    let store = &shared.store;
    store.set(&sid(), &numbered(1), Expect::Any).await.unwrap();
    let seen = shared.node("get", "");
    assert_eq!(seen["n"], 1);
    assert_eq!(seen.as_object().unwrap().keys().collect::<Vec<_>>(), ["cookie", "n", "__lastAccess"]);

    let before = shared.read().await;
    shared.node("set", r#"{"n":2,"user":"caf\u00e9 \ud83c\udf6a"}"#);
    let now = shared.read().await;
    assert_eq!(now.document.get::<u64>("n").unwrap(), Some(2));
    assert_eq!(now.document.get::<String>("user").unwrap().as_deref(), Some("caf\u{e9} \u{1f36a}"));
    let stale = store.set(&sid(), &before.document, Expect::Revision(&before.revision)).await.unwrap();
    assert!(matches!(stale, SetOutcome::Conflict(_)), "a write by Node is a conflict: {stale:?}");

    assert_eq!(
        store.touch(&sid(), &now.document, now.document.cookie()).await.unwrap(),
        TouchOutcome::Touched
    );
    assert_eq!(shared.node("get", "")["user"], "caf\u{e9} \u{1f36a}");
    shared.node("touch", "");
    assert_eq!(shared.read().await.document.get::<u64>("n").unwrap(), Some(2));

    assert_eq!(shared.node("length", ""), 1);
    let last = shared.read().await;
    shared.node("destroy", "");
    let gone = store.set(&sid(), &last.document, Expect::Revision(&last.revision)).await.unwrap();
    assert!(matches!(gone, SetOutcome::Gone), "a logout at Node wins: {gone:?}");
    assert_eq!(store.length().await.unwrap(), 0);
}

#[tokio::test]
async fn both_servers_take_turns_on_plain_files() {
    both_servers_take_turns("").await;
}

#[tokio::test]
async fn both_servers_take_turns_on_encrypted_files() {
    both_servers_take_turns("a file secret of some length").await;
}

/// Neither sees anything but whole sessions while the other writes.
#[tokio::test(flavor = "multi_thread")]
async fn both_servers_at_once() {
    let shared = Shared::new("");
    let store = &shared.store;
    store.set(&sid(), &numbered(0), Expect::Any).await.unwrap();
    for verb in ["watch", "hammer"] {
        let mut node = shared.command(verb, "500").stdout(Stdio::null()).spawn().unwrap();
        let mut writes = 0_u64;
        let status = loop {
            let stored = shared.read().await;
            writes += 1;
            let mut data = Data::of(stored.document);
            data.insert("ours", "y".repeat(usize::try_from(writes * 53 % 5000).unwrap())).unwrap();
            let outcome =
                store.set(&sid(), &data.encode(), Expect::Revision(&stored.revision)).await.unwrap();
            assert!(!matches!(outcome, SetOutcome::Gone), "a live session was taken for gone");
            if let Some(status) = node.try_wait().unwrap() {
                break status;
            }
        };
        assert!(status.success(), "{verb}: Node saw something else than a session");
    }
}
