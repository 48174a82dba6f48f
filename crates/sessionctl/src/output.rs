//! What goes to standard output: tables for people, JSON for scripts.

use std::io::{BufWriter, Stdout, Write as _, stdout};

use comfy_table::{CellAlignment, Table, presets};
use express_session_core::SessionId;
use serde::Serialize;

use crate::error::CtlError;
use crate::shown;

/// Standard output, and how things are to be written there.
#[derive(Debug)]
pub(crate) struct Output {
    to: BufWriter<Stdout>,
    pub(crate) json: bool,
    reveal: bool,
}

impl Output {
    pub(crate) fn new(json: bool, reveal: bool) -> Self {
        Self { to: BufWriter::new(stdout()), json, reveal }
    }

    /// An id as it is to be shown.
    pub(crate) fn id(&self, id: &SessionId) -> String {
        shown::id(id, self.reveal)
    }

    /// The same for a terminal: an id may be any text.
    pub(crate) fn printable_id(&self, id: &SessionId) -> String {
        shown::printable(&self.id(id))
    }

    /// A line of text.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), CtlError> {
        Ok(writeln!(self.to, "{text}")?)
    }

    /// One object on a line of its own.
    pub(crate) fn object(&mut self, object: &impl Serialize) -> Result<(), CtlError> {
        // Our own types can all be written.
        let text = serde_json::to_string(object).unwrap_or_default();
        self.line(&text)
    }

    /// Bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<(), CtlError> {
        Ok(self.to.write_all(bytes)?)
    }

    /// Rows of two columns or more; all but the first are numbers.
    pub(crate) fn table(&mut self, header: &[&str], rows: Vec<Vec<String>>) -> Result<(), CtlError> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(header.to_vec());
        table.add_rows(rows);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for line in table.lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), CtlError> {
        Ok(self.to.flush()?)
    }
}
