//! Steps as people read them, when one of them shows a difference.

use std::fmt;

use super::{End, Request, Sends, Step};

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, path, side, sends, forwarded, fails, task } = self;
        write!(f, "client {client} → {side:?} {path}")?;
        if *sends != Sends::Jar {
            write!(f, " [sends {sends:?}]")?;
        }
        if let Some(proto) = forwarded {
            write!(f, " [X-Forwarded-Proto: {proto}]")?;
        }
        if let Some(verb) = fails {
            write!(f, " [the store fails to {}]", verb.name())?;
        }
        for operation in &task.operations {
            write!(f, " · {}", serde_json::to_string(operation).unwrap_or_default())?;
        }
        if task.end == End::Results { Ok(()) } else { write!(f, " · then {:?}", task.end) }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request) => write!(f, "{request}"),
            Self::Overlap { held, quick } => write!(f, "{held}\n     while it is held: {quick}"),
            Self::Wait { ms } => write!(f, "{ms} ms pass"),
            Self::WaitForEnd { session, offset } => {
                write!(f, "time passes until {offset} ms after the end of session {session}")
            }
            Self::Plant { client, document } => write!(f, "planted for client {client}: {document}"),
        }
    }
}
