//! What one request asks of its store: Redis' `MONITOR`, MySQL's general log, `strace` for files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::backends::{Backend, temporary_folder};
use crate::http::{Client, cookies};
use crate::progress::Progress;
use crate::results::{Results, Statements};
use crate::server::{Start, Watch};
use crate::stop::Stop;
use crate::subject::{Store, Subject};

/// How many requests are averaged, each of a session of its own.
const REQUESTS: u64 = 50;

/// The pages looked at.
const PAGES: [&str; 5] = ["counter", "read", "create", "login", "logout"];

/// What Redis is asked from inside a script is no trip of its own, and is shown as such.
pub(crate) const IN_SCRIPT: &str = "in script: ";

/// Counts for every subject of a store that `wanted` lets through.
pub(crate) fn count(
    store: Store,
    wanted: &dyn Fn(&Subject) -> bool,
    stop: &Stop,
    results: &mut Results,
) -> anyhow::Result<()> {
    let folder = temporary_folder()?;
    let log = folder.path().join("log");
    let mysql_log = format!("--general-log-file={}", log.display());
    let arguments: &[&str] = if store == Store::Mysql { &["--general-log=1", &mysql_log] } else { &[] };
    let backend = Backend::start_with(store, arguments)?;
    // In a cookie nothing is stored; the older Node does what the current one does.
    let subjects: Vec<_> = (Subject::on(store))
        .filter(|it| it.store.is_some() && !it.name.ends_with("-cookie") && !it.name.ends_with("-node"))
        .filter(|it| wanted(it))
        .collect();
    let progress = Progress::new(&format!("{}: statements", store.title()), subjects.len() as u64);
    for subject in subjects {
        stop.check()?;
        progress.step(subject.title);
        let files = backend.folder(subject)?;
        let watch = if store == Store::File { Watch::Calls(log.clone()) } else { Watch::Nothing };
        let server = Start { watch, ..Start::timed(subject, backend.url(subject)?, &files) }.start()?;
        let source = match store {
            Store::Redis => Source::Redis(backend.redis_port().context("no Redis")?),
            Store::Mysql => Source::Log(log.clone(), parse_general_log),
            _ => Source::Calls(log.clone(), files.display().to_string()),
        };
        for page in PAGES {
            let Some(path) = path(subject, page) else { continue };
            let verbs = source.count(server.port, page, &path)?;
            results.put_statements(Statements {
                store,
                subject: subject.name.to_owned(),
                page: page.to_owned(),
                verbs,
            });
        }
    }
    progress.done();
    Ok(())
}

/// Logins and logouts are looked at one by one.
fn path(subject: &Subject, page: &str) -> Option<String> {
    match page {
        "login" | "logout" => subject.path("create").map(|_| format!("/{page}")),
        _ => subject.path(page),
    }
}

enum Source {
    Redis(u16),
    Log(PathBuf, fn(&str) -> Option<String>),
    Calls(PathBuf, String),
}

impl Source {
    fn count(&self, port: u16, page: &str, path: &str) -> anyhow::Result<BTreeMap<String, f64>> {
        let cookies = match page {
            "create" | "login" => vec![None; usize::try_from(REQUESTS)?],
            "logout" => cookies(port, "/login", REQUESTS)?.into_iter().map(Some).collect(),
            _ => cookies(port, "/create", REQUESTS)?.into_iter().map(Some).collect(),
        };
        let mut client = Client::connect(port)?;
        // Connections, prepared statements and scripts are there from now on.
        for _ in 0..10 {
            client.get("/whoami", None)?.ok()?;
            client.get(path, client_cookie(&cookies))?.ok()?;
        }
        let cookies: Vec<_> = if page == "logout" {
            self::cookies(port, "/login", REQUESTS)?.into_iter().map(Some).collect()
        } else {
            cookies
        };
        let requests = |client: &mut Client| -> anyhow::Result<()> {
            for cookie in &cookies {
                client.get(path, cookie.as_deref())?.ok()?;
            }
            Ok(())
        };
        let verbs = match self {
            Self::Redis(redis) => monitored(*redis, || requests(&mut client))?,
            Self::Log(log, parse) => {
                appended(log, || requests(&mut client))?.lines().filter_map(*parse).collect()
            }
            Self::Calls(log, folder) => {
                let text = appended(log, || requests(&mut client))?;
                text.lines().filter_map(|line| parse_call(line, folder)).collect()
            }
        };
        Ok(average(verbs))
    }
}

fn client_cookie(cookies: &[Option<String>]) -> Option<&str> {
    cookies.first().and_then(Option::as_deref)
}

fn average(verbs: Vec<String>) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for verb in verbs {
        *counts.entry(verb).or_insert(0.0) += 1.0 / REQUESTS as f64;
    }
    // Sweeps and heartbeats are no part of a request.
    counts.retain(|_, count| *count >= 0.1);
    for count in counts.values_mut() {
        *count = (*count * 100.0).round() / 100.0;
    }
    counts
}

/// What Redis was asked while `work` was done: between two marks.
fn monitored(redis: u16, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Vec<String>> {
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, redis)).map(BufReader::new);
    let (mut monitor, mut marker) = (connect()?, connect()?);
    let mut line = String::new();
    monitor.get_mut().write_all(b"MONITOR\r\n")?;
    monitor.read_line(&mut line)?;
    let mut mark = |name: &str| -> anyhow::Result<()> {
        let mut answer = String::new();
        marker.get_mut().write_all(format!("ECHO {name}\r\n").as_bytes())?;
        marker.read_line(&mut answer)?;
        Ok(marker.read_line(&mut answer).map(drop)?)
    };
    mark("begin")?;
    work()?;
    mark("end")?;
    let mut verbs = Vec::new();
    let mut begun = false;
    loop {
        line.clear();
        anyhow::ensure!(monitor.read_line(&mut line)? > 0, "Redis has ended");
        match parse_monitored(&line) {
            Some(verb) if verb == "ECHO" && begun => return Ok(verbs),
            Some(verb) if verb == "ECHO" => begun = true,
            Some(verb) if begun => verbs.push(verb),
            _ => {}
        }
    }
}

/// `+1700000000.123456 [0 127.0.0.1:5555] "get" "sess:…"`; `lua` in the place of the address is a script.
fn parse_monitored(line: &str) -> Option<String> {
    let (from, command) = line.split_once("] \"")?;
    let verb = command.split('"').next()?.to_uppercase();
    Some(if from.ends_with(" lua") { format!("{IN_SCRIPT}{verb}") } else { verb })
}

/// What was added to a file while `work` was done.
fn appended(log: &Path, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<String> {
    let before = fs::read(log).context("the log")?.len();
    work()?;
    let after = fs::read(log)?;
    Ok(String::from_utf8_lossy(after.get(before..).unwrap_or_default()).into_owned())
}

/// `241124 18:54:28\t     5 Execute\tSELECT …`, or the same with blanks in the place of the time.
fn parse_general_log(line: &str) -> Option<String> {
    let mut fields = line.split('\t').skip_while(|field| command(field).is_none());
    let command = command(fields.next()?)?;
    let statement = fields.next().unwrap_or_default();
    match command {
        "Query" | "Execute" => {
            let word = statement.split_whitespace().next()?;
            Some(word.trim_end_matches(';').to_uppercase())
        }
        // Told to the server without waiting for an answer.
        "Close stmt" | "Quit" => None,
        other => Some(other.to_owned()),
    }
}

/// `     5 Execute`: what the client of this number has sent.
fn command(field: &str) -> Option<&str> {
    let (number, command) = field.trim().split_once(' ')?;
    let is_command =
        number.parse::<u64>().is_ok() && command.starts_with(|first: char| first.is_ascii_uppercase());
    is_command.then_some(command)
}

/// `123 openat(AT_FDCWD</x>, "/folder/file", …) = 5`, if it has to do with this folder.
fn parse_call(line: &str, folder: &str) -> Option<String> {
    if !line.contains(folder) || line.contains(" resumed>") {
        return None;
    }
    let call = line.split_once(' ')?.1.trim_start();
    call.split_once('(').map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_inside_a_script_are_told_from_trips() {
        let line = "+1700000000.123456 [0 127.0.0.1:5555] \"getex\" \"sess:x\"\r\n";
        assert_eq!(parse_monitored(line).unwrap(), "GETEX");
        assert_eq!(parse_monitored("+1.2 [0 lua] \"get\" \"k\"\r\n").unwrap(), "in script: GET");
        assert_eq!(parse_monitored("+OK\r\n"), None);
    }

    #[test]
    fn statements_are_told_from_their_further_lines() {
        assert_eq!(
            parse_general_log("241124 18:54:28\t     5 Execute\tSELECT data FROM t").unwrap(),
            "SELECT"
        );
        assert_eq!(parse_general_log("\t\t     5 Query\tINSERT INTO t").unwrap(), "INSERT");
        assert_eq!(parse_general_log("\t\t     5 Ping\t").unwrap(), "Ping");
        assert_eq!(parse_general_log("\t\t     5 Close stmt\t"), None);
        assert_eq!(parse_general_log("    WHERE id = 5"), None);
    }

    #[test]
    fn only_calls_about_the_folder_count_and_each_once() {
        let call = "77 openat(AT_FDCWD</x>, \"/tmp/s/a.json\", O_RDONLY) = 5</tmp/s/a.json>";
        assert_eq!(parse_call(call, "/tmp/s").unwrap(), "openat");
        assert_eq!(parse_call("77 <... rename resumed>) = 0 \"/tmp/s\"", "/tmp/s"), None);
        assert_eq!(parse_call("77 read(3<TCP:[1]>, \"x\", 9) = 1", "/tmp/s"), None);
    }

    #[test]
    fn what_happens_now_and_then_is_no_part_of_a_request() {
        let mut verbs = vec!["GET".to_owned(); 50];
        verbs.push("PING".to_owned());
        assert_eq!(average(verbs), BTreeMap::from([("GET".to_owned(), 1.0)]));
    }
}
