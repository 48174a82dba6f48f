//! What a server says to the store, as a message that can be late, lost or doubled.

use std::time::Duration;

use express_session_core::{
    Cookie, Document, Expect, Owner, OwnerEntry, Revision, SessionId, SetOutcome, StoreError, Stored,
    SupersedeOutcome, TouchAfter, TouchOutcome,
};

/// A call, with all it says.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Get {
        id: SessionId,
    },
    /// `get_and_touch`: reads, and may touch.
    GetAndTouch {
        id: SessionId,
        cookie: Cookie,
        touch_after: TouchAfter,
    },
    Set {
        id: SessionId,
        document: Document,
        expected: Option<Revision>,
        at_most: Option<Duration>,
    },
    Touch {
        id: SessionId,
        document: Document,
        cookie: Cookie,
    },
    Destroy {
        id: SessionId,
    },
    Supersede {
        id: SessionId,
        expected: Option<Revision>,
        by: SessionId,
        grace: Duration,
    },
    Successor {
        id: SessionId,
    },
    Find {
        owner: Owner,
    },
    Enlist {
        owner: Owner,
        id: SessionId,
    },
    Confirm {
        owner: Owner,
        id: SessionId,
        document: Document,
    },
    Refresh {
        owner: Owner,
        id: SessionId,
        document: Document,
    },
    Condemn {
        owner: Owner,
        ids: Vec<SessionId>,
    },
    Delist {
        owner: Owner,
        ids: Vec<SessionId>,
    },
}

/// What comes back.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Read(Option<Stored>),
    Set(SetOutcome),
    Touch(TouchOutcome),
    Destroyed(bool),
    Superseded(SupersedeOutcome),
    Successor(Option<SessionId>),
    Found(Vec<OwnerEntry>),
    Done,
    Confirmed(bool),
}

/// An answer of the store.
pub(crate) type Answer = Result<Reply, StoreError>;

impl Command {
    /// The verb, for the history.
    pub(crate) const fn verb(&self) -> &'static str {
        match self {
            Self::Get { .. } => "get",
            Self::GetAndTouch { .. } => "get_and_touch",
            Self::Set { expected: None, .. } => "set",
            Self::Set { expected: Some(_), .. } => "set if unchanged",
            Self::Touch { .. } => "touch",
            Self::Destroy { .. } => "destroy",
            Self::Supersede { expected: None, .. } => "supersede",
            Self::Supersede { expected: Some(_), .. } => "supersede if unchanged",
            Self::Successor { .. } => "successor",
            Self::Find { .. } => "find",
            Self::Enlist { .. } => "enlist",
            Self::Confirm { .. } => "confirm",
            Self::Refresh { .. } => "refresh",
            Self::Condemn { .. } => "condemn",
            Self::Delist { .. } => "delist",
        }
    }

    /// The session that it may change; none for lists of owners.
    pub(crate) const fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Get { id }
            | Self::GetAndTouch { id, .. }
            | Self::Set { id, .. }
            | Self::Touch { id, .. }
            | Self::Destroy { id }
            | Self::Supersede { id, .. }
            | Self::Successor { id } => Some(id),
            Self::Find { .. }
            | Self::Enlist { .. }
            | Self::Confirm { .. }
            | Self::Refresh { .. }
            | Self::Condemn { .. }
            | Self::Delist { .. } => None,
        }
    }

    /// Whether it may be carried out twice. A conditional write may not: the second time it would meet itself.
    pub(crate) const fn may_be_doubled(&self) -> bool {
        !matches!(self, Self::Set { expected: Some(_), .. } | Self::Supersede { .. } | Self::Confirm { .. })
    }
}

/// What a write expects, as the store is told.
pub(crate) fn expect(expected: Option<&Revision>) -> Expect<'_> {
    expected.map_or(Expect::Any, Expect::Revision)
}

/// The same, as a message.
pub(crate) fn expected(expect: Expect<'_>) -> Option<Revision> {
    match expect {
        Expect::Any => None,
        Expect::Revision(revision) => Some(revision.clone()),
    }
}

/// An answer of the store in a word.
pub(crate) fn said(answer: &Answer) -> String {
    match answer {
        Ok(Reply::Read(Some(_))) => "found".to_owned(),
        Ok(Reply::Read(None)) => "nothing there".to_owned(),
        Ok(Reply::Set(SetOutcome::Written(_))) => "written".to_owned(),
        Ok(Reply::Set(SetOutcome::Conflict(_)) | Reply::Superseded(SupersedeOutcome::Conflict(_))) => {
            "conflict".to_owned()
        }
        Ok(
            Reply::Set(SetOutcome::Gone)
            | Reply::Superseded(SupersedeOutcome::Gone)
            | Reply::Touch(TouchOutcome::Gone),
        ) => "gone".to_owned(),
        Ok(Reply::Touch(TouchOutcome::Touched)) => "touched".to_owned(),
        Ok(Reply::Destroyed(was_there)) => if *was_there { "destroyed" } else { "nothing there" }.to_owned(),
        Ok(Reply::Superseded(SupersedeOutcome::Superseded)) => "superseded".to_owned(),
        Ok(Reply::Successor(successor)) => {
            if successor.is_some() { "found" } else { "nothing there" }.to_owned()
        }
        Ok(Reply::Found(entries)) => format!("{} entries", entries.len()),
        Ok(Reply::Done) => "done".to_owned(),
        Ok(Reply::Confirmed(is_confirmed)) => {
            if *is_confirmed { "confirmed" } else { "condemned" }.to_owned()
        }
        Err(error) => error.to_string(),
    }
}
