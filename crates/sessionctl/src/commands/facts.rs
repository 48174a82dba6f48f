//! What can be said of a session without its data.

use std::time::Duration;

use express_session_core::{Document, Life, UnixMillis};
use serde::Serialize;

use crate::shown;

/// Where a document says when its session was made, with the option `absolute_timeout`.
const CREATED_AT_KEY: &str = "__createdAt";

/// What a list shows of a session. What the store does not know is left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keys: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl Facts {
    pub(crate) fn of(
        id: String,
        bytes: usize,
        document: &Document,
        life: Option<Life>,
        now: UnixMillis,
    ) -> Self {
        let created = document.get::<i64>(CREATED_AT_KEY).ok().flatten();
        Self {
            id,
            bytes,
            keys: Some(document.len()),
            created: created.and_then(|at| shown::instant(UnixMillis(at))),
            seen: life.and_then(|life| shown::instant(before(now, life.elapsed()))),
            expires: life.and_then(|life| shown::instant(now.plus(life.left))),
            error: None,
        }
    }

    /// Of what cannot be decoded.
    pub(crate) fn broken(id: String, bytes: usize, error: String) -> Self {
        Self { id, bytes, error: Some(error), ..Self::default() }
    }
}

fn before(now: UnixMillis, by: Duration) -> UnixMillis {
    UnixMillis(now.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}
