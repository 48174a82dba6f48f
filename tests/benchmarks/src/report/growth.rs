//! The section about sizes, workers and sweeps.

use std::fmt::Write as _;

use super::tables::{emphasized, median, percentile};
use super::words;
use crate::results::{Growth, Results, Round};
use crate::statistics::Spread;
use crate::subject::{SUBJECTS, Store, Subject};

/// From so many sessions on, memory per session is shown: fewer do not fill what a process asks the system for at once.
const ENOUGH_FOR_BYTES: u64 = 200_000;

/// The section; nothing if nothing was measured.
pub(super) fn section(results: &Results) -> String {
    let parts = [
        (SIZES, sizes(results)),
        (BYTES, bytes(results)),
        (WORKERS, workers(results)),
        (SWEEPS, sweeps(results)),
    ];
    let measured = parts.iter().filter(|(_, table)| !table.is_empty());
    let text = measured.fold(String::new(), |text, (head, table)| text + head + "\n" + table + "\n");
    if text.is_empty() { text } else { format!("## Growth\n\n{text}") }
}

const SIZES: &str = "\
### From few sessions to many

Each size has its own server (and database), and in each round all have their turn; `÷ fewest` is taken round by round. In memory the
load has 10 000 cookies, of visitors spread evenly over all that were made; elsewhere 1000. The other sessions are copies of a visitor's: in
memory made by the store's own `set`, elsewhere put into table, keys or folder. Keys in Redis are counted for all subjects together. MariaDB
has 128 MiB for its buffers, which a million rows do not fit into.

![Requests per second by the number of sessions](images/benchmarks/growth.svg)
";

const BYTES: &str = "\
### Memory per session

What the process has grown by (RSS), in bytes, divided by the sessions made: id, one key, cookie, and the store's own tables.
";

const WORKERS: &str = "\
### Two workers

Both on both cores, which the load needs too, so that two cannot be twice as quick: Actix without sessions shows what there is to gain.
If workers waited for each other, a request would cost more of the server's time with two than with one.
";

const SWEEPS: &str = "\
### While expired sessions are removed

A counter page, asked for second by second while a sweep every two seconds finds what has expired, and then when all are gone; 40 seconds are
watched at most. Redis removes what has expired by itself, and tower-sessions' store in memory removes nothing.
";

/// What was found, in the order of stores and subjects.
fn found(results: &Results, is_wanted: impl Fn(&Growth) -> bool) -> Vec<(&'static Subject, &Growth)> {
    let mut found: Vec<_> = (results.growth.iter())
        .filter(|growth| is_wanted(growth))
        .filter_map(|growth| Some((Subject::named(&growth.subject)?, growth)))
        .collect();
    let order = |name: &str| SUBJECTS.iter().position(|subject| subject.name == name);
    found.sort_by_key(|(_, it)| (it.store, order(&it.subject), it.page.clone(), it.workers, it.sessions));
    found
}

fn rates(rounds: &[Round]) -> Vec<f64> {
    rounds.iter().map(|round| round.seen.per_second()).collect()
}

fn spread(rounds: &[Round]) -> String {
    Spread::of(rates(rounds)).map_or_else(String::new, words::rates)
}

fn ratio(one: &Growth, other: &Growth) -> String {
    Spread::of_ratios(&rates(&one.rounds), &rates(&other.rounds)).map_or_else(String::new, words::ratio)
}

fn sizes(results: &Results) -> String {
    let sizes = found(results, |it| !it.sweep && it.cores == 1 && !it.rounds.is_empty());
    let mut text = String::new();
    for (subject, growth) in &sizes {
        let fewest = sizes.iter().find(|(_, it)| it.subject == growth.subject && it.page == growth.page);
        let ratio = match fewest {
            Some((_, fewest)) if fewest.sessions != growth.sessions => ratio(growth, fewest),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {ratio} | {} | {:.1} µs |",
            emphasized(subject),
            growth.page,
            words::count(growth.sessions),
            spread(&growth.rounds),
            words::time(median(&growth.rounds, |round| percentile(round, 99.0))),
            median(&growth.rounds, Round::server_microseconds),
        );
    }
    table(
        "| | page | sessions | requests/s | ÷ fewest | 99 % within | server |",
        "|---|---|--:|--:|--:|--:|--:|",
        text,
    )
}

fn bytes(results: &Results) -> String {
    let known = found(results, |it| it.bytes_per_session.is_some() && it.sessions >= ENOUGH_FOR_BYTES);
    let mut sizes: Vec<u64> = known.iter().map(|(_, it)| it.sessions).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut text = String::new();
    for subject in SUBJECTS.iter().filter(|subject| known.iter().any(|(of, _)| of == subject)) {
        let _ = write!(text, "| {} |", emphasized(subject));
        for size in &sizes {
            let of = known.iter().find(|(of, it)| of == &subject && it.sessions == *size);
            let bytes = of.and_then(|(_, it)| it.bytes_per_session);
            let _ = write!(text, " {} |", bytes.map_or_else(String::new, |bytes| format!("{bytes:.0}")));
        }
        text.push('\n');
    }
    let names: Vec<_> = sizes.iter().map(|&size| format!("{} sessions", words::count(size))).collect();
    table(&format!("| | {} |", names.join(" | ")), &format!("|---|{}", "--:|".repeat(sizes.len())), text)
}

fn workers(results: &Results) -> String {
    let both = found(results, |it| it.cores > 1);
    let mut text = String::new();
    for (subject, two) in both.iter().filter(|(_, it)| it.workers == 2) {
        let is_one = |it: &Growth| it.workers == 1 && it.subject == two.subject && it.page == two.page;
        let Some((_, one)) = both.iter().find(|(_, it)| is_one(it)) else { continue };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.1} µs → {:.1} µs |",
            emphasized(subject),
            two.page,
            spread(&one.rounds),
            spread(&two.rounds),
            ratio(two, one),
            median(&one.rounds, Round::server_microseconds),
            median(&two.rounds, Round::server_microseconds),
        );
    }
    table(
        "| | page | one: requests/s | two: requests/s | two ÷ one | server |",
        "|---|---|--:|--:|--:|--:|",
        text,
    )
}

fn sweeps(results: &Results) -> String {
    let mut text = String::new();
    for (subject, growth) in found(results, |it| it.sweep) {
        let worst = |rounds: &[Round], of: f64| {
            let slowest = Spread::of(rounds.iter().map(|round| percentile(round, of)));
            slowest.map_or_else(String::new, |spread| words::time(spread.high))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} s | {} | {} | {} | {} | {} | {} |",
            emphasized(subject),
            words::count(growth.sessions),
            growth.rounds.len(),
            spread(&growth.rounds),
            spread(&growth.calm),
            worst(&growth.rounds, 99.0),
            worst(&growth.calm, 99.0),
            worst(&growth.rounds, 100.0),
            worst(&growth.calm, 100.0),
        );
    }
    table(
        "| | expired | watched | requests/s | … afterwards | 99 % within, worst second | … afterwards | slowest | … afterwards |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        text,
    )
}

fn table(head: &str, line: &str, rows: String) -> String {
    if rows.is_empty() { rows } else { format!("{head}\n{line}\n{rows}") }
}

/// Requests per second of a counter page on the stores in memory: `(sessions, median)`, for a plot.
pub(super) fn curve(results: &Results, subject: &Subject) -> Vec<(f64, f64)> {
    let is_wanted =
        |it: &Growth| it.subject == subject.name && it.page == "counter" && it.cores == 1 && !it.sweep;
    let found = found(results, is_wanted).into_iter();
    found.filter_map(|(_, it)| Some((it.sessions as f64, Spread::of(rates(&it.rounds))?.median))).collect()
}

/// Whether there is something for the plot.
pub(super) fn has_curve(results: &Results) -> bool {
    let is_wanted =
        |it: &Growth| it.store == Store::Memory && it.cores == 1 && !it.sweep && !it.rounds.is_empty();
    results.growth.iter().any(is_wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Seen;

    fn growth(sessions: u64, requests: &[u64]) -> Growth {
        let round = |&requests: &u64| Round {
            seen: Seen { requests, errors: 0, seconds: 1.0, latency: vec![(99.0, 20.0), (100.0, 30.0)] },
            server_seconds: 0.5,
            database_seconds: 0.0,
            foreign: 0.0,
            tries: 1,
        };
        Growth {
            store: Store::Memory,
            subject: "ours-memory".into(),
            page: "counter".into(),
            sessions,
            workers: 1,
            cores: 1,
            sweep: false,
            bytes_per_session: Some(250.4),
            rounds: requests.iter().map(round).collect(),
            calm: Vec::new(),
        }
    }

    #[test]
    fn many_sessions_are_compared_with_the_fewest_round_by_round() {
        let mut results = Results::default();
        results.put_growth(growth(1_000_000, &[800, 400]));
        results.put_growth(growth(10_000, &[1000, 500]));
        let text = section(&results);
        assert!(
            text.contains("| **ours, memory** | counter | 1 M | 600 (400–800) | **0.80** (0.80–0.80) |"),
            "{text}"
        );
        assert!(text.contains("| **ours, memory** | 250 |"), "{text}");
        assert_eq!(
            curve(&results, Subject::named("ours-memory").unwrap()),
            [(10_000.0, 750.0), (1_000_000.0, 600.0)]
        );
    }

    #[test]
    fn two_workers_stand_beside_one() {
        let mut results = Results::default();
        results.put_growth(Growth { cores: 2, ..growth(10_000, &[1000]) });
        results.put_growth(Growth { cores: 2, workers: 2, ..growth(10_000, &[1500]) });
        let text = section(&results);
        assert!(text.contains("| **1.50** (1.50–1.50) | 500.0 µs → 333.3 µs |"), "{text}");
        assert!(!text.contains("From few sessions"), "{text}");
    }

    #[test]
    fn the_worst_second_of_a_sweep_counts() {
        let mut swept = Growth { sweep: true, ..growth(1_000_000, &[1000, 900]) };
        swept.calm = growth(0, &[1100]).rounds;
        let last = swept.rounds.last_mut().unwrap();
        last.seen.latency = vec![(99.0, 4000.0), (100.0, 9000.0)];
        let mut results = Results::default();
        results.put_growth(swept);
        assert!(
            section(&results).contains(
                "| 2 s | 950 (900–1.0 k) | 1.1 k (1.1 k–1.1 k) | 4.0 ms | 20 µs | 9.0 ms | 30 µs |"
            )
        );
    }
}
