//! A server with sessions in it, and rounds that take all of them in turn.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use super::Plan;
use crate::backends::{temporary_folder, write_cookies};
use crate::http::Client;
use crate::load::{self, Load};
use crate::progress::Progress;
use crate::results::{Growth, Results, Round};
use crate::rounds::{one_round, quiet_round, warm};
use crate::server::{BOTH_PROCESSORS, LOAD_PROCESSOR, Server};
use crate::subject::{Store, Subject};

/// One server that holds so many sessions.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) subject: &'static Subject,
    pub(super) server: Server,
    pub(super) database: Option<u32>,
    pub(super) sessions: u64,
    pub(super) workers: usize,
    /// How many processors the server may use; with both, the load is on both too.
    pub(super) cores: usize,
    pub(super) bytes_per_session: Option<f64>,
    /// The cookies of the load, and the first and the last of them.
    cookies: Option<(PathBuf, Vec<String>)>,
    script: PathBuf,
    /// Holds cookies and script.
    _folder: TempDir,
}

impl Cell {
    /// A server with the cookies that the load has for it; none for a server without sessions.
    pub(super) fn new(
        subject: &'static Subject,
        server: Server,
        database: Option<u32>,
        sessions: u64,
        cookies: &[String],
    ) -> anyhow::Result<Self> {
        let folder = temporary_folder()?;
        let script = load::write_script(folder.path())?;
        let ends = [cookies.first(), cookies.last()].into_iter().flatten().cloned().collect();
        let cookies = match subject.store {
            Some(_) => Some((write_cookies(folder.path(), subject.name, cookies)?, ends)),
            None => None,
        };
        Ok(Self {
            subject,
            server,
            database,
            sessions,
            workers: 1,
            cores: 1,
            bytes_per_session: None,
            cookies,
            script,
            _folder: folder,
        })
    }

    /// What was found of it.
    pub(super) fn found(&self, page: &str, rounds: Vec<Round>) -> Growth {
        Growth {
            store: self.subject.store.unwrap_or(Store::Memory),
            subject: self.subject.name.to_owned(),
            page: page.to_owned(),
            sessions: self.sessions,
            workers: self.workers,
            cores: self.cores,
            sweep: false,
            bytes_per_session: self.bytes_per_session,
            rounds,
            calm: Vec::new(),
        }
    }

    /// One round, disturbed or not.
    pub(super) fn one(&self, page: &str, seconds: f64) -> anyhow::Result<Round> {
        one_round(&self.script, &self.load(page, seconds)?, self.server.pid(), self.database)
    }

    /// One round, repeated while something disturbs.
    pub(super) fn quiet(&self, page: &str, plan: Plan<'_>) -> anyhow::Result<Round> {
        let load = self.load(page, plan.effort.seconds)?;
        quiet_round(&self.script, &load, self.server.pid(), self.database, plan.effort.tries)
    }

    fn load<'a>(&'a self, page: &str, seconds: f64) -> anyhow::Result<Load<'a>> {
        Ok(Load {
            port: self.server.port,
            page: match page {
                "counter" => "/counter",
                "read" => "/read",
                _ => anyhow::bail!("growth of {page}"),
            },
            cookies: self.cookies.as_ref().map(|(file, _)| Path::new(file)),
            seconds,
            processors: if self.cores == 1 { LOAD_PROCESSOR } else { BOTH_PROCESSORS },
        })
    }

    /// Fails if the sessions of the load are not there: a page that makes a new one is a page as well.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for cookie in self.cookies.iter().flat_map(|(_, ends)| ends) {
            let read = Client::connect(self.server.port)?.get("/read", Some(cookie))?.ok()?;
            anyhow::ensure!(read.body != "0", "{} has lost sessions of the load", self.subject.name);
        }
        Ok(())
    }
}

/// How many steps [`interleave`] takes.
pub(super) fn steps(cells: usize, plan: Plan<'_>) -> u64 {
    (cells * plan.pages().len()) as u64 * (u64::from(plan.effort.rounds) + 1)
}

/// Both pages of all cells: in each round each has its turn, so that their ratios are those of the same seconds.
pub(super) fn interleave(
    cells: &[Cell],
    plan: Plan<'_>,
    progress: &Progress,
    results: &mut Results,
) -> anyhow::Result<()> {
    for page in plan.pages() {
        for cell in cells {
            plan.stop.check()?;
            progress.step(&format!("{page}, {}, warming up", cell.subject.title));
            cell.one(page, warm(cell.subject))?;
        }
        let mut found: Vec<Vec<Round>> = vec![Vec::new(); cells.len()];
        for round in 0..plan.effort.rounds as usize {
            for turn in 0..cells.len() {
                plan.stop.check()?;
                let index = (turn + round) % cells.len();
                let cell = cells.get(index).context("a cell")?;
                progress.step(&format!("{page}, {}, {} sessions", cell.subject.title, cell.sessions));
                found.get_mut(index).context("its rounds")?.push(cell.quiet(page, plan)?);
            }
        }
        // The last turn too may have been that of a database which Ctrl-C has ended.
        plan.stop.check()?;
        for (cell, rounds) in cells.iter().zip(found) {
            cell.check()?;
            results.put_growth(cell.found(page, rounds));
        }
    }
    Ok(())
}
