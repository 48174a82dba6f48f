//! `show`: one session, its values only if wanted.

use std::collections::BTreeMap;
use std::io::{Read as _, stdin};

use express_session_core::{Clock as _, Document, Listed, SessionId, SystemClock};
use serde::Serialize;
use serde_json::value::RawValue;

use super::end::session_id;
use super::facts::Facts;
use crate::cli::Show;
use crate::error::{CtlError, Ended, causes};
use crate::output::Output;
use crate::shown;
use crate::store::AnyStore;

/// The longest input that can be an id.
const MAX_INPUT: u64 = 64 * 1024;

#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    facts: Facts,
    cookie: Option<Box<RawValue>>,
    /// The size of each value, by its key.
    sizes: BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<BTreeMap<String, &'a RawValue>>,
}

pub(crate) async fn run(store: &AnyStore, what: &Show, output: &mut Output) -> Result<Ended, CtlError> {
    let id = if what.id == "-" {
        let mut text = String::new();
        stdin().take(MAX_INPUT).read_to_string(&mut text).map_err(CtlError::Ids)?;
        session_id(text.trim_end_matches(['\r', '\n']), 1)?
    } else {
        session_id(&what.id, 1)?
    };
    let Some(Listed { size, stored, .. }) = store.look(&id).await.map_err(CtlError::of("store"))? else {
        eprintln!("sessionctl: there is no such session");
        return Ok(Ended::WithFindings);
    };
    match stored {
        Ok(stored) => {
            let facts = Facts::of(output.id(&id), size, &stored.document, stored.life, SystemClock.now());
            write(&id, facts, &stored.document, what.data, output)?;
            Ok(Ended::Well)
        }
        Err(error) => {
            eprintln!("sessionctl: {}", causes(&error));
            Ok(Ended::WithFindings)
        }
    }
}

fn write(
    id: &SessionId,
    facts: Facts,
    document: &Document,
    with_data: bool,
    output: &mut Output,
) -> Result<(), CtlError> {
    let cookie = document.cookie().encode();
    if output.json {
        let sizes = document.entries().map(|(key, value)| (key.into_owned(), value.len())).collect();
        let values = || {
            document
                .entries()
                .filter_map(|(key, value)| Some((key.into_owned(), serde_json::from_str(value).ok()?)))
        };
        let data = with_data.then(|| values().collect());
        return output.object(&Shown { facts, cookie: RawValue::from_string(cookie).ok(), sizes, data });
    }
    let known = |at: &Option<String>| at.clone().unwrap_or_else(|| "-".to_owned());
    let id = output.printable_id(id);
    for (name, value) in [
        ("id", id),
        ("size", shown::bytes(facts.bytes as u64)),
        ("created", known(&facts.created)),
        ("last seen", known(&facts.seen)),
        ("expires", known(&facts.expires)),
        ("cookie", shown::printable(&cookie)),
    ] {
        output.line(&format!("{name:10} {value}"))?;
    }
    output.line("")?;
    let value_of =
        |value: &str| if with_data { shown::printable(value) } else { shown::bytes(value.len() as u64) };
    for (key, value) in document.entries() {
        output.line(&format!("{:20} {}", shown::printable(&key), value_of(value)))?;
    }
    Ok(())
}
