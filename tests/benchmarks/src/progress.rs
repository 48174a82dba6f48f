//! How far a run is, and how long it will take.

use indicatif::{ProgressBar, ProgressStyle};

/// One part of a run.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new(part: &str, steps: u64) -> Self {
        let style = ProgressStyle::with_template("{prefix:22} {bar:24} {pos}/{len}, {eta} left  {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(steps).with_style(style).with_prefix(part.to_owned());
        Self { bar }
    }

    /// One step begins.
    pub(crate) fn step(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.bar.inc(1);
    }

    pub(crate) fn done(self) {
        self.bar.finish_with_message("done");
    }
}
