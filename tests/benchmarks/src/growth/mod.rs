//! How a page changes as sessions become many, with a second worker, and while expired sessions are removed.

use std::fs;
use std::path::Path;

use crate::backends::{Backend, temporary_folder, write_cookies};
use crate::ballast;
use crate::http::{cookies, make_sessions};
use crate::load::{self, Load};
use crate::processor::resident;
use crate::progress::Progress;
use crate::results::{Growth, Results, Round};
use crate::rounds::{Effort, quiet_round};
use crate::server::{BOTH_PROCESSORS, LOAD_PROCESSOR, Server, Start};
use crate::stop::Stop;
use crate::subject::{Store, Subject};

/// The cookies that a load uses in turn, picked evenly from all: more than processor caches hold.
const SAMPLE: u64 = 10_000;

/// The pages whose growth is looked at.
const PAGES: [&str; 2] = ["counter", "read"];

/// Sizes of a store in the memory of the server.
const IN_MEMORY: [u64; 5] = [10_000, 100_000, 200_000, 1_000_000, 5_000_000];

/// In JavaScript's memory, five million would take longer to make than everything else together.
const LARGEST_ON_NODE: u64 = 1_000_000;

/// Sizes of a store elsewhere, few and many.
const IN_DATABASES: [u64; 2] = [10_000, 1_000_000];
/// The same, in files.
const IN_FILES: [u64; 2] = [10_000, 200_000];

/// What a measurement of growth is given.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub(crate) effort: Effort,
    /// No store is made larger than this; below a million, size is all that is looked at.
    pub(crate) largest: u64,
    pub(crate) stop: &'a Stop,
    pub(crate) wanted: &'a dyn Fn(&Subject) -> bool,
}

/// Measures one store.
pub(crate) fn measure(store: Store, plan: Plan<'_>, results: &mut Results) -> anyhow::Result<()> {
    let backend = Backend::start(store)?;
    let subjects: Vec<_> = (Subject::on(store))
        .filter(|it| it.store.is_some() && it.serves == it.name && !it.name.ends_with("-touch-after"))
        .filter(|it| !it.name.ends_with("-cookie") && (plan.wanted)(it))
        .collect();
    let progress = Progress::new(&format!("{}: growth", store.title()), subjects.len() as u64);
    for subject in subjects {
        plan.stop.check()?;
        progress.step(subject.title);
        match store {
            Store::Memory => {
                in_memory(subject, plan, results)?;
                if plan.largest < 1_000_000 {
                    continue;
                }
                if !subject.program.is_node() {
                    two_workers(subject, plan, results)?;
                }
                if subject.is_ours() {
                    sweep_in_memory(subject, plan, results)?;
                }
            }
            Store::File => elsewhere(subject, &backend, &IN_FILES, plan, results)?,
            Store::Redis | Store::Mysql => elsewhere(subject, &backend, &IN_DATABASES, plan, results)?,
        }
        if store == Store::Mysql && subject.is_ours() {
            sweep_in_mysql(subject, &backend, plan, results)?;
        }
    }
    progress.done();
    Ok(())
}

/// A server with cookies for its sessions.
struct Filled<'a> {
    server: &'a Server,
    subject: &'a Subject,
    database: Option<u32>,
    processors: &'a str,
    script: &'a Path,
    cookies: &'a Path,
}

impl Filled<'_> {
    fn rounds(&self, page: &str, effort: Effort, plan: Plan<'_>) -> anyhow::Result<Vec<Round>> {
        let path = self.subject.path(page).unwrap_or_default();
        let mut rounds = Vec::new();
        for _ in 0..effort.rounds {
            plan.stop.check()?;
            let load = Load {
                port: self.server.port,
                page: &path,
                cookies: Some(self.cookies),
                seconds: effort.seconds,
                processors: self.processors,
            };
            rounds.push(quiet_round(self.script, &load, self.server.pid(), self.database)?);
        }
        Ok(rounds)
    }

    fn found(&self, page: &str, sessions: u64, rounds: Vec<Round>) -> Growth {
        Growth {
            store: self.subject.store.unwrap_or(Store::Memory),
            subject: self.subject.name.to_owned(),
            page: page.to_owned(),
            sessions,
            workers: 1,
            sweep: false,
            bytes_per_session: None,
            rounds,
        }
    }
}

/// All sessions are made by visitors, one after the other.
fn in_memory(subject: &'static Subject, plan: Plan<'_>, results: &mut Results) -> anyhow::Result<()> {
    let folder = temporary_folder()?;
    let script = load::write_script(folder.path())?;
    let server = Start::timed(subject, String::new(), folder.path()).start()?;
    // Buffers and tables of the server itself are there before memory is read.
    make_sessions(server.port, "/create", 1000, |_, _| ())?;
    let empty = resident(server.pid())?;
    let mut made = 0;
    let mut sample = Vec::new();
    for sessions in IN_MEMORY {
        if sessions > plan.largest || (subject.program.is_node() && sessions > LARGEST_ON_NODE) {
            break;
        }
        let every = (sessions / SAMPLE).max(1);
        make_many(&server, sessions - made, plan.stop, |number, cookie| {
            if number % every == 0 {
                sample.push(cookie);
            }
        })?;
        made = sessions;
        let bytes = resident(server.pid())?.saturating_sub(empty) as f64 / sessions as f64;
        let cookies = write_cookies(folder.path(), subject.name, &sample)?;
        let filled = Filled {
            server: &server,
            subject,
            database: None,
            processors: LOAD_PROCESSOR,
            script: &script,
            cookies: &cookies,
        };
        for page in PAGES {
            let rounds = filled.rounds(page, plan.effort, plan)?;
            results.put_growth(Growth {
                bytes_per_session: Some(bytes),
                ..filled.found(page, sessions, rounds)
            });
        }
    }
    Ok(())
}

/// In parts, so that somebody can stop it.
fn make_many(
    server: &Server,
    count: u64,
    stop: &Stop,
    mut keep: impl FnMut(u64, String),
) -> anyhow::Result<()> {
    const PART: u64 = 10_000;
    let mut made = 0;
    while made < count {
        stop.check()?;
        make_sessions(server.port, "/create", PART.min(count - made), |number, cookie| {
            keep(made + number, cookie);
        })?;
        made += PART.min(count - made);
    }
    Ok(())
}

/// One and two workers, both on both processors, which the load needs too: only their ratio says something.
fn two_workers(subject: &'static Subject, plan: Plan<'_>, results: &mut Results) -> anyhow::Result<()> {
    let folder = temporary_folder()?;
    let script = load::write_script(folder.path())?;
    let sessions = SAMPLE;
    let server = Start {
        processors: BOTH_PROCESSORS,
        workers: 2,
        ..Start::timed(subject, String::new(), folder.path())
    };
    let server = server.start()?;
    let cookies = write_cookies(folder.path(), subject.name, &cookies(server.port, "/create", sessions)?)?;
    let filled = Filled {
        server: &server,
        subject,
        database: None,
        processors: BOTH_PROCESSORS,
        script: &script,
        cookies: &cookies,
    };
    for page in PAGES {
        let rounds = filled.rounds(page, plan.effort, plan)?;
        results.put_growth(Growth { workers: 2, ..filled.found(page, sessions, rounds) });
    }
    Ok(())
}

/// Few sessions are made by visitors and asked for; the others are copies that are only in the way.
fn elsewhere(
    subject: &'static Subject,
    backend: &Backend,
    sizes: &[u64],
    plan: Plan<'_>,
    results: &mut Results,
) -> anyhow::Result<()> {
    let folder = temporary_folder()?;
    let script = load::write_script(folder.path())?;
    let files = backend.folder(subject)?;
    let server = Start::timed(subject, backend.url(subject)?, &files).start()?;
    let asked_for = cookies(server.port, "/create", 1000)?;
    let cookies = write_cookies(folder.path(), subject.name, &asked_for)?;
    let filled = Filled {
        server: &server,
        subject,
        database: backend.pid(),
        processors: LOAD_PROCESSOR,
        script: &script,
        cookies: &cookies,
    };
    let mut there = asked_for.len() as u64;
    for &sessions in sizes.iter().filter(|&&sessions| sessions <= plan.largest) {
        ballast::add(backend, subject, &files, there..sessions)?;
        there = sessions;
        for page in PAGES {
            let rounds = filled.rounds(page, plan.effort, plan)?;
            results.put_growth(filled.found(page, sessions, rounds));
        }
    }
    // The next subject begins with an empty store, and the disk is not filled.
    drop(server);
    ballast::clear(backend, subject)?;
    if backend.store() == Store::File {
        fs::remove_dir_all(&files)?;
    }
    Ok(())
}

/// How long sessions live that are to expire while pages are asked for, in seconds, and how often they are removed.
const SHORT_LIFE: (u64, u64) = (30, 2);

/// Sessions that expire one after the other are removed, while those of the load go on.
fn sweep_in_memory(subject: &'static Subject, plan: Plan<'_>, results: &mut Results) -> anyhow::Result<()> {
    let sessions = 1_000_000.min(plan.largest);
    let folder = temporary_folder()?;
    let script = load::write_script(folder.path())?;
    let server =
        Start { max_age_and_sweep: Some(SHORT_LIFE), ..Start::timed(subject, String::new(), folder.path()) };
    let server = server.start()?;
    make_many(&server, sessions, plan.stop, |_, _| ())?;
    let cookies = write_cookies(folder.path(), subject.name, &cookies(server.port, "/create", 1000)?)?;
    let filled = Filled {
        server: &server,
        subject,
        database: None,
        processors: LOAD_PROCESSOR,
        script: &script,
        cookies: &cookies,
    };
    // The load begins when the last ones expire soon, and each of its requests makes its session live on.
    let until_the_first_expire = SHORT_LIFE.0.saturating_sub(sessions / 50_000 + 2);
    let waiting = Effort { rounds: u32::try_from(until_the_first_expire)?, seconds: 1.0 };
    filled.rounds("counter", waiting, plan)?;
    let sweeping = Effort { rounds: u32::try_from(sessions / 50_000 + 4)?, seconds: 1.0 };
    let rounds = filled.rounds("counter", sweeping, plan)?;
    results.put_growth(Growth { sweep: true, ..filled.found("counter", sessions, rounds) });
    Ok(())
}

/// As many expired rows as there are live ones are removed.
fn sweep_in_mysql(
    subject: &'static Subject,
    backend: &Backend,
    plan: Plan<'_>,
    results: &mut Results,
) -> anyhow::Result<()> {
    let sessions = 1_000_000.min(plan.largest);
    let folder = temporary_folder()?;
    let script = load::write_script(folder.path())?;
    let url = backend.url(subject)?;
    // The table is made, and filled with expired rows, before the server that removes them is there.
    drop(Start::timed(subject, url.clone(), folder.path()).start()?);
    ballast::add_expired(backend, subject, sessions)?;
    let server = Start {
        max_age_and_sweep: Some((24 * 60 * 60, SHORT_LIFE.1)),
        ..Start::timed(subject, url, folder.path())
    };
    let server = server.start()?;
    let cookies = write_cookies(folder.path(), subject.name, &cookies(server.port, "/create", 1000)?)?;
    let filled = Filled {
        server: &server,
        subject,
        database: backend.pid(),
        processors: LOAD_PROCESSOR,
        script: &script,
        cookies: &cookies,
    };
    let mut rounds = Vec::new();
    while ballast::is_expired_left(backend, subject)? && rounds.len() < 120 {
        rounds.extend(filled.rounds("counter", Effort { rounds: 1, seconds: 1.0 }, plan)?);
    }
    results.put_growth(Growth { sweep: true, ..filled.found("counter", sessions, rounds) });
    Ok(())
}
