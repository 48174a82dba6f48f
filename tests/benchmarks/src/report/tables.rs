//! The tables of the page, in Markdown.

use std::fmt::Write as _;

use super::words;
use crate::correctness::QUESTIONS;
use crate::results::{Cost, Results, Round, Timed};
use crate::rounds::QUIET;
use crate::statistics::Spread;
use crate::subject::{PAGES, SUBJECTS, Store, Subject};

/// Whether a store was timed.
pub(super) fn has(results: &Results, store: Store) -> bool {
    results.timed.iter().any(|timed| timed.store == store)
}

/// Requests per second, round by round.
pub(super) fn rates(timed: &Timed) -> Vec<f64> {
    timed.rounds.iter().map(|round| round.seen.per_second()).collect()
}

/// Requests per second of one divided by those of another, round by round; `None` if their rounds are not the same.
pub(super) fn ratio(one: &Timed, other: &Timed) -> Option<Spread> {
    if one.command == other.command { Spread::of_ratios(&rates(one), &rates(other)) } else { None }
}

/// What was timed of a store and page, in the order of the list.
pub(super) fn lanes<'a>(
    results: &'a Results,
    store: Store,
    page: &str,
) -> Vec<(&'static Subject, &'a Timed)> {
    let of = |subject: &'static Subject| Some((subject, results.timed(store, page, subject.name)?));
    SUBJECTS.iter().filter_map(of).collect()
}

pub(super) fn median(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    Spread::of(rounds.iter().map(of)).map_or(f64::NAN, |spread| spread.median)
}

pub(super) fn percentile(round: &Round, wanted: f64) -> f64 {
    let point = round.seen.latency.iter().find(|(percentile, _)| *percentile >= wanted);
    point.map_or(f64::NAN, |(_, microseconds)| *microseconds)
}

/// All pages of one store.
pub(super) fn store(results: &Results, store: Store) -> String {
    let mut text = String::new();
    for page in PAGES {
        let lanes = lanes(results, store, page);
        let ours = results.timed(store, page, &format!("ours-{}", words::file_name(store)));
        let Some(ours) = ours.filter(|_| lanes.len() > 1) else { continue };
        let _ = writeln!(text, "### {}\n", page_title(page));
        let _ = writeln!(
            text,
            "| | requests/s | ours ÷ it | half within | 99 % within | slowest | server | database | asks the store |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|---|"
        );
        for (subject, timed) in lanes {
            text += &row(results, store, subject, timed, ours);
        }
        text.push('\n');
    }
    text
}

fn row(results: &Results, store: Store, subject: &Subject, timed: &Timed, ours: &Timed) -> String {
    let is_reference = subject.name == format!("ours-{}", words::file_name(store));
    let ratio = match ratio(ours, timed) {
        Some(spread) if !is_reference => words::ratio(spread),
        _ => String::new(),
    };
    let rounds = &timed.rounds;
    let database = match store {
        Store::Redis | Store::Mysql if subject.store.is_some() => {
            format!("{:.1} µs", median(rounds, Round::database_microseconds))
        }
        _ => String::new(),
    };
    let asks = asks(results, subject, &timed.page);
    let errors: u64 = rounds.iter().map(|round| round.seen.errors).sum();
    let noisy = rounds.iter().filter(|round| round.foreign > QUIET).count();
    let mut marks = String::new();
    if errors > 0 {
        let _ = write!(marks, " ({errors} errors)");
    }
    if noisy * 2 > rounds.len() {
        marks += " (noisy)";
    }
    format!(
        "| {}{marks} | {} | {ratio} | {} | {} | {} | {:.1} µs | {database} | {} |\n",
        emphasized(subject),
        Spread::of(rates(timed)).map_or_else(String::new, words::rates),
        words::time(median(rounds, |round| percentile(round, 50.0))),
        words::time(median(rounds, |round| percentile(round, 99.0))),
        words::time(median(rounds, |round| percentile(round, 100.0))),
        median(rounds, Round::server_microseconds),
        asks,
    )
}

/// What is asked of the store; both halves of a visit.
fn asks(results: &Results, subject: &Subject, page: &str) -> String {
    // The older Node does what the current one does.
    let name = subject.name.trim_end_matches("-node");
    let on = |page: &str| {
        let found = results.statements.iter().find(|it| it.subject == name && it.page == page);
        found.map_or_else(String::new, words::asks)
    };
    match (page, on("login"), on("logout")) {
        (crate::load::VISIT, login, logout) if !login.is_empty() => format!("{login}; {logout}"),
        _ => on(page),
    }
}

pub(super) fn emphasized(subject: &Subject) -> String {
    if subject.is_ours() { format!("**{}**", subject.title) } else { subject.title.to_owned() }
}

/// A page, as a heading.
pub(super) fn page_title(page: &str) -> &str {
    match page {
        "counter" => "Counter: read, change, write",
        "read" => "Read",
        "create" => "A new visitor",
        crate::load::VISIT => "Login and logout, in turn",
        other => other,
    }
}

/// Allocations and instructions.
pub(super) fn costs(results: &Results) -> String {
    let constant = results.costs.iter().find(|cost| cost.subject == "actix-constant");
    let mut text = String::from(
        "| | page | heap operations | … per further key | bytes asked for | instructions | … per further key |\n\
         |---|---|--:|--:|--:|--:|--:|\n",
    );
    if let Some(constant) = constant {
        let _ = writeln!(
            text,
            "| Actix, a constant cookie | any | {:.0} | | {:.0} | {} | |",
            constant.allocations,
            constant.allocated_bytes,
            constant.instructions.map_or_else(String::new, thousands),
        );
    }
    for subject in SUBJECTS {
        for page in PAGES {
            if let Some(cost) = cost(results, subject.name, page, 1) {
                text += &cost_row(subject, cost, self::cost(results, subject.name, page, 10), constant);
            }
        }
    }
    text
}

fn cost<'a>(results: &'a Results, subject: &str, page: &str, keys: u32) -> Option<&'a Cost> {
    results.costs.iter().find(|cost| cost.subject == subject && cost.page == page && cost.keys == keys)
}

fn cost_row(subject: &Subject, cost: &Cost, ten: Option<&Cost>, constant: Option<&Cost>) -> String {
    // Only an Actix app can be compared with the Actix app that does nearly nothing.
    let base = constant.filter(|_| subject.title.contains("ctix") || subject.is_ours());
    let above = |value: f64, base: Option<f64>| match base {
        Some(base) => format!("{value:.0} ({:+.0})", value - base),
        None => format!("{value:.0}"),
    };
    let above_thousands = |value: f64, base: Option<f64>| match base {
        Some(base) => format!("{} ({:+.1} k)", thousands(value), (value - base) / 1000.0),
        None => thousands(value),
    };
    let per_key =
        // Less than a twentieth is none, and has no sign.
        |one: f64, ten: Option<f64>| {
            let each = |ten: f64| ((ten - one) / 9.0 * 10.0).round() / 10.0 + 0.0;
            ten.map_or_else(String::new, |ten| format!("{:.1}", each(ten)))
        };
    let instructions = cost.instructions.unwrap_or(f64::NAN);
    format!(
        "| {} | {} | {} | {} | {:.0} | {} | {} |\n",
        emphasized(subject),
        cost.page,
        above(cost.allocations, base.map(|base| base.allocations)),
        per_key(cost.allocations, ten.map(|ten| ten.allocations)),
        cost.allocated_bytes,
        above_thousands(instructions, base.and_then(|base| base.instructions)),
        ten.and_then(|ten| ten.instructions)
            .map_or_else(String::new, |ten| { thousands((ten - instructions) / 9.0) }),
    )
}

fn thousands(number: f64) -> String {
    format!("{:.1} k", number / 1000.0)
}

/// What went wrong, of how many.
pub(super) fn correctness(results: &Results) -> String {
    let mut text = format!("| | {} |\n|---|{}\n", QUESTIONS.join(" | "), "--:|".repeat(QUESTIONS.len()));
    let mut subjects: Vec<_> = (SUBJECTS.iter())
        .filter(|subject| results.correctness.iter().any(|it| it.subject == subject.name))
        .collect();
    subjects.sort_by_key(|subject| subject.store);
    for subject in subjects {
        let _ = write!(text, "| {} |", emphasized(subject));
        for question in QUESTIONS {
            let answer =
                results.correctness.iter().find(|it| it.subject == subject.name && it.question == question);
            let cell = match answer {
                Some(answer) if answer.wrong == 0 => "**0**".to_owned(),
                Some(answer) => format!("{} of {}", answer.wrong, answer.of),
                None if subject.is_update() => "as above".to_owned(),
                None => String::new(),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text
}

/// One run beside an earlier one: only what does not depend on how busy the machine was.
pub(super) fn before_and_after(before: &Results, after: &Results) -> String {
    let mut text = String::from(
        "| | page | heap operations | instructions | requests/s ÷ tower-sessions' |\n|---|---|--:|--:|--:|\n",
    );
    for subject in SUBJECTS.iter().filter(|subject| subject.is_ours()) {
        for page in PAGES {
            let pair = (cost(before, subject.name, page, 1), cost(after, subject.name, page, 1));
            let (Some(old), Some(new)) = pair else { continue };
            let instructions = |cost: &Cost| cost.instructions.map_or_else(String::new, thousands);
            let ratio = |results: &Results| {
                let ours = results.timed(Store::Memory, page, subject.name)?;
                let theirs = results.timed(Store::Memory, page, "tower-memory")?;
                ratio(ours, theirs).map(|spread| format!("{:.2}", spread.median))
            };
            let ratios = match (ratio(before), ratio(after)) {
                (Some(old), Some(new)) => format!("{old} → {new}"),
                _ => String::new(),
            };
            let _ = writeln!(
                text,
                "| {} | {page} | {:.0} → {:.0} | {} → {} | {ratios} |",
                subject.title,
                old.allocations,
                new.allocations,
                instructions(old),
                instructions(new),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Seen;
    use crate::results::Correctness;

    fn timed(subject: &str, requests: &[u64]) -> Timed {
        let round = |&requests: &u64| Round {
            seen: Seen {
                requests,
                errors: 0,
                seconds: 1.0,
                latency: vec![(50.0, 10.0), (99.0, 20.0), (100.0, 30.0)],
            },
            server_seconds: 0.5,
            database_seconds: 0.0,
            foreign: 0.0,
            tries: 1,
        };
        Timed {
            store: Store::Memory,
            page: "counter".into(),
            subject: subject.into(),
            command: 1,
            rounds: requests.iter().map(round).collect(),
        }
    }

    #[test]
    fn each_row_has_the_ratio_of_ours_to_it() {
        let mut results = Results::default();
        results.put_timed(timed("ours-memory", &[1000, 500]));
        results.put_timed(timed("tower-memory", &[500, 250]));
        let text = store(&results, Store::Memory);
        let row = text.lines().find(|line| line.contains("tower-sessions")).unwrap();
        assert!(row.contains("**2.00** (2.00–2.00)"), "{row}");
        assert!(row.contains("| 10 µs | 20 µs | 30 µs |"), "{row}");
    }

    #[test]
    fn rounds_of_two_runs_are_not_compared_one_by_one() {
        let mut results = Results::default();
        results.put_timed(timed("ours-memory", &[1000]));
        results.put_timed(Timed { command: 2, ..timed("tower-memory", &[500]) });
        let text = store(&results, Store::Memory);
        assert!(text.contains("| tower-sessions, memory | 500 (500–500) |  | 10 µs |"), "{text}");
    }

    #[test]
    fn nothing_lost_stands_out() {
        let mut results = Results::default();
        let answer = |wrong| Correctness {
            store: Store::Memory,
            subject: "ours-memory-update".into(),
            question: QUESTIONS[0].into(),
            wrong,
            of: 2000,
        };
        results.put_correctness(answer(7));
        assert!(correctness(&results).contains("| 7 of 2000 | as above |"));
        results.put_correctness(answer(0));
        assert!(correctness(&results).contains("| **0** |"));
    }
}
