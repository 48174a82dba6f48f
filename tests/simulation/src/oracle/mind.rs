//! What a request wants: what its handler has said and not been told to be done.

use std::collections::BTreeMap;

use express_session_core::SessionId;

use crate::plan::Op;

/// One request, from when it arrives until it is answered.
#[derive(Debug, Default)]
pub(crate) struct Mind {
    pub(crate) browser: u64,
    pub(crate) is_node: bool,
    pub(crate) started: u64,
    /// The id in the cookie it came with.
    pub(crate) came_with: Option<SessionId>,
    /// The session it works on.
    pub(crate) session: Option<SessionId>,
    /// Changes that are not known to be stored: the text of the value, or none where a key is to go.
    pub(crate) unsaved: BTreeMap<String, Change>,
    /// What its handler is doing, and since when.
    pub(crate) op: Option<(Op, u64)>,
    /// What it has done so far.
    pub(crate) done: Vec<Op>,
    /// How often its count was stored during the present operation.
    pub(crate) counted: u32,
    /// The session whose id is to make way for a new one of the same data.
    pub(crate) renews: Option<SessionId>,
    /// The store, the network or the clock has failed it, so that it may not know what became of what it did.
    pub(crate) met_fault: bool,
    /// An operation of its handler has failed.
    pub(crate) has_failed: bool,
    /// When its handler returned.
    pub(crate) left_handler: Option<u64>,
    /// When the store carried out its last look for a successor, or its last touch, and its last write.
    pub(crate) looked: Option<u64>,
    pub(crate) wrote: Option<u64>,
    /// When the list of an owner was looked at last.
    pub(crate) looked_at_list: Option<u64>,
    /// What it wanted when it sent each of its commands.
    pub(crate) letters: Vec<Letter>,
}

/// What a request wanted when it sent a command.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) unsaved: BTreeMap<String, Change>,
    /// It was counting.
    pub(crate) counts: bool,
    /// It was about to give its session another id.
    pub(crate) renews: bool,
    /// It was asked to end sessions.
    pub(crate) ends: bool,
}

/// A change, and since when it is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) value: Option<String>,
    pub(crate) since: u64,
    /// It takes back another change, so that there may be nothing to do.
    pub(crate) may_be_nothing: bool,
    /// It is made in a transaction: what the same operation stores before that is without it.
    pub(crate) is_transactional: bool,
    /// What was wanted before.
    pub(crate) instead_of: Option<Box<Self>>,
}

impl Mind {
    pub(crate) fn is_in(&self, ops: &[Op]) -> bool {
        self.op.is_some_and(|(op, _)| ops.contains(&op))
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        matches!(self.op, Some((Op::CountAndInsert(_), _)))
    }

    pub(crate) fn is_counting(&self) -> bool {
        matches!(self.op, Some((Op::Count | Op::CountAndInsert(_) | Op::CountTwice, _)))
    }

    /// Whether it has ended its own session, or meant to.
    pub(crate) fn has_ended_its_session(&self) -> bool {
        const ENDS: [Op; 3] = [Op::Destroy, Op::Purge, Op::Unset];
        self.is_in(&ENDS) || self.done.iter().any(|op| ENDS.contains(op))
    }

    /// Whether it may end sessions of the user's, by an operation or by a limit.
    pub(crate) fn may_end_sessions(&self) -> bool {
        const ENDS: [Op; 3] = [Op::Login, Op::EndAll, Op::EndOthers];
        self.is_in(&ENDS) || self.has_ended_its_session()
    }
}
