//! Compares what one request of ours costs with the numbers that are kept in the tree.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::results::Results;

/// Instructions vary a little with hash seeds and timers; allocations hardly.
const INSTRUCTIONS_MAY_GROW: f64 = 0.03;
/// A table that grows now and then shows up as a fraction of a call.
const ALLOCATIONS_MAY_GROW: f64 = 0.5;
/// Statements are exact.
const STATEMENTS_MAY_GROW: f64 = 0.05;

/// The kept numbers, one a line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Kept {
    pub(crate) lines: Vec<Line>,
}

/// One kept number.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) measure: String,
    pub(crate) value: f64,
}

/// Where they are kept.
pub(crate) fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("guard.json")
}

impl Kept {
    /// What a run has found about ours.
    pub(crate) fn of(results: &Results) -> Self {
        let round = |value: f64, to: f64| (value / to).round() * to;
        let mut lines = Vec::new();
        let ours = |name: &str| name.starts_with("ours-") || name == "actix-constant";
        for cost in results.costs.iter().filter(|cost| ours(&cost.subject)) {
            let what = format!("{} {} {} keys", cost.subject, cost.page, cost.keys);
            let line = |measure: &str, value| Line { what: what.clone(), measure: measure.to_owned(), value };
            lines.push(line("allocations", round(cost.allocations, 0.1)));
            lines.extend(cost.instructions.map(|count| line("instructions", round(count, 10.0))));
        }
        for statements in results.statements.iter().filter(|it| ours(&it.subject)) {
            let what = format!("{} {}", statements.subject, statements.page);
            lines.push(Line {
                what,
                measure: "statements".to_owned(),
                value: round(statements.total(), 0.01),
            });
        }
        Self { lines }
    }

    pub(crate) fn load() -> anyhow::Result<Self> {
        let text = fs::read_to_string(file()).context("no numbers are kept yet: make bench-guard KEEP=1")?;
        Ok(serde_json::from_str(&text)?)
    }

    /// One line of text each, so that a change of one is a change of one line.
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        let lines: Result<Vec<_>, _> = self.lines.iter().map(serde_json::to_string).collect();
        Ok(fs::write(file(), format!("{{\"lines\": [\n{}\n]}}\n", lines?.join(",\n")))?)
    }

    /// What is worse now than kept, what is better, and what is no longer measured.
    pub(crate) fn compare(&self, now: &Self) -> Verdict {
        let mut verdict = Verdict::default();
        for kept in &self.lines {
            let Some(found) =
                now.lines.iter().find(|line| line.what == kept.what && line.measure == kept.measure)
            else {
                verdict.worse.push(format!("{}: {} were not measured", kept.what, kept.measure));
                continue;
            };
            let slack = match kept.measure.as_str() {
                "instructions" => kept.value * INSTRUCTIONS_MAY_GROW,
                "allocations" => ALLOCATIONS_MAY_GROW,
                _ => STATEMENTS_MAY_GROW,
            };
            let text = format!("{}: {} {} → {}", kept.what, kept.measure, kept.value, found.value);
            if found.value > kept.value + slack {
                verdict.worse.push(text);
            } else if found.value < kept.value - slack {
                verdict.better.push(text);
            }
        }
        verdict
    }
}

/// The outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) worse: Vec<String>,
    pub(crate) better: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(measure: &str, value: f64) -> Kept {
        Kept { lines: vec![Line { what: "ours-memory read".into(), measure: measure.into(), value }] }
    }

    #[test]
    fn a_little_is_noise_and_more_is_growth() {
        let before = kept("instructions", 10_000.0);
        assert_eq!(before.compare(&kept("instructions", 10_290.0)), Verdict::default());
        assert_eq!(before.compare(&kept("instructions", 10_310.0)).worse.len(), 1);
        assert_eq!(before.compare(&kept("instructions", 9_000.0)).better.len(), 1);
        assert_eq!(kept("allocations", 8.0).compare(&kept("allocations", 9.0)).worse.len(), 1);
    }

    #[test]
    fn what_is_not_measured_any_more_fails() {
        assert_eq!(kept("statements", 1.0).compare(&Kept::default()).worse.len(), 1);
    }
}
