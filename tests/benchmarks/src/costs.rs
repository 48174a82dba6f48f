//! What one request costs however busy the machine is: calls of the allocator, and instructions.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::backends::temporary_folder;
use crate::http::{Client, cookies};
use crate::progress::Progress;
use crate::results::{Cost, Results};
use crate::server::{SERVER_PROCESSOR, Start, Watch};
use crate::statistics::per_request;
use crate::stop::Stop;
use crate::subject::{Program, Subject};

/// The app that looks for a cookie and sends a constant one: what ours is compared with.
pub(crate) const CONSTANT: &Subject = &Subject {
    name: "actix-constant",
    title: "Actix, a constant cookie",
    program: Program::Ours,
    serves: "actix-constant",
    store: None,
    does: "looks for a cookie, sends a constant one",
};

/// What is counted for a guard: the baseline and ours. The peers are added in a run.
pub(crate) const OURS: [&str; 2] = ["ours-memory", "ours-memory-update"];
/// See [`OURS`].
pub(crate) const PEERS: [&str; 5] =
    ["ours-memory-touch-after", "actix", "actix-session-cookie", "axum", "tower-memory"];

/// See [`OURS`].
pub(crate) const PEERS_OF_A_QUICK_RUN: [&str; 1] = ["tower-memory"];

/// Requests before anything is counted: connections, buffers and tables have their size then.
const WARM: u32 = 300;

/// How many requests instructions are counted over, few and many: what starting costs drops out.
const FEW: u32 = 100;
/// See [`FEW`].
const MANY: u32 = 1100;

/// One thing to count.
#[derive(Clone, Debug)]
struct Case {
    subject: &'static Subject,
    page: &'static str,
    path: String,
    keys: u32,
}

/// Counts for these subjects, and for the baseline.
pub(crate) fn count(
    names: &[&str],
    instructions: bool,
    stop: &Stop,
    results: &mut Results,
) -> anyhow::Result<()> {
    let cases = cases(names);
    let progress = Progress::new("costs per request", cases.len() as u64);
    for case in cases {
        stop.check()?;
        progress.step(&format!("{}, {}, {} keys", case.subject.name, case.page, case.keys));
        let (allocations, allocated_bytes) = heap(&case)?;
        let instructions = if instructions { Some(callgrind(&case, stop)?) } else { None };
        results.put_cost(Cost {
            subject: case.subject.name.to_owned(),
            page: case.page.to_owned(),
            keys: case.keys,
            allocations,
            allocated_bytes,
            instructions,
        });
    }
    progress.done();
    Ok(())
}

fn cases(names: &[&str]) -> Vec<Case> {
    let mut cases = vec![Case { subject: CONSTANT, page: "read", path: "/read".to_owned(), keys: 1 }];
    for subject in names.iter().filter_map(|name| Subject::named(name)) {
        for page in ["counter", "read", "create"] {
            let Some(path) = subject.path(page) else { continue };
            let many = subject.store.is_some() && page != "create";
            cases.push(Case { subject, page, path: path.clone(), keys: 1 });
            if many {
                cases.push(Case { subject, page, path, keys: 10 });
            }
        }
    }
    cases
}

impl Case {
    /// Starts the server, prepares a session, and hands the connection and the cookie to `use_it`.
    fn run<R>(
        &self,
        counted: bool,
        watch: Watch,
        use_it: impl FnOnce(&mut Client, Option<&str>) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let folder = temporary_folder()?;
        let start = Start {
            counted,
            watch,
            processors: SERVER_PROCESSOR,
            ..Start::timed(self.subject, String::new(), folder.path())
        };
        let server = start.start()?;
        let cookie = self.cookie(server.port)?;
        let mut client = Client::connect(server.port)?;
        for _ in 0..WARM {
            client.get(&self.path, cookie.as_deref())?.ok()?;
        }
        let found = use_it(&mut client, cookie.as_deref())?;
        server.end()?;
        Ok(found)
    }

    fn cookie(&self, port: u16) -> anyhow::Result<Option<String>> {
        if self.page == "create" {
            return Ok(None);
        }
        if self.subject.store.is_none() {
            // As long as a real one.
            return Ok(Some(format!("connect.sid=s%3A{}.{}", "a".repeat(32), "b".repeat(43))));
        }
        let page = if self.keys == 10 { "/create10" } else { "/create" };
        Ok(cookies(port, page, 1)?.pop())
    }
}

/// Calls of the allocator and bytes asked for, per request.
fn heap(case: &Case) -> anyhow::Result<(f64, f64)> {
    const REQUESTS: u32 = 2000;
    case.run(true, Watch::Nothing, |client, cookie| {
        let mut read = || -> anyhow::Result<(u64, u64)> {
            let body = client.get("/heap", None)?.ok()?.body;
            let mut numbers = body.split(' ').map_while(|word| word.parse::<u64>().ok());
            let mut next = || numbers.next().context("/heap");
            Ok((next()? + next()?, next()?))
        };
        // What asking costs is paid once in each difference.
        let (first, second) = (read()?, read()?);
        for _ in 0..REQUESTS {
            client.get(&case.path, cookie)?.ok()?;
        }
        let body = client.get("/heap", None)?.ok()?.body;
        let numbers: Vec<u64> = body.split(' ').map_while(|word| word.parse().ok()).collect();
        let &[calls, again, bytes] = numbers.as_slice() else { anyhow::bail!("/heap") };
        let requests = u64::from(REQUESTS);
        Ok((
            per_request((0, second.0 - first.0), (requests, calls + again - second.0)),
            per_request((0, second.1 - first.1), (requests, bytes - second.1)),
        ))
    })
}

/// Instructions per request.
fn callgrind(case: &Case, stop: &Stop) -> anyhow::Result<f64> {
    let few = instructions(case, FEW)?;
    stop.check()?;
    let many = instructions(case, MANY)?;
    Ok(per_request((FEW.into(), few), (MANY.into(), many)))
}

fn instructions(case: &Case, requests: u32) -> anyhow::Result<u64> {
    let folder = temporary_folder()?;
    let file = folder.path().join("callgrind");
    case.run(false, Watch::Instructions(file.clone()), |client, cookie| {
        for _ in 0..requests {
            client.get(&case.path, cookie)?.ok()?;
        }
        Ok(())
    })?;
    total(&file)
}

/// The number behind `totals:` or `summary:` in callgrind's file.
fn total(file: &Path) -> anyhow::Result<u64> {
    let text = fs::read_to_string(file).context("callgrind has written no counts")?;
    parse_total(&text).context("callgrind's counts")
}

fn parse_total(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:")))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_at_the_end_of_callgrinds_file() {
        assert_eq!(parse_total("events: Ir\nsummary: 7\nfn=(1) main\n1 2\ntotals: 123456\n"), Some(123_456));
        assert_eq!(parse_total("events: Ir\n"), None);
    }

    #[test]
    fn further_keys_are_counted_only_where_there_is_a_session() {
        let cases = cases(&["actix", "ours-memory"]);
        assert!(cases.iter().any(|case| case.subject.is_ours() && case.keys == 10));
        assert!(!cases.iter().any(|case| case.subject.store.is_none() && case.keys == 10));
    }
}
