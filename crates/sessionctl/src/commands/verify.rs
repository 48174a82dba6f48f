//! `verify`: reads everything, and reports what cannot be decoded. Nothing is changed.

use serde::Serialize;

use super::Pages;
use super::facts::Facts;
use crate::error::{CtlError, Ended, causes};
use crate::output::Output;
use crate::progress::Progress;
use crate::shown;
use crate::store::AnyStore;

/// The last line, in JSON.
#[derive(Debug, Serialize)]
struct Verified {
    sessions: u64,
    undecodable: u64,
}

pub(crate) async fn run(store: &AnyStore, page_size: usize, output: &mut Output) -> Result<Ended, CtlError> {
    let total = store.length().await.map_err(CtlError::of("store"))?;
    let mut progress = Progress::new("verified", total);
    let mut pages = Pages::of(store, page_size);
    let mut undecodable = 0;
    while let Some(page) = pages.next().await.map_err(CtlError::of("store"))? {
        for listed in &page {
            let Err(error) = &listed.stored else { continue };
            undecodable += 1;
            if output.json {
                output.object(&Facts::broken(output.id(&listed.id), listed.size, causes(error)))?;
            } else {
                let (id, size) = (output.printable_id(&listed.id), shown::bytes(listed.size as u64));
                output.line(&format!("{id:10} {size:>10} {}", causes(error)))?;
            }
        }
        progress.add(page.len());
    }
    let sessions = progress.done();
    if output.json {
        output.object(&Verified { sessions, undecodable })?;
    } else {
        output.line(&format!("read {sessions}, not decodable {undecodable}"))?;
    }
    Ok(Ended::with(undecodable > 0))
}
