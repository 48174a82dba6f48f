//! `end`: logs people out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, stdin};

use express_session_core::SessionId;
use serde::Serialize;

use super::owners::owner;
use crate::cli::End;
use crate::error::{CtlError, Ended};
use crate::output::Output;
use crate::store::AnyStore;

/// How an id ends that a list has shortened.
const SHORTENED: char = '\u{2026}';

#[derive(Debug, Default, Serialize)]
struct Ends {
    ended: u64,
    absent: u64,
}

pub(crate) async fn run(store: &AnyStore, what: &End, output: &mut Output) -> Result<Ended, CtlError> {
    if let Some(of) = &what.owner {
        let manager = store.manager()?;
        let ended = manager.sessions_of(owner(of)?).end_all().await.map_err(CtlError::of_owners)?;
        return report(&Ends { ended, absent: 0 }, output);
    }
    if what.ids.is_empty() && what.file.is_none() {
        return Err(CtlError::NoIds);
    }
    let mut ends = Ends::default();
    for id in &what.ids {
        if id == "-" {
            end_all(store, stdin().lock(), &mut ends).await?;
        } else {
            ends.end(store, &session_id(id, 1)?).await?;
        }
    }
    if let Some(path) = &what.file {
        let file = File::open(path).map_err(CtlError::Ids)?;
        end_all(store, BufReader::new(file), &mut ends).await?;
    }
    report(&ends, output)
}

fn report(ends: &Ends, output: &mut Output) -> Result<Ended, CtlError> {
    if output.json {
        output.object(ends)?;
    } else {
        output.line(&format!("ended {}, not there {}", ends.ended, ends.absent))?;
    }
    Ok(Ended::with(ends.absent > 0))
}

/// Ends the session on each line, as the lines come. Those before a line that is no id are ended.
async fn end_all(store: &AnyStore, lines: impl BufRead, ends: &mut Ends) -> Result<(), CtlError> {
    for (number, line) in lines.lines().enumerate() {
        let line = line.map_err(|error: io::Error| CtlError::Ids(error))?;
        if !line.is_empty() {
            ends.end(store, &session_id(&line, number + 1)?).await?;
        }
    }
    Ok(())
}

impl Ends {
    async fn end(&mut self, store: &AnyStore, id: &SessionId) -> Result<(), CtlError> {
        if store.destroy(id).await.map_err(CtlError::of("store"))? {
            self.ended += 1;
        } else {
            self.absent += 1;
        }
        Ok(())
    }
}

/// An id that somebody has typed or piped.
pub(crate) fn session_id(text: &str, line: usize) -> Result<SessionId, CtlError> {
    if text.ends_with(SHORTENED) {
        return Err(CtlError::ShortenedId);
    }
    SessionId::parse(text).map_err(|_| CtlError::NoId(line))
}
