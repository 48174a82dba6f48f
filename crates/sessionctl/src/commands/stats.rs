//! `stats`: how many sessions, how large, how old, and how long they live.

use std::time::Duration;

use serde::Serialize;

use super::Pages;
use crate::error::{CtlError, Ended};
use crate::output::Output;
use crate::progress::Progress;
use crate::shown;
use crate::store::AnyStore;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// The upper ends of the rows of times, in seconds.
const TIMES: [u64; 9] = [MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY, 365 * DAY];
/// The same for sizes, in bytes.
const SIZES: [u64; 9] = [256, 512, 1 << 10, 2 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20, 16 << 20];
/// How long the longest bar is.
const BAR: u64 = 30;

/// How many lie below each end; the last is for what lies above all of them.
#[derive(Debug, Default, Serialize)]
struct Histogram([u64; 10]);

impl Histogram {
    fn add(&mut self, ends: &[u64; 9], value: u64) {
        self.0[ends.partition_point(|end| *end <= value)] += 1;
    }

    fn rows(&self, ends: &[u64; 9], unit: impl Fn(u64) -> String) -> Vec<Vec<String>> {
        let largest = self.0.iter().copied().max().unwrap_or(0).max(1);
        let row = |(place, count): (usize, &u64)| {
            let name = match ends.get(place) {
                Some(end) => format!("under {}", unit(*end)),
                None => format!("{} and more", unit(ends[ends.len() - 1])),
            };
            let bar = usize::try_from((count * BAR).div_ceil(largest)).unwrap_or(0);
            vec![name, count.to_string(), format!("{:30}", "#".repeat(bar))]
        };
        self.0.iter().enumerate().filter(|(_, count)| **count > 0).map(row).collect()
    }
}

/// Ends of rows and counts belong together: each count is of what lies below its end, the last of what lies above all.
#[derive(Debug, Serialize)]
struct Ends {
    bytes: [u64; 9],
    seconds: [u64; 9],
}

#[derive(Debug, Default, Serialize)]
struct Stats {
    sessions: u64,
    undecodable: u64,
    bytes: u64,
    largest: u64,
    keys: u64,
    without_known_life: u64,
    sizes: Histogram,
    left: Histogram,
    unseen: Histogram,
}

#[derive(Debug, Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    stats: &'a Stats,
    ends: Ends,
}

pub(crate) async fn run(store: &AnyStore, page_size: usize, output: &mut Output) -> Result<Ended, CtlError> {
    let total = store.length().await.map_err(CtlError::of("store"))?;
    let mut progress = Progress::new("read", total);
    let mut pages = Pages::of(store, page_size);
    let mut stats = Stats::default();
    while let Some(page) = pages.next().await.map_err(CtlError::of("store"))? {
        for listed in &page {
            let size = listed.size as u64;
            stats.sessions += 1;
            stats.bytes += size;
            stats.largest = stats.largest.max(size);
            stats.sizes.add(&SIZES, size);
            let Ok(stored) = &listed.stored else {
                stats.undecodable += 1;
                continue;
            };
            stats.keys += stored.document.len() as u64;
            let Some(life) = stored.life else {
                stats.without_known_life += 1;
                continue;
            };
            stats.left.add(&TIMES, life.left.as_secs());
            stats.unseen.add(&TIMES, life.elapsed().as_secs());
        }
        progress.add(page.len());
    }
    drop(progress);
    if output.json {
        output.object(&Written { stats: &stats, ends: Ends { bytes: SIZES, seconds: TIMES } })?;
    } else {
        write(&stats, output)?;
    }
    Ok(Ended::Well)
}

fn write(stats: &Stats, output: &mut Output) -> Result<(), CtlError> {
    let average = |sum: u64| sum / stats.sessions.max(1);
    let numbers = [
        ("sessions", stats.sessions.to_string()),
        ("not decodable", stats.undecodable.to_string()),
        ("without a known end", stats.without_known_life.to_string()),
        ("bytes", shown::bytes(stats.bytes)),
        ("bytes per session", shown::bytes(average(stats.bytes))),
        ("largest", shown::bytes(stats.largest)),
        ("keys per session", average(stats.keys).to_string()),
    ];
    let rows = numbers.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    output.table(&["", ""], rows)?;
    let time = |seconds| shown::duration(Duration::from_secs(seconds));
    for (name, rows) in [
        ("SIZE", stats.sizes.rows(&SIZES, shown::bytes)),
        ("LIFE LEFT", stats.left.rows(&TIMES, time)),
        ("SINCE LAST SEEN", stats.unseen.rows(&TIMES, time)),
    ] {
        output.line("")?;
        output.table(&[name, "SESSIONS", ""], rows)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_below_the_next_end() {
        let mut histogram = Histogram::default();
        for value in [0, 59, 60, 365 * DAY - 1, 365 * DAY, u64::MAX] {
            histogram.add(&TIMES, value);
        }
        assert_eq!(histogram.0, [2, 1, 0, 0, 0, 0, 0, 0, 1, 2]);
        let names: Vec<_> =
            histogram.rows(&TIMES, |end| end.to_string()).into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(names, ["under 60", "under 600", "under 31536000", "31536000 and more"]);
    }
}
