//! What overlapping requests of one visitor do to each other.
//!
//! The visitor is a browser: one jar for all its connections, in which the cookie that came last is the one
//! that is sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use crate::backends::Backend;
use crate::http::{Answer, Client};
use crate::progress::Progress;
use crate::results::{Correctness, Results};
use crate::server::{BOTH_PROCESSORS, Start};
use crate::stop::Stop;
use crate::subject::{Store, Subject};

/// Increments of one session, by so many connections at once.
const INCREMENTS: u64 = 2000;
/// See [`INCREMENTS`].
const CONNECTIONS: u64 = 16;

/// How often each order of a login or logout and another request is tried, so many at the same time.
const TRIALS: u64 = 100;
/// See [`TRIALS`].
const AT_ONCE: u64 = 10;

/// The other request reads the session, waits this long, writes …
const SLOW_PAGE: &str = "/slow/120";

/// … and the login or logout comes this long after it.
const HEAD_START: Duration = Duration::from_millis(50);

/// Increments lost of 2 000.
pub(crate) const LOST: &str = "increments lost";
/// A request that was under way at the logout has put the visitor back.
pub(crate) const LOGOUT: &str = "logouts undone";
/// A request that was under way at the login has taken the visitor's cookie away.
pub(crate) const LOGIN: &str = "logins undone by a request under way";
/// A request that was sent with the old cookie, and arrived after the login, has done so.
pub(crate) const LATE: &str = "logins undone by a late request";

/// All questions, in the order of the table.
pub(crate) const QUESTIONS: [&str; 4] = [LOST, LOGOUT, LOGIN, LATE];

/// Asks every subject of a store.
pub(crate) fn ask(
    store: Store,
    wanted: &dyn Fn(&Subject) -> bool,
    stop: &Stop,
    results: &mut Results,
) -> anyhow::Result<()> {
    let backend = Backend::start(store)?;
    let subjects: Vec<_> = (Subject::on(store))
        .filter(|it| it.store.is_some() && !it.name.ends_with("-touch-after") && !it.name.ends_with("-node"))
        .filter(|it| wanted(it))
        .collect();
    let progress = Progress::new(&format!("{}: correctness", store.title()), subjects.len() as u64);
    for subject in subjects {
        progress.step(subject.title);
        let files = backend.folder(subject)?;
        let start = Start {
            processors: BOTH_PROCESSORS,
            workers: 2,
            ..Start::timed(subject, backend.url(subject)?, &files)
        };
        let server = start.start()?;
        let path = subject.path("counter").context("every subject counts")?;
        for question in QUESTIONS {
            stop.check()?;
            // Logins and logouts are the same however one counts.
            if question != LOST && subject.is_update() {
                continue;
            }
            let (wrong, of) = match question {
                LOST => (lost(server.port, &path)?, INCREMENTS),
                LOGOUT => (trials(server.port, logout_undone)?, TRIALS),
                LOGIN => (trials(server.port, login_undone)?, TRIALS),
                _ => (trials(server.port, login_undone_late)?, TRIALS),
            };
            let (subject, question) = (subject.name.to_owned(), question.to_owned());
            results.put_correctness(Correctness { store, subject, question, wrong, of });
        }
    }
    progress.done();
    Ok(())
}

/// How many of [`INCREMENTS`] are not there at the end.
fn lost(port: u16, path: &str) -> anyhow::Result<u64> {
    let cookie = Client::connect(port)?.get("/create", None)?.ok()?.cookie.context("no cookie")?;
    let jar = Arc::new(Mutex::new(cookie));
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (jar, path) = (Arc::clone(&jar), path.to_owned());
            thread::spawn(move || count_up(port, &path, &jar))
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a client has failed"))??;
    }
    let cookie = jar.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let found: u64 = Client::connect(port)?.get("/read", Some(&cookie))?.ok()?.body.parse()?;
    // It began with 1.
    Ok((INCREMENTS + 1).saturating_sub(found))
}

fn count_up(port: u16, path: &str, jar: &Mutex<String>) -> anyhow::Result<()> {
    let mut client = Client::connect(port)?;
    for _ in 0..INCREMENTS / CONNECTIONS {
        let cookie = jar.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(new) = client.get(path, Some(&cookie))?.ok()?.cookie {
            *jar.lock().unwrap_or_else(PoisonError::into_inner) = new;
        }
    }
    Ok(())
}

/// How many of [`TRIALS`] end wrong.
fn trials(port: u16, trial: fn(u16) -> anyhow::Result<bool>) -> anyhow::Result<u64> {
    let threads: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            thread::spawn(move || -> anyhow::Result<u64> {
                let mut wrong = 0;
                for _ in 0..TRIALS / AT_ONCE {
                    wrong += u64::from(trial(port)?);
                }
                Ok(wrong)
            })
        })
        .collect();
    let mut wrong = 0;
    for thread in threads {
        wrong += thread.join().map_err(|_| anyhow::anyhow!("a client has failed"))??;
    }
    Ok(wrong)
}

/// One visitor: two connections, one jar.
struct Visitor {
    first: Client,
    second: Client,
    jar: Option<String>,
}

impl Visitor {
    fn new(port: u16) -> anyhow::Result<Self> {
        Ok(Self { first: Client::connect(port)?, second: Client::connect(port)?, jar: None })
    }

    fn keep(&mut self, answer: &Answer) {
        if let Some(cookie) = &answer.cookie {
            self.jar = Some(cookie.clone());
        }
    }

    /// Asks for a page, and keeps the cookie.
    fn visit(&mut self, path: &str) -> anyhow::Result<()> {
        let answer = self.first.get(path, self.jar.as_deref())?.ok()?;
        self.keep(&answer);
        Ok(())
    }

    /// `page` is asked for, and answered, while the slow page is under way.
    fn overlap(&mut self, page: &str) -> anyhow::Result<()> {
        let cookie = self.jar.clone();
        self.second.send(&crate::http::request(SLOW_PAGE, cookie.as_deref()))?;
        thread::sleep(HEAD_START);
        self.visit(page)?;
        // It may fail: an answer all the same, and its cookie counts.
        let slow = self.second.receive()?;
        self.keep(&slow);
        Ok(())
    }

    fn is_known(&mut self, cookie: Option<&str>) -> anyhow::Result<bool> {
        Ok(self.first.get("/whoami", cookie)?.ok()?.body == "hello")
    }
}

fn logout_undone(port: u16) -> anyhow::Result<bool> {
    let mut visitor = Visitor::new(port)?;
    visitor.visit("/login")?;
    let before = visitor.jar.clone();
    visitor.overlap("/logout")?;
    let after = visitor.jar.clone();
    // Neither what the browser has now nor a copy of what it had may open the account.
    Ok(visitor.is_known(before.as_deref())? || visitor.is_known(after.as_deref())?)
}

fn login_undone(port: u16) -> anyhow::Result<bool> {
    let mut visitor = Visitor::new(port)?;
    visitor.visit("/create")?;
    visitor.overlap("/login")?;
    let after = visitor.jar.clone();
    Ok(!visitor.is_known(after.as_deref())?)
}

fn login_undone_late(port: u16) -> anyhow::Result<bool> {
    let mut visitor = Visitor::new(port)?;
    visitor.visit("/create")?;
    let before = visitor.jar.clone();
    visitor.visit("/login")?;
    let late = visitor.second.get("/counter", before.as_deref())?;
    visitor.keep(&late);
    let after = visitor.jar.clone();
    Ok(!visitor.is_known(after.as_deref())?)
}
