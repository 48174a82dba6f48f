//! What is logged on this thread.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The lines that are logged while `work` runs.
pub(crate) fn log_of(work: impl FnOnce()) -> Vec<String> {
    log_at(Level::INFO, work)
}

/// The same with what is only of interest to who looks for something.
pub(crate) fn log_in_detail_of(work: impl FnOnce()) -> Vec<String> {
    log_at(Level::DEBUG, work)
}

fn log_at(level: Level, work: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    let format = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
    let subscriber = format.with_writer(lines.clone()).finish();
    tracing::subscriber::with_default(subscriber, work);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}
