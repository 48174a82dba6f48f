//! What came of the sessions: counted, and told.

use std::fmt;

use serde::Serialize;

use super::copy::{Copied, Fate, Refusal};
use crate::error::CtlError;
use crate::output::Output;
use crate::progress::Progress;
use crate::shown;

/// How many sessions came to which end.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Report {
    sessions: u64,
    copied: u64,
    updated: u64,
    same: u64,
    unchanged: u64,
    kept: u64,
    ended: u64,
    expired: u64,
    removed: u64,
    shorter: u64,
    refused: u64,
    pub(crate) undecodable: u64,
}

impl Report {
    pub(crate) fn count(&mut self, copied: Copied) {
        self.sessions += 1;
        *match copied.fate {
            Fate::Unchanged => &mut self.unchanged,
            Fate::Copied => &mut self.copied,
            Fate::Updated => &mut self.updated,
            Fate::Same => &mut self.same,
            Fate::Kept => &mut self.kept,
            Fate::Ended => &mut self.ended,
            Fate::Expired => &mut self.expired,
            Fate::Refused(_) => &mut self.refused,
        } += 1;
        self.removed += u64::from(copied.is_removed);
        self.shorter += u64::from(copied.is_shorter);
    }

    /// Adds what another pass has done.
    pub(crate) fn add(&mut self, pass: &Self) {
        self.copied += pass.copied;
        self.updated += pass.updated;
        self.removed += pass.removed;
        self.shorter += pass.shorter;
        self.expired += pass.expired;
    }

    /// What was done in all passes, and how all sessions were found by this one.
    pub(crate) const fn with_state_of(self, last: &Self) -> Self {
        let Self { copied, updated, expired, removed, shorter, .. } = self;
        Self { copied, updated, expired, removed, shorter, ..*last }
    }

    pub(crate) const fn has_copied(&self) -> bool {
        self.copied + self.updated > 0
    }

    /// Whether somebody should look: not everybody is in the target, or not for as long as in the source.
    pub(crate) const fn has_findings(&self) -> bool {
        self.refused + self.undecodable + self.shorter > 0
    }

    /// The end of a pass, in a line.
    pub(crate) fn line(&self, progress: &Progress) -> String {
        let Self { copied, updated, kept, ended, refused, undecodable, .. } = self;
        let there = self.unchanged + self.same;
        let (time, rate) = (shown::duration(progress.elapsed()), progress.rate());
        format!(
            "{} sessions in {time} ({rate}/s): copied {copied}, updated {updated}, there already {there}, \
             newer in the target {kept}, ended in the target {ended}, not copied {}",
            progress.done(),
            refused + undecodable,
        )
    }

    pub(crate) fn write(&self, output: &mut Output) -> Result<(), CtlError> {
        if output.json {
            return output.object(self);
        }
        let rows = [
            ("sessions in the source", self.sessions + self.undecodable),
            ("copied", self.copied),
            ("updated, because the source had a newer one", self.updated),
            ("there already", self.unchanged + self.same),
            ("newer in the target, left alone", self.kept),
            ("ended in the target, not brought back", self.ended),
            ("expired on the way", self.expired),
            ("removed from the source", self.removed),
            ("with a shorter life than in the source", self.shorter),
            ("refused by the target", self.refused),
            ("not decodable in the source", self.undecodable),
        ];
        let is_told = |(place, (_, count)): &(usize, (&str, u64))| *place < 2 || *count > 0;
        let rows = rows.into_iter().enumerate().filter(is_told);
        let rows = rows.map(|(_, (name, count))| vec![name.to_owned(), count.to_string()]).collect();
        output.table(&["", "SESSIONS"], rows)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "the target cannot hold its id",
            Self::TooLarge => "it is too large for the target",
            Self::Expired => "by the rules of the target it has expired, because its cookie has",
            Self::Corrupt => "what the target has under its id cannot be decoded",
            Self::ReadBack => "it was another one when it was read back; somebody uses it in the target",
        })
    }
}
