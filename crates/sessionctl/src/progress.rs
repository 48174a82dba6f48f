//! How far a command has come, on standard error: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::shown;

/// How many sessions a line is written for when there is no terminal.
const LINE_EVERY: u64 = 25_000;

/// The sessions of one pass.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    what: String,
    since: Instant,
    total: u64,
    done: u64,
    has_terminal: bool,
}

impl Progress {
    /// `total` is an estimate: sessions come and go.
    pub(crate) fn new(what: &str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let style = "{prefix} {bar:30} {human_pos}/{human_len} {per_sec}, {eta} left";
        // The template is a constant.
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(what.to_owned());
        Self {
            bar,
            what: what.to_owned(),
            since: Instant::now(),
            total,
            done: 0,
            has_terminal: stderr().is_terminal(),
        }
    }

    /// So many sessions more are done.
    pub(crate) fn add(&mut self, sessions: usize) {
        let before = self.done;
        self.done += sessions as u64;
        self.bar.inc(sessions as u64);
        if !self.has_terminal && before / LINE_EVERY != self.done / LINE_EVERY {
            let (rate, left) = (self.rate(), self.left());
            self.say(&format!(
                "{}: {} of {}, {rate}/s, {} left",
                self.what,
                self.done,
                self.total,
                shown::duration(left)
            ));
        }
    }

    /// A line that does not disturb the bar.
    pub(crate) fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    pub(crate) const fn done(&self) -> u64 {
        self.done
    }

    /// Sessions per second so far.
    pub(crate) fn rate(&self) -> u64 {
        let millis = u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        self.done.saturating_mul(1000) / millis
    }

    fn left(&self) -> Duration {
        Duration::from_secs(self.total.saturating_sub(self.done) / self.rate().max(1))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
