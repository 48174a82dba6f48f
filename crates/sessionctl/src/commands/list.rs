//! `list`: one line per session, written as the pages come.

use express_session_core::{Clock as _, Listed, SystemClock};

use super::Pages;
use super::facts::Facts;
use crate::cli::List;
use crate::error::{CtlError, Ended, causes};
use crate::output::Output;
use crate::shown;
use crate::store::AnyStore;

pub(crate) async fn run(
    store: &AnyStore,
    page_size: usize,
    what: &List,
    output: &mut Output,
) -> Result<Ended, CtlError> {
    let mut left = what.limit.unwrap_or(usize::MAX);
    let mut pages = Pages::of(store, page_size.min(left.max(1)));
    if !output.json {
        output.line(&row("ID", "SIZE", "KEYS", "CREATED", "LAST SEEN", "EXPIRES"))?;
    }
    while left > 0
        && let Some(page) = pages.next().await.map_err(CtlError::of("store"))?
    {
        for listed in page.into_iter().take(left) {
            left -= 1;
            write(&listed, output)?;
        }
        output.flush()?;
    }
    Ok(Ended::Well)
}

fn write(listed: &Listed, output: &mut Output) -> Result<(), CtlError> {
    let id = if output.json { output.id(&listed.id) } else { output.printable_id(&listed.id) };
    let facts = match &listed.stored {
        Ok(stored) => Facts::of(id, listed.size, &stored.document, stored.life, SystemClock.now()),
        Err(error) => Facts::broken(id, listed.size, causes(error)),
    };
    if output.json {
        return output.object(&facts);
    }
    let size = shown::bytes(listed.size as u64);
    let keys = facts.keys.map(|keys| keys.to_string()).unwrap_or_default();
    let [created, seen, expires] =
        [&facts.created, &facts.seen, &facts.expires].map(|at| at.as_deref().unwrap_or("-"));
    match &facts.error {
        Some(error) => output.line(&format!("{:10} {size:>10} {error}", facts.id)),
        None => output.line(&row(&facts.id, &size, &keys, created, seen, expires)),
    }
}

/// The columns have widths of their own, because the rows to come are not known yet. A whole id makes its row wider.
fn row(id: &str, size: &str, keys: &str, created: &str, seen: &str, expires: &str) -> String {
    format!("{id:10} {size:>10} {keys:>5}  {created:20}  {seen:20}  {expires}")
}
