//! What the store has had under an id, and who put it there.

use std::collections::BTreeMap;

use express_session_core::{Document, SessionId};

use crate::executor::Actor;

/// The life of one id.
#[derive(Debug)]
pub(crate) struct Tale {
    /// Its name in the history: `S1`, `S2`.
    pub(crate) number: usize,
    /// The request that made the id.
    pub(crate) maker: Option<Actor>,
    /// What was stored from when on.
    pub(crate) versions: Vec<(u64, Option<Document>)>,
    /// A Node server has written it, whatever was there.
    pub(crate) was_written_by_node: bool,
    /// A browser has its cookie.
    pub(crate) is_sent: bool,
    /// Which session has taken its place, and when.
    pub(crate) replaced: Option<Replaced>,
    /// When it was last noted on the list of its owner.
    pub(crate) enlisted: Option<u64>,
    /// Somebody has noted that it is to end.
    pub(crate) is_condemned: bool,
}

/// How a session made way for another one.
#[derive(Clone, Debug)]
pub(crate) struct Replaced {
    pub(crate) by: SessionId,
    pub(crate) at: u64,
}

impl Tale {
    pub(crate) const fn new(number: usize) -> Self {
        Self {
            number,
            maker: None,
            versions: Vec::new(),
            was_written_by_node: false,
            is_sent: false,
            replaced: None,
            enlisted: None,
            is_condemned: false,
        }
    }

    pub(crate) fn now(&self) -> Option<&Document> {
        self.versions.last().and_then(|(_, document)| document.as_ref())
    }

    pub(crate) fn has_been_there(&self) -> bool {
        self.versions.iter().any(|(_, document)| document.is_some())
    }

    /// What was stored at any moment from then on; the first is what was there at that moment.
    pub(crate) fn since(&self, then: u64) -> impl Iterator<Item = Option<&Document>> {
        let before = self.versions.iter().rposition(|(at, _)| *at < then);
        let is_older = before.is_none();
        let first = before.unwrap_or(0);
        is_older
            .then_some(None)
            .into_iter()
            .chain(self.versions.iter().skip(first).map(|(_, document)| document.as_ref()))
    }

    pub(crate) fn was_absent_since(&self, then: u64) -> bool {
        self.since(then).any(|document| document.is_none())
    }

    pub(crate) fn was_there_since(&self, then: u64) -> bool {
        self.since(then).any(|document| document.is_some())
    }
}

/// Keys and the texts of their values.
pub(crate) type Members = BTreeMap<String, String>;

/// The members that are the application's.
pub(crate) fn of_the_application(entries: impl IntoIterator<Item = (String, String)>) -> Members {
    entries.into_iter().filter(|(key, _)| !key.starts_with("__")).collect()
}

/// Those of a document.
pub(crate) fn members(document: Option<&Document>) -> Members {
    let entries = document.into_iter().flat_map(Document::entries);
    of_the_application(entries.map(|(key, text)| (key.into_owned(), text.to_owned())))
}
