//! One pass: every session of the source is looked at once. While a page is copied, the next one is read.

use express_session_core::{Clock as _, Listed, StoreError, SystemClock, UnixMillis};
use futures_util::future::join;
use futures_util::stream::{self, StreamExt as _};

use super::copy::{Copied, Copier, Fate, Found};
use super::fingerprint::{self, IdDigest};
use super::journal::{Journal, Record, Stage};
use super::report::Report;
use crate::commands::Pages;
use crate::error::{CtlError, causes};
use crate::output::Output;
use crate::progress::Progress;

/// A session that there is something to do with.
struct Due {
    found: Found,
    digest: IdDigest,
    /// As it was copied.
    before: Option<Record>,
}

pub(crate) async fn run(
    migration: &Copier,
    page_size: usize,
    jobs: usize,
    journal: &mut Journal,
    progress: &mut Progress,
    output: &Output,
) -> Result<Report, CtlError> {
    let mut report = Report::default();
    let mut pages = Pages::of(migration.source(), page_size);
    let mut next = read(&mut pages).await;
    while let Some((page, now)) = next.map_err(CtlError::of("store"))? {
        let count = page.len();
        let due = due(migration, page, now, journal, &mut report, progress, output);
        let about: Vec<_> = due.iter().filter(|due| due.is_new_to_the_journal()).map(Due::about_to).collect();
        journal.append(&about)?;
        let (copied, following) = join(copy(migration, &due, jobs), read(&mut pages)).await;
        let (done, failed) = copied;
        // What was copied is remembered, also if something else failed.
        let records: Vec<_> = done.iter().filter_map(|(due, copied)| due.done(*copied)).collect();
        journal.append(&records)?;
        for (due, copied) in done {
            report.count(copied);
            if let Fate::Refused(why) = copied.fate {
                progress.say(&format!("not copied: {}: {why}", output.printable_id(&due.found.id)));
            }
        }
        if let Some(error) = failed {
            return Err(CtlError::of("migration")(error));
        }
        progress.add(count);
        next = following;
    }
    Ok(report)
}

/// The next page, and when it was asked for: it waits until the one before is copied, and what is left of a life is less then.
async fn read(pages: &mut Pages<'_>) -> Result<Option<(Vec<Listed>, UnixMillis)>, StoreError> {
    let now = SystemClock.now();
    Ok(pages.next().await?.map(|page| (page, now)))
}

/// Those of a page that there is something to do with; the others are counted.
fn due(
    migration: &Copier,
    page: Vec<Listed>,
    now: UnixMillis,
    journal: &Journal,
    report: &mut Report,
    progress: &Progress,
    output: &Output,
) -> Vec<Due> {
    let mut due = Vec::with_capacity(page.len());
    for Listed { id, stored, .. } in page {
        match stored {
            Err(error) => {
                report.undecodable += 1;
                progress.say(&format!("not copied: {}: {}", output.printable_id(&id), causes(&error)));
            }
            Ok(stored) => {
                let digest = fingerprint::of_id(&id);
                let (found, before) = (migration.found(id, stored, now), journal.get(&digest));
                if migration.is_due(&found, before) {
                    due.push(Due { found, digest, before });
                } else {
                    report.count(Copied { fate: Fate::Unchanged, is_shorter: false, is_removed: false });
                }
            }
        }
    }
    due
}

/// Copies several at a time; what came of those that are done, and the first error.
async fn copy<'a>(
    migration: &Copier,
    due: &'a [Due],
    jobs: usize,
) -> (Vec<(&'a Due, Copied)>, Option<StoreError>) {
    let mut copying = stream::iter(due)
        .map(async |due| (due, migration.copy(&due.found, due.before).await))
        .buffer_unordered(jobs);
    let (mut done, mut failed) = (Vec::with_capacity(due.len()), None);
    while let Some((due, result)) = copying.next().await {
        match result {
            Ok(copied) => done.push((due, copied)),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    (done, failed)
}

impl Due {
    /// Whether a kill in the next moment would leave open whether it was copied. One that was copied before is known to be.
    fn is_new_to_the_journal(&self) -> bool {
        self.before.is_none_or(|before| before.stage == Stage::AboutTo)
    }

    fn about_to(&self) -> (IdDigest, Record) {
        (self.digest, self.found.record(Stage::AboutTo))
    }

    /// What is remembered of it once the target has it as it is now.
    fn done(&self, copied: Copied) -> Option<(IdDigest, Record)> {
        match copied.fate {
            Fate::Copied | Fate::Updated | Fate::Same => Some((self.digest, self.found.record(Stage::Done))),
            // The next pass comes to the same result, by what was copied before.
            Fate::Unchanged | Fate::Kept | Fate::Ended | Fate::Expired | Fate::Refused(_) => None,
        }
    }
}
