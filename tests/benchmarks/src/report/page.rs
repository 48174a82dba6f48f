//! The page: what was measured, how, on what, and the tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{growth, tables, words};
use crate::results::Results;
use crate::subject::{SUBJECTS, Store};

/// `docs/BENCHMARKS.md`.
pub(super) fn page(results: &Results, before: Option<&Results>) -> String {
    let mut text = String::from(HEAD);
    let _ = writeln!(text, "\n## On what\n\n{}", list(&results.machine));
    let _ = writeln!(text, "Versions: {}.\n", inline(&results.versions));
    let _ = writeln!(text, "Commit {}; made by:\n", results.commit);
    for command in &results.commands {
        let _ = writeln!(text, "- `{command}`");
    }
    if !results.correctness.is_empty() {
        let _ = writeln!(text, "\n{CORRECTNESS}\n{}", tables::correctness(results));
    }
    if !results.costs.is_empty() {
        let _ = writeln!(text, "\n{COSTS}\n{}", tables::costs(results));
    }
    if let Some(before) = before {
        let _ = writeln!(text, "### Before and after\n\nCommit {} → {}:\n", before.commit, results.commit);
        let _ = writeln!(text, "{}", tables::before_and_after(before, results));
    }
    for store in Store::ALL {
        if tables::has(results, store) {
            let file = words::file_name(store);
            let _ = writeln!(text, "## {}\n", store.title());
            let _ = writeln!(text, "![Requests per second](images/benchmarks/{file}.svg)\n");
            text += &tables::store(results, store);
            let _ = writeln!(text, "![Latencies](images/benchmarks/{file}-latency.svg)\n");
        }
    }
    text += &growth::section(results);
    let _ = writeln!(text, "## What each does for a page\n\n{}", does());
    text
}

fn list(entries: &BTreeMap<String, String>) -> String {
    entries.iter().fold(String::new(), |text, (name, value)| text + &format!("- {name}: {value}\n"))
}

fn inline(entries: &BTreeMap<String, String>) -> String {
    let parts: Vec<_> = entries.iter().map(|(name, value)| format!("{name} {value}")).collect();
    parts.join(", ")
}

fn does() -> String {
    let mut text = String::from("| | |\n|---|---|\n");
    for subject in SUBJECTS.iter().filter(|subject| !subject.is_update() && !subject.name.ends_with("-node"))
    {
        let _ = writeln!(text, "| {} | {} |", subject.title, subject.does);
    }
    text
}

const HEAD: &str = "\
<!-- Made by `make bench-docs` from tests/benchmarks/results; changes here are lost. -->
# Benchmarks

The same small app (a counter, a page that only reads, a new visitor, login and logout) on this project's four stores, on
actix-session, on axum with tower-sessions, and on Express with each store's package. `make bench` measures all of it on your
machine, `make bench-quick` a part in five minutes; [`tests/benchmarks`](../tests/benchmarks/README.md) tells how.

## How to read it

- **One core for the server, the other for load and database.** 32 connections ask again as soon as they are answered
  (`wrk`), so latencies are those of a server that is full. 1000 sessions take turns.
- **Rounds are interleaved**: in each round every subject has its turn. `ours ÷ it` is the median of the ratios taken round by
  round, with the lowest and the highest. A round in which something else used more than 8 % of a processor is measured again,
  up to four times; rows that stayed noisy say so.
- **server, database**: processor time per request, of the system too. This is what a page costs; requests per second also tell
  who waits for whom.
- A read of ours and of Express **extends the session**, which is a write on most stores; a read of actix-session and
  tower-sessions does not. `touch_after` is ours extending at most once a minute: that row is to be compared with theirs.
- The peers are used as their documentation shows: tower-sessions' cookie is not signed, actix-session's is encrypted, ours and
  Express' are signed. Express runs in production mode, without ETag and `X-Powered-By`, with ten MySQL connections in the
  place of its package's one, and without session-file-store's retries.
- MariaDB and Redis are private servers that do not wait for the disk (`innodb_flush_log_at_trx_commit=0`, no snapshots).
- Express is one process on one core, like the others; its other threads share that core.
- tower-sessions is 0.14, the newest that its stores for Redis and MySQL work with.
";

const CORRECTNESS: &str = "\
## What overlapping requests do

A quick store that loses a change is no store. One browser, several connections, one jar; two workers on two cores.
*Increments lost*: 2000 increments of one session by 16 connections at once. *Logouts undone*: a request that had begun before the
logout writes after it; then the old or the new cookie still opens the account. *Logins undone*: such a request, or one that was sent with the
old cookie and arrives after the login, ends with the browser holding a cookie that is not logged in.

Ours runs with `Options::express` here, as Express does, whose old ids leave no mark after a login: hence the last column. With
`Options::new` they do, and a late request undoes nothing: `login_wins_over_requests_that_come_late` in
[`crates/express-session-contract/src/login.rs`](../crates/express-session-contract/src/login.rs), which every store passes.
";

const COSTS: &str = "\
## What does not depend on the machine

Per request, on one connection, sessions in memory; in parentheses what is above the same Actix app that looks for a cookie and sends a
constant one. Instructions are callgrind's, user space only, SHA-256 in software. `make bench-guard` fails if ours grow.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_has_no_heading() {
        let text = page(&Results::default(), None);
        assert!(text.starts_with("<!-- Made by"));
        for heading in ["## Memory", "## Growth", "## What overlapping"] {
            assert!(!text.contains(heading));
        }
    }
}
