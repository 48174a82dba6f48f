//! `owners`: how many sessions each owner has, or which ones one owner has.

use std::collections::HashMap;

use express_session_core::{OwnedSession, Owner, UnixMillis};
use serde::Serialize;

use super::Pages;
use crate::cli::Owners;
use crate::error::{CtlError, Ended};
use crate::output::Output;
use crate::progress::Progress;
use crate::shown;
use crate::store::AnyStore;

/// An owner and how many sessions they have.
#[derive(Debug, Serialize)]
struct Counted<'a> {
    owner: &'a str,
    sessions: u64,
}

/// A session of an owner.
#[derive(Debug, Serialize)]
struct Owned {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

pub(crate) async fn run(
    store: &AnyStore,
    page_size: usize,
    what: &Owners,
    output: &mut Output,
) -> Result<Ended, CtlError> {
    match &what.owner {
        Some(owner) => list(store, owner, output).await,
        None => count(store, page_size, what.limit, output).await,
    }
}

/// An owner that somebody has typed.
pub(crate) fn owner(text: &str) -> Result<Owner, CtlError> {
    Owner::new(text).map_err(CtlError::Owner)
}

async fn list(store: &AnyStore, of: &str, output: &mut Output) -> Result<Ended, CtlError> {
    let manager = store.manager()?;
    let sessions = manager.sessions_of(owner(of)?).list().await.map_err(CtlError::of_owners)?;
    if !output.json {
        output.line(&row("ID", "CREATED", "LAST SEEN", "EXPIRES", "LABEL"))?;
    }
    for session in &sessions {
        let owned = owned(session, output);
        if output.json {
            output.object(&owned)?;
            continue;
        }
        let text = |text: &Option<String>| shown::printable(text.as_deref().unwrap_or("-"));
        let (id, label) = (shown::printable(&owned.id), text(&owned.label));
        output.line(&row(&id, &text(&owned.created), &text(&owned.seen), &text(&owned.expires), &label))?;
    }
    Ok(Ended::with(sessions.is_empty()))
}

fn owned(session: &OwnedSession, output: &Output) -> Owned {
    let at = |at: Option<std::time::SystemTime>| shown::instant(UnixMillis::from(at?));
    Owned {
        id: output.id(session.id()),
        created: at(session.created),
        seen: at(session.last_seen),
        expires: at(session.expires),
        label: session.label.clone(),
    }
}

fn row(id: &str, created: &str, seen: &str, expires: &str, label: &str) -> String {
    format!("{id:10}  {created:20}  {seen:20}  {expires:20}  {label}")
}

/// Reads all sessions; keeps a number per owner.
async fn count(
    store: &AnyStore,
    page_size: usize,
    limit: Option<usize>,
    output: &mut Output,
) -> Result<Ended, CtlError> {
    let total = store.length().await.map_err(CtlError::of("store"))?;
    let mut progress = Progress::new("read", total);
    let mut pages = Pages::of(store, page_size);
    let mut counts: HashMap<Owner, u64> = HashMap::new();
    while let Some(page) = pages.next().await.map_err(CtlError::of("store"))? {
        for owner in page.iter().filter_map(|listed| listed.stored.as_ref().ok()?.document.owner()) {
            *counts.entry(owner).or_default() += 1;
        }
        progress.add(page.len());
    }
    progress.done();
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(a, many), (b, few)| few.cmp(many).then_with(|| a.as_str().cmp(b.as_str())));
    counts.truncate(limit.unwrap_or(usize::MAX));
    if output.json {
        for (owner, sessions) in &counts {
            output.object(&Counted { owner: owner.as_str(), sessions: *sessions })?;
        }
        return Ok(Ended::Well);
    }
    let row = |(owner, sessions): &(Owner, u64)| vec![shown::printable(owner.as_str()), sessions.to_string()];
    output.table(&["OWNER", "SESSIONS"], counts.iter().map(row).collect())?;
    Ok(Ended::Well)
}
