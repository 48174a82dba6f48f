//! How far a run is, and how long it will take.

use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

/// One part of a run: a bar in a terminal, elsewhere a line at its beginning and one at its end.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    part: String,
    begun: Cell<u64>,
    start: Instant,
}

impl Progress {
    pub(crate) fn new(part: &str, steps: u64) -> Self {
        let style = ProgressStyle::with_template("{prefix:22} {bar:24} {pos}/{len}, {eta} left  {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(steps).with_style(style).with_prefix(part.to_owned());
        let progress = Self { bar, part: part.to_owned(), begun: Cell::new(0), start: Instant::now() };
        progress.line(&format!("{steps} steps"));
        progress
    }

    /// One step begins, and the one before it has ended.
    pub(crate) fn step(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.bar.set_position(self.begun.replace(self.begun.get() + 1));
    }

    pub(crate) fn done(self) {
        self.bar.finish_with_message("done");
        self.line(&format!("done after {:.0} s", self.start.elapsed().as_secs_f64()));
    }

    fn line(&self, what: &str) {
        let mut error = std::io::stderr();
        if !error.is_terminal() {
            // Nobody reads it: no reason to end a run.
            let _ = writeln!(error, "{}: {what}", self.part);
        }
    }
}
