//! Timed rounds, interleaved: in each round every subject has its turn, so that what disturbs the machine for
//! a while disturbs all, and ratios are taken round by round.

use std::path::{Path, PathBuf};

use crate::backends::{Backend, temporary_folder, write_cookies};
use crate::http::Client;
use crate::load::{self, Load, Seen, VISIT};
use crate::processor;
use crate::progress::Progress;
use crate::results::{Results, Round, Timed};
use crate::server::{LOAD_PROCESSOR, Server, Start};
use crate::stop::Stop;
use crate::subject::{Store, Subject};

/// How many sessions are used in turn: more than connections, so that requests of one session do not overlap.
const SESSIONS: u64 = 1000;

/// A round in which others have used more than this share of a processor is measured again.
pub(crate) const QUIET: f64 = 0.08;

/// How long each page is asked for before it is timed, in seconds; Node compiles what it runs often.
const WARM: f64 = 1.0;
/// See [`WARM`].
const WARM_NODE: f64 = 3.0;

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: u32,
    pub(crate) seconds: f64,
    /// How often a disturbed round is measured at most; then the quietest of them counts.
    pub(crate) tries: u32,
}

/// How long a page of this subject is asked for before it is timed.
pub(crate) const fn warm(subject: &Subject) -> f64 {
    if subject.program.is_node() { WARM_NODE } else { WARM }
}

/// Measures the pages on one store.
pub(crate) fn compare(
    store: Store,
    pages: &[&str],
    effort: Effort,
    wanted: &dyn Fn(&Subject) -> bool,
    stop: &Stop,
    results: &mut Results,
    save: &dyn Fn(&Results) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let backend = Backend::start(store)?;
    let mut lanes = Vec::new();
    for &page in pages {
        for subject in Subject::on(store) {
            // What a page costs without sessions is the same on every store.
            let path = subject.path(page).filter(|_| subject.store.is_some() || store == Store::Memory);
            if let Some(path) = path.filter(|_| wanted(subject)) {
                lanes.push((page, subject, path));
            }
        }
    }
    let turns = lanes.len() as u64 * (u64::from(effort.rounds) + 1);
    let progress = Progress::new(&format!("{}: rounds", store.title()), turns);
    let subjects: Vec<_> = Subject::on(store)
        .filter(|subject| {
            lanes
                .iter()
                .any(|(_, other, _)| other.serves == subject.serves && other.program == subject.program)
        })
        .collect();
    let field = Field::prepare(&backend, &subjects, stop)?;
    for &page in pages {
        let mine: Vec<_> = lanes.iter().filter(|lane| lane.0 == page).collect();
        let mut timed: Vec<Timed> = (mine.iter())
            .map(|(page, subject, _)| Timed {
                store,
                page: (*page).to_owned(),
                subject: subject.name.to_owned(),
                command: results.commands.len(),
                rounds: Vec::new(),
            })
            .collect();
        for (page, subject, path) in &mine {
            stop.check()?;
            progress.step(&format!("{page}, {}, warming up", subject.title));
            field.warm_up(subject, path)?;
        }
        for round in 0..effort.rounds as usize {
            for turn in 0..mine.len() {
                stop.check()?;
                // Each round begins with another subject: nobody is always first.
                let index = (turn + round) % mine.len();
                let (Some((_, subject, path)), Some(timed)) = (mine.get(index), timed.get_mut(index)) else {
                    continue;
                };
                progress.step(&format!("{page}, {}", subject.title));
                timed.rounds.push(field.round(subject, path, effort)?);
            }
        }
        // The last turn too may have been that of a database which Ctrl-C has ended.
        stop.check()?;
        for timed in timed {
            results.put_timed(timed);
        }
        save(results)?;
    }
    progress.done();
    Ok(())
}

/// All servers of one store, running, with the cookies for them.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    backend: &'a Backend,
    servers: Vec<(&'static Subject, Server, Option<PathBuf>)>,
    script: PathBuf,
    /// Holds cookies and script.
    _folder: tempfile::TempDir,
}

impl<'a> Field<'a> {
    /// Starts one server for each subject that needs its own.
    fn prepare(backend: &'a Backend, subjects: &[&'static Subject], stop: &Stop) -> anyhow::Result<Self> {
        let folder = temporary_folder()?;
        let script = load::write_script(folder.path())?;
        let mut servers = Vec::new();
        for &subject in subjects.iter().filter(|subject| !subject.is_update()) {
            stop.check()?;
            let files = backend.folder(subject)?;
            let server = Start::timed(subject, backend.url(subject)?, &files).start()?;
            let cookies = match subject.store {
                Some(_) => {
                    let cookies = crate::http::cookies(server.port, "/create", SESSIONS)?;
                    Some(write_cookies(folder.path(), subject.name, &cookies)?)
                }
                None => None,
            };
            servers.push((subject, server, cookies));
        }
        Ok(Self { backend, servers, script, _folder: folder })
    }

    /// Asks for a page until it is as quick as it gets, and sees whether the sessions of the load are there.
    fn warm_up(&self, subject: &Subject, path: &str) -> anyhow::Result<()> {
        let (server, load) = self.load(subject, path, warm(subject))?;
        one_round(&self.script, &load, server.pid(), self.backend.pid())?;
        let Some(file) = load.cookies else { return Ok(()) };
        let cookies = std::fs::read_to_string(file)?;
        // A page that finds no session and makes one is answered as well; it would be timed in vain.
        let read = Client::connect(server.port)?.get("/read", cookies.lines().next())?.ok()?;
        anyhow::ensure!(read.body != "0", "{} has lost sessions of the load", subject.name);
        Ok(())
    }

    /// One turn of a subject.
    fn round(&self, subject: &Subject, path: &str, effort: Effort) -> anyhow::Result<Round> {
        let (server, load) = self.load(subject, path, effort.seconds)?;
        quiet_round(&self.script, &load, server.pid(), self.backend.pid(), effort.tries)
    }

    fn load<'b>(
        &'b self,
        subject: &Subject,
        path: &'b str,
        seconds: f64,
    ) -> anyhow::Result<(&'b Server, Load<'b>)> {
        let (_, server, cookies) = (self.servers.iter())
            .find(|(of, ..)| of.serves == subject.serves && of.program == subject.program)
            .ok_or_else(|| anyhow::anyhow!("{} is not running", subject.name))?;
        let new_visitors = path == VISIT || path.starts_with("/create");
        let load = Load {
            port: server.port,
            page: path,
            cookies: cookies.as_deref().filter(|_| !new_visitors),
            seconds,
            processors: LOAD_PROCESSOR,
        };
        Ok((server, load))
    }
}

/// Measures until nobody disturbs, or the quietest of some tries.
pub(crate) fn quiet_round(
    script: &Path,
    load: &Load<'_>,
    server: u32,
    database: Option<u32>,
    tries: u32,
) -> anyhow::Result<Round> {
    let mut best: Option<Round> = None;
    for tries in 1..=tries {
        let round = Round { tries, ..one_round(script, load, server, database)? };
        if best.as_ref().is_none_or(|best| round.foreign < best.foreign) {
            best = Some(round);
        }
        if best.as_ref().is_some_and(|best| best.foreign <= QUIET) {
            break;
        }
    }
    best.ok_or_else(|| anyhow::anyhow!("no round was measured"))
}

/// Readings of who has used the processors.
struct Reading {
    machine: processor::Machine,
    server: f64,
    database: f64,
    this: f64,
}

impl Reading {
    fn take(server: u32, database: Option<u32>) -> anyhow::Result<Self> {
        Ok(Self {
            machine: processor::machine()?,
            server: processor::process(server)?,
            database: database.map_or(Ok(0.0), processor::process)?,
            this: processor::this_program()?,
        })
    }
}

/// Measures once, whatever else happens meanwhile.
pub(crate) fn one_round(
    script: &Path,
    load: &Load<'_>,
    server: u32,
    database: Option<u32>,
) -> anyhow::Result<Round> {
    let before = Reading::take(server, database)?;
    let seen = load::run(script, load)?;
    let after = Reading::take(server, database)?;
    Ok(round(&before, &after, seen))
}

/// The difference of two readings.
fn round(before: &Reading, after: &Reading, seen: Seen) -> Round {
    let server_seconds = after.server - before.server;
    let database_seconds = after.database - before.database;
    let own = server_seconds + database_seconds + (after.this - before.this);
    let machine = (after.machine.busy - before.machine.busy) + (after.machine.stolen - before.machine.stolen);
    let foreign = ((machine - own) / seen.seconds).max(0.0);
    Round { seen, server_seconds, database_seconds, foreign, tries: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processor::Machine;

    #[test]
    fn what_is_not_ours_is_foreign() {
        let reading = |busy, stolen, server, this| Reading {
            machine: Machine { busy, stolen },
            server,
            database: 0.0,
            this,
        };
        let seen = Seen { requests: 1000, errors: 0, seconds: 2.0, latency: Vec::new() };
        let round = round(&reading(10.0, 0.0, 1.0, 1.0), &reading(14.0, 0.2, 3.0, 2.8), seen);
        // 4.2 s were used or taken, 2 by the server, 1.8 by the load: 0.4 of 2 s are foreign.
        assert!((round.foreign - 0.2).abs() < 1e-9);
        assert!((round.server_microseconds() - 2000.0).abs() < 1e-6);
    }
}
