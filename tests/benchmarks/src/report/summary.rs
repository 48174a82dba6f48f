//! What a run has found, for the terminal.

use std::fmt::Write as _;

use super::{tables, words};
use crate::results::Results;
use crate::statistics::Spread;
use crate::subject::{PAGES, Store};

/// Requests per second of every subject, and ours divided by them.
pub(crate) fn summary(results: &Results) -> String {
    let mut text = String::new();
    for store in Store::ALL {
        for page in PAGES {
            let lanes = tables::lanes(results, store, page);
            let ours = results.timed(store, page, &format!("ours-{}", words::file_name(store)));
            if lanes.is_empty() {
                continue;
            }
            let _ = writeln!(text, "\n{}, {page}: requests per second, ours ÷ it", store.title());
            for (subject, timed) in lanes {
                let ratio = ours.and_then(|ours| tables::ratio(ours, timed));
                let ratio = ratio.map_or_else(String::new, |it| {
                    format!("{:6.2} ({:.2}–{:.2})", it.median, it.low, it.high)
                });
                let rate =
                    Spread::of(tables::rates(timed)).map_or_else(String::new, |it| words::rate(it.median));
                let _ = writeln!(text, "  {:34} {rate:>8} {ratio}", subject.title);
            }
        }
    }
    for cost in &results.costs {
        let instructions =
            cost.instructions.map_or_else(String::new, |count| format!("{count:8.0} instructions"));
        let what = format!("{}, {}, {} keys", cost.subject, cost.page, cost.keys);
        let _ = writeln!(text, "  {what:44} {:6.1} heap operations {instructions}", cost.allocations);
    }
    for answer in results.correctness.iter().filter(|answer| answer.wrong > 0) {
        let _ = writeln!(text, "  {}: {} of {} {}", answer.subject, answer.wrong, answer.of, answer.question);
    }
    text
}
