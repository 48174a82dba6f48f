//! Running the program, and stores to run it on.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use express_session_core::{
    Clock as _, Cookie, Data, Document, Expect, SessionId, SessionStore as _, SetOutcome, StoreError,
    SystemClock,
};
use express_session_file::{FileOptions, FileStore};
use express_session_mysql::{MySqlOptions, MySqlStore};
use express_session_redis::{RedisOptions, RedisStore};
use express_session_testbed::MariaDb;
use express_session_testbed::redis::RedisServer;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const HOUR: Duration = Duration::from_hours(1);
/// How long the servers of a test wait for their store: what is tested is not how busy the machine is.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a run has written, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The objects it has written, one a line.
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The program with the store in the environment, as its README says.
pub(crate) fn command(store: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sessionctl"));
    command.args(arguments).env_clear().env("SESSIONCTL_STORE", store);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn run(store: &str, arguments: &[&str]) -> Ran {
    run_with_input(store, arguments, "")
}

pub(crate) fn run_with_input(store: &str, arguments: &[&str], input: &str) -> Ran {
    let mut child = command(store, arguments).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

/// `migrate` with its three arguments.
pub(crate) fn migrate(from: &str, to: &str, state: &Path, more: &[&str]) -> Ran {
    let arguments = ["migrate", "--to", to, "--state", state.to_str().unwrap()];
    run(from, &[&arguments, more].concat())
}

/// A store, and the URL by which the program finds it.
pub(crate) enum Place {
    File(FileStore, TempDir),
    Redis(RedisStore, String),
    MySql(MySqlStore, String),
}

/// Which kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Redis,
    MySql,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::File, Kind::Redis, Kind::MySql];

macro_rules! on {
    ($place:expr, $store:ident => $call:expr) => {
        match $place {
            Place::File($store, _) => $call,
            Place::Redis($store, _) => $call,
            Place::MySql($store, _) => $call,
        }
    };
}

impl Place {
    /// An empty store that nobody else uses.
    pub(crate) async fn fresh(kind: Kind) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        match kind {
            Kind::File => {
                let dir = tempfile::tempdir().unwrap();
                let options = FileOptions::new().path(dir.path()).reap_interval(None);
                Self::File(FileStore::new(options).unwrap(), dir)
            }
            Kind::Redis => {
                let (url, prefix) = (RedisServer::shared().url(), format!("sess-{number}:"));
                let options = RedisOptions::from_url(&url).unwrap().prefix(&prefix);
                let options = options.response_timeout(PATIENCE).connect_timeout(PATIENCE);
                let store = RedisStore::new(options).unwrap();
                Self::Redis(store, format!("{url}?prefix={prefix}"))
            }
            Kind::MySql => {
                let (url, table) = (MariaDb::shared().url("test"), format!("sessions_{number}"));
                let options = MySqlOptions::from_url(&database(&url)).unwrap().table_name(&table);
                let options = options.clear_expired(false).query_timeout(PATIENCE).pool_timeout(PATIENCE);
                let store = MySqlStore::new(options).unwrap();
                store.ready().await.unwrap();
                Self::MySql(store, format!("{url}?table={table}"))
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(_, dir) => format!("file:{}", dir.path().display()),
            Self::Redis(_, url) | Self::MySql(_, url) => url.clone(),
        }
    }

    pub(crate) async fn put(&self, id: &SessionId, document: &Document) {
        on!(self, store => store.set(id, document, Expect::Any).await).unwrap();
    }

    pub(crate) async fn put_for(&self, id: &SessionId, document: &Document, life: Duration) {
        on!(self, store => store.set_for(id, document, Expect::Any, life).await).unwrap();
    }

    pub(crate) async fn get(&self, id: &SessionId) -> Option<Document> {
        on!(self, store => store.get(id).await).unwrap().map(|stored| stored.document)
    }

    /// How much of its life a session has left, as a listing finds it.
    pub(crate) fn left(&self, id: &SessionId) -> Duration {
        let listed = run(&self.url(), &["list", "--json", "--reveal"]).objects();
        let listed = listed.iter().find(|listed| listed["id"] == id.as_str()).expect("it is listed");
        let expires = listed["expires"].as_str().expect("its life is known");
        let cookie = format!(r#"{{"cookie":{{"originalMaxAge":1,"expires":"{expires}"}}}}"#);
        let cookie = Document::parse(cookie).unwrap().unwrap().cookie().clone();
        SystemClock.now().until(cookie.expires().unwrap())
    }

    pub(crate) async fn destroy(&self, id: &SessionId) -> bool {
        on!(self, store => store.destroy(id).await).unwrap()
    }

    /// Adds one to `n`, whatever others do; whether the session is there.
    pub(crate) async fn count(&self, id: &SessionId) -> bool {
        loop {
            let Some(stored) = on!(self, store => store.get(id).await).unwrap() else { return false };
            let mut data = Data::of(stored.document.clone());
            let n: u64 = data.get("n").unwrap().unwrap_or(0);
            data.insert("n", n + 1).unwrap();
            data.cookie_mut().touch(SystemClock.now());
            let next = data.encode();
            let written: Result<SetOutcome, StoreError> =
                on!(self, store => store.set(id, &next, Expect::Revision(&stored.revision)).await);
            match written.unwrap() {
                SetOutcome::Written(_) => return true,
                SetOutcome::Gone => return false,
                SetOutcome::Conflict(_) => {}
            }
        }
    }

    /// Puts bytes where a session would be.
    pub(crate) async fn plant(&self, id: &str, text: &str) {
        match self {
            Self::File(_, dir) => std::fs::write(dir.path().join(format!("{id}.json")), text).unwrap(),
            Self::Redis(_, url) => {
                let prefix = url.rsplit_once('=').unwrap().1;
                RedisServer::shared().command(&["SET", &format!("{prefix}{id}"), text]).unwrap();
            }
            Self::MySql(store, _) => {
                // A row of the store's own, and then other data in it.
                let sid = SessionId::parse(id).unwrap();
                store.set(&sid, &document(1), Expect::Any).await.unwrap();
                run_sql(&format!(
                    "UPDATE test.{} SET data = '{text}' WHERE session_id = '{id}'",
                    self.table()
                ));
            }
        }
    }

    fn table(&self) -> &str {
        let Self::MySql(_, url) = self else { panic!("only MySQL has tables") };
        url.rsplit_once('=').unwrap().1
    }
}

/// Creates the database of the tests, once.
fn database(url: &str) -> String {
    static CREATED: std::sync::OnceLock<()> = std::sync::OnceLock::new();
    CREATED.get_or_init(|| run_sql("CREATE DATABASE IF NOT EXISTS test"));
    url.to_owned()
}

fn run_sql(sql: &str) {
    let server = MariaDb::shared();
    let ran = Command::new("mariadb")
        .arg("--no-defaults")
        .arg(format!("--socket={}", server.socket().display()))
        .args(["--user", express_session_testbed::mariadb::USER])
        .arg(format!("--password={}", express_session_testbed::mariadb::PASSWORD))
        .args(["--execute", sql])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// A session that lives an hour.
pub(crate) fn document(n: u64) -> Document {
    document_of(HOUR, n)
}

pub(crate) fn document_of(max_age: Duration, n: u64) -> Document {
    let mut cookie = Cookie::default();
    cookie.set_max_age(Some(max_age), SystemClock.now());
    let mut data = Data::new(cookie);
    data.insert("n", n).unwrap();
    data.insert("user", "SECRET-VALUE").unwrap();
    data.encode()
}

pub(crate) fn n_of(document: &Document) -> u64 {
    document.get("n").unwrap().unwrap()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
