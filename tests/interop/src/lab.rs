//! Runs scripts on Node alone, on Rust alone and on both together, and compares after every step.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use express_session_testbed::{MariaDb, mariadb, redis::RedisServer};
use futures_util::future::try_join;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::client::{Answer, Call, Client};
use crate::config::{Backend, OptionSet, ServerConfig, Space, StoreKind};
use crate::cookies::{cookie_header, session_id};
use crate::jar::Jar;
use crate::mismatch::compare;
pub use crate::mismatch::{Difference, Mismatch, Observation};
use crate::node::NodeServer;
use crate::probe::{Entries, FileProbe, MemoryProbes, MysqlProbe, Probe, RedisProbe};
use crate::script::{Script, Side, Step};
use crate::server::{RustServer, Sabotage, mysql_url};

/// The instant at which every script begins: 2030-01-02T03:04:05.678Z, as in the recorded vectors.
pub const START: i64 = 1_893_553_445_678;

/// How long a slow request is alone before the quick one comes; slow ones take ten times as long.
const HEAD_START: Duration = Duration::from_millis(60);

/// Two servers and their store.
#[derive(Debug)]
pub struct Lab {
    /// The option sets both servers know.
    pub option_sets: Vec<OptionSet>,
    store: StoreKind,
    probe: Probe,
    client: Client,
    rust: RustServer,
    node: NodeServer,
    // Last, so that the servers go before their store.
    _server: StoreServer,
}

#[derive(Debug)]
enum StoreServer {
    None,
    Folder(#[allow(dead_code, reason = "held for its end")] TempDir),
    Redis(#[allow(dead_code, reason = "held for its end")] RedisServer),
    Mysql(#[allow(dead_code, reason = "held for its end")] MariaDb),
}

/// What is known about one space while a script runs.
#[derive(Debug)]
struct Track {
    space: Space,
    jars: Vec<Jar>,
    stored: Entries,
}

impl Track {
    fn new(space: Space) -> Self {
        Self { space, jars: vec![Jar::default(); 8], stored: Entries::new() }
    }
}

impl Track {
    /// Puts the cookies of an answer into the jar of the client that asked.
    fn keep(&mut self, step: &Step, answer: &Result<Answer, String>, now: i64) {
        let Step::Request { client, .. } = step else { return };
        if let (Some(jar), Ok(answer)) = (self.jars.get_mut(*client), answer) {
            answer.set_cookie.iter().for_each(|header| jar.store(header, now));
        }
    }
}

impl Lab {
    /// Starts everything, with a deliberate bug in the Rust server if one is asked for.
    ///
    /// # Errors
    ///
    /// If a server is not installed or does not come up.
    pub async fn start(
        store: StoreKind,
        option_sets: Vec<OptionSet>,
        sabotage: Option<Sabotage>,
    ) -> Result<Self> {
        let mut backend = Backend { store, folder: None, url: None, mysql: None };
        let server = match store {
            StoreKind::Memory => StoreServer::None,
            StoreKind::File => {
                let folder = tempfile::tempdir()?;
                for space in [Space::Node, Space::Rust, Space::Mixed] {
                    std::fs::create_dir_all(folder.path().join(space.name()))?;
                }
                backend.folder = Some(folder.path().to_owned());
                StoreServer::Folder(folder)
            }
            StoreKind::Redis => {
                let server = RedisServer::start(&["--save", ""])?;
                backend.url = Some(server.url());
                StoreServer::Redis(server)
            }
            StoreKind::Mysql => {
                let server = MariaDb::start(&[])?;
                backend.mysql = Some(json!({
                    "host": "127.0.0.1", "port": server.port(), "user": mariadb::USER,
                    "password": mariadb::PASSWORD, "database": "mysql",
                }));
                StoreServer::Mysql(server)
            }
        };
        let spaces = |own: Space| {
            if store.is_shared() { vec![own, Space::Mixed] } else { vec![own] }
        };
        let config = |own: Space| ServerConfig {
            backend: backend.clone(),
            spaces: spaces(own),
            option_sets: option_sets.clone(),
        };
        let mysql = if store == StoreKind::Mysql {
            Some(MysqlProbe::connect(&mysql_url(&backend)?).await?)
        } else {
            None
        };
        let node = NodeServer::start(&config(Space::Node))?;
        let rust = RustServer::start(config(Space::Rust), sabotage)?;
        let client = Client::new();
        let probe = match (&backend.folder, &backend.url, mysql) {
            (Some(folder), ..) => Probe::File(FileProbe::new(folder.clone(), &option_sets)),
            (_, Some(url), _) => Probe::Redis(RedisProbe::connect(url).await?),
            (.., Some(probe)) => Probe::Mysql(probe),
            _ => Probe::Memory(MemoryProbes::new(rust.memory.clone(), node.port, client.clone())),
        };
        Ok(Self { option_sets, store, probe, client, rust, node, _server: server })
    }

    /// The spaces a script runs in, Node's first.
    fn spaces(&self) -> &'static [Space] {
        if self.store.is_shared() {
            &[Space::Node, Space::Rust, Space::Mixed]
        } else {
            &[Space::Node, Space::Rust]
        }
    }

    /// Runs a script everywhere; the first difference, if there is one.
    ///
    /// # Errors
    ///
    /// If the lab itself fails: a server that has ended, a store that cannot be read.
    pub async fn run(&mut self, script: &Script) -> Result<Option<Mismatch>> {
        let mut mismatch = None;
        self.watch(script, |step, all| {
            mismatch = compare(step, all);
            mismatch.is_none()
        })
        .await?;
        Ok(mismatch)
    }

    /// What the Node package answers when it is asked for all sessions in the space both share, and what its sweeps say:
    /// by verb, `{"value": …}` or `{"error": …}`.
    ///
    /// # Errors
    ///
    /// If the Node server does not answer.
    pub async fn node_listings(&self, set: usize, now: i64) -> Result<Map<String, Value>> {
        let body = json!({ "space": Space::Mixed, "config": set });
        match self.client.control(self.node.port, "listings", &body, now).await? {
            Value::Object(listings) => Ok(listings),
            other => anyhow::bail!("the Node server answered {other}"),
        }
    }

    /// Runs a script everywhere and shows what is observed after each step, by space; goes on while told to.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn watch(
        &mut self,
        script: &Script,
        mut look: impl FnMut(usize, &BTreeMap<&'static str, Result<Observation, String>>) -> bool,
    ) -> Result<()> {
        let mut now = START;
        for space in self.spaces() {
            self.probe.reset(*space, script.set, now).await?;
        }
        let mut tracks: Vec<Track> = self.spaces().iter().map(|space| Track::new(*space)).collect();
        for (index, step) in script.steps.iter().enumerate() {
            let mut answers: Vec<Result<Option<Answer>, String>> = vec![Ok(None); tracks.len()];
            match step {
                Step::Wait { ms } => now += ms,
                Step::WaitForEnd { session, offset } => {
                    let ends: Vec<i64> = tracks
                        .first()
                        .map(|track| track.stored.values().filter_map(|it| it.ends).collect())
                        .unwrap_or_default();
                    if let Some(end) = ends.get(session % ends.len().max(1)) {
                        now = now.max(end + offset);
                    }
                }
                Step::Plant { client, document } => {
                    for track in &tracks {
                        let set = self.option_sets.get(script.set).context("no such option set")?;
                        let jar = track.jars.get(*client).context("no such client")?;
                        if let Some(id) = jar.current(set.cookie_name()).and_then(session_id) {
                            self.probe.plant(track.space, script.set, &id, document, now).await?;
                        }
                    }
                }
                Step::Request { .. } => {
                    answers = self.request(script.set, index, step, now, &mut tracks).await?;
                }
                Step::Overlap { slow, quick } => {
                    answers = self.overlap(script.set, index, (slow, quick), now, &mut tracks).await?;
                }
            }
            if matches!(step, Step::Wait { .. } | Step::WaitForEnd { .. }) {
                for track in &tracks {
                    self.probe.time_passed(track.space, now).await?;
                }
            }
            let mut all = BTreeMap::new();
            for (track, answer) in tracks.iter_mut().zip(answers) {
                track.stored = self.probe.entries(track.space, script.set, now).await?;
                let stored = track.stored.clone();
                all.insert(track.space.name(), answer.map(|answer| Observation { answer, stored }));
            }
            if !look(index, &all) {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn request(
        &self,
        set: usize,
        index: usize,
        step: &Step,
        now: i64,
        tracks: &mut [Track],
    ) -> Result<Vec<Result<Option<Answer>, String>>> {
        let id = format!("t{index}");
        let mut calls = Vec::new();
        for track in tracks.iter() {
            calls.push(self.prepare(set, &id, step, now, track)?);
        }
        // Node alone and Rust alone at the same time; a server never gets two requests at once.
        let mut calls = calls.into_iter();
        let (first, second) = (calls.next().context("Node alone")?, calls.next().context("Rust alone")?);
        let caught =
            |call| async { anyhow::Ok(self.client.call(call).await.map_err(|error| format!("{error:#}"))) };
        let (first, second) = try_join(caught(first), caught(second)).await?;
        let mut answers = vec![first, second];
        for call in calls {
            answers.push(caught(call).await?);
        }
        for (track, answer) in tracks.iter_mut().zip(&answers) {
            track.keep(step, answer, now);
        }
        Ok(answers.into_iter().map(|answer| answer.map(Some)).collect())
    }

    /// The request of a step, as it is sent in one space.
    fn prepare<'a>(
        &self,
        set: usize,
        id: &'a str,
        step: &'a Step,
        now: i64,
        track: &Track,
    ) -> Result<Call<'a>> {
        let Step::Request { client, path, side, sends, forwarded, task } = step else {
            anyhow::bail!("not a request")
        };
        let name = self.option_sets.get(set).context("no such option set")?.cookie_name();
        let port = match (track.space, side) {
            (Space::Node, _) | (Space::Mixed, Side::Node) => self.node.port,
            (Space::Rust, _) | (Space::Mixed, Side::Rust) => self.rust.port,
        };
        let jar = track.jars.get(*client).context("no such client")?;
        let cookie = cookie_header(jar, name, path, forwarded.is_some(), now, *sends);
        let (space, forwarded) = (track.space, forwarded.as_deref());
        Ok(Call { port, space, set, path, now, id, cookie, forwarded, task })
    }

    async fn overlap(
        &self,
        set: usize,
        index: usize,
        (slow, quick): (&Step, &Step),
        now: i64,
        tracks: &mut [Track],
    ) -> Result<Vec<Result<Option<Answer>, String>>> {
        let ids = (format!("t{index}s"), format!("t{index}q"));
        let mut answers = Vec::new();
        for track in tracks {
            let first = self.client.call(self.prepare(set, &ids.0, slow, now, track)?);
            let second = self.prepare(set, &ids.1, quick, now, track)?;
            let meanwhile = async {
                actix_rt::time::sleep(HEAD_START).await;
                self.client.call(second).await
            };
            let (first, second) = try_join(first, meanwhile).await?;
            track.keep(quick, &Ok(second), now);
            track.keep(slow, &Ok(first.clone()), now);
            answers.push(Ok(Some(first)));
        }
        Ok(answers)
    }
}
