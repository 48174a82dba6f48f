//! `reindex`: puts every session on its owner's list again.

use serde::Serialize;

use super::Pages;
use crate::error::{CtlError, Ended};
use crate::output::Output;
use crate::progress::Progress;
use crate::store::AnyStore;

#[derive(Debug, Default, Serialize)]
struct Reindexed {
    sessions: u64,
    owned: u64,
    ending: u64,
}

pub(crate) async fn run(store: &AnyStore, page_size: usize, output: &mut Output) -> Result<Ended, CtlError> {
    let index = store.owner_index().ok_or(CtlError::NoOwners)?;
    let total = store.length().await.map_err(CtlError::of("store"))?;
    let mut progress = Progress::new("read", total);
    let mut pages = Pages::of(store, page_size);
    let mut done = Reindexed::default();
    while let Some(page) = pages.next().await.map_err(CtlError::of("store"))? {
        for listed in &page {
            let Ok(stored) = &listed.stored else { continue };
            let Some(owner) = stored.document.owner() else { continue };
            let refreshed = index.refresh(&owner, &listed.id, &stored.document).await;
            // One that is about to end stays as it is.
            if refreshed.map_err(CtlError::of("store"))? { done.owned += 1 } else { done.ending += 1 }
        }
        progress.add(page.len());
    }
    done.sessions = progress.done();
    if output.json {
        output.object(&done)?;
    } else {
        output.line(&format!(
            "read {}, on a list {}, about to end {}",
            done.sessions, done.owned, done.ending
        ))?;
    }
    Ok(Ended::Well)
}
