//! `docs/BENCHMARKS.md` and its plots, made from the file of a run.

mod bars;
mod curves;
mod growth;
mod page;
mod summary;
mod tables;
mod words;

pub(crate) use summary::summary;

use std::fs;
use std::path::Path;

use crate::results::Results;
use crate::subject::Store;

/// Writes the page and its plots into a folder of documentation.
pub(crate) fn write(results: &Results, before: Option<&Results>, docs: &Path) -> anyhow::Result<()> {
    let images = docs.join("images").join("benchmarks");
    fs::create_dir_all(&images)?;
    for store in Store::ALL {
        if tables::has(results, store) {
            bars::store(results, store, &images.join(format!("{}.svg", words::file_name(store))))?;
            let latency = images.join(format!("{}-latency.svg", words::file_name(store)));
            curves::latency(results, store, "counter", &latency)?;
        }
    }
    if growth::has_curve(results) {
        curves::growth(results, &images.join("growth.svg"))?;
    }
    bars::overview(results, &images.join("overview.svg"))?;
    fs::write(docs.join("BENCHMARKS.md"), page::page(results, before))?;
    Ok(())
}
