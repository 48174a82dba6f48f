//! What is going to happen in one run: who sends what when, what breaks, and how the servers are set up.

use std::time::Duration;

/// A whole run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Decides what the plan leaves open: how long each message takes, and which one meets a fault.
    pub(crate) seed: u64,
    pub(crate) manner: Manner,
    pub(crate) setup: Setup,
    pub(crate) servers: Vec<Server>,
    pub(crate) requests: Vec<Request>,
    pub(crate) events: Vec<Event>,
    pub(crate) faults: Faults,
}

/// What differs among stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Revisions are numbers; a touch writes the cookie anew and leaves the number alone.
    Memory,
    /// Revisions are bytes; a touch moves a deadline beside them, also while reading.
    Redis,
    /// Revisions are bytes; a touch writes them anew.
    File,
}

/// The options of all Rust servers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// `Options::express`, else `Options::new`.
    pub(crate) is_express: bool,
    pub(crate) rolling: bool,
    /// The cookie's `max_age`.
    pub(crate) life: Duration,
    pub(crate) successor_grace: Duration,
    pub(crate) store_timeout: Duration,
    pub(crate) goes_on_without_store: bool,
    pub(crate) owner_limit: Option<Limit>,
}

/// The option `owner_limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    EndOldest(u32),
    Refuse(u32),
}

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// Core, called as an adapter calls it; its clock differs by so many milliseconds.
    Core { skew: i64 },
    /// The Actix middleware around an app.
    Actix { skew: i64 },
    /// express-session: reads, changes its copy, writes it back whatever is stored by then.
    Node,
}

impl Server {
    pub(crate) const fn is_node(self) -> bool {
        matches!(self, Self::Node)
    }

    pub(crate) const fn skew(self) -> i64 {
        match self {
            Self::Core { skew } | Self::Actix { skew } => skew,
            Self::Node => 0,
        }
    }
}

/// A browser's request, sent with the cookie it has by then.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Names it in the history; from 1.
    pub(crate) number: u32,
    pub(crate) browser: u64,
    /// Which server, and when it arrives there, in milliseconds.
    pub(crate) server: usize,
    pub(crate) at: u64,
    /// What its handler does, in this order.
    pub(crate) ops: Vec<Op>,
    /// The client hangs up when the request has been worked on so many times, between two awaits.
    pub(crate) hangs_up_after: Option<u64>,
}

/// What a handler does with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Puts a value under one of a few keys that nobody has put there before.
    Insert(u8),
    Remove(u8),
    /// Adds 1 to a number by `update`.
    Count,
    /// Adds 1 to the same number by `transaction`, and puts a value under a key in the same step.
    CountAndInsert(u8),
    /// Two updates at once, awaited together.
    CountTwice,
    Save,
    Reload,
    /// `touch`.
    Touch,
    /// Works on something else for so many milliseconds.
    Pause(u64),
    /// `regenerate`, then whose the session is.
    Login,
    /// `renew`, then whose the session is.
    Renew,
    /// `destroy`.
    Destroy,
    /// `purge`.
    Purge,
    /// `req.session = null`, with `unset: destroy`.
    Unset,
    /// Ends all sessions of the user, as an administrator does.
    EndAll,
    /// Ends the user's other sessions.
    EndOthers,
    /// Lists the user's sessions.
    List,
}

impl Op {
    /// How many verbs of its session it waits for, one after the other; none if it waits for something else.
    pub(crate) const fn verbs(self) -> Option<u32> {
        match self {
            Self::Pause(_) => None,
            Self::CountTwice | Self::Login | Self::EndAll | Self::EndOthers | Self::List => Some(2),
            _ => Some(1),
        }
    }
}

/// What happens to the fleet. Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A server dies with all its requests, and a new one takes its place.
    Crash { server: usize, at: u64 },
    /// A server's clock is set, forwards or backwards.
    Jump { server: usize, at: u64, by: i64 },
    /// The store gives up a session to make room.
    Evict { at: u64 },
    /// Another store takes over that has not seen the last writes.
    FailOver { at: u64, forgets: u64 },
}

impl Event {
    pub(crate) const fn at(self) -> u64 {
        match self {
            Self::Crash { at, .. }
            | Self::Jump { at, .. }
            | Self::Evict { at }
            | Self::FailOver { at, .. } => at,
        }
    }
}

/// How many of a thousand calls to the store meet which fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Most calls take less than so many microseconds each way.
    pub(crate) delay: u64,
    /// Takes much longer, up to three times the store's timeout.
    pub(crate) slow: u64,
    /// The command never arrives.
    pub(crate) lost: u64,
    /// It is carried out, and its answer never arrives.
    pub(crate) unanswered: u64,
    /// It is carried out, and the connection breaks before the answer.
    pub(crate) cut: u64,
    /// It is refused.
    pub(crate) refused: u64,
    /// It is carried out twice, as by a driver that asks again on another connection: where that is safe.
    pub(crate) doubled: u64,
    /// It is on its way, and arrives even if nobody waits for it any more.
    pub(crate) detached: u64,
}

impl Faults {
    pub(crate) const fn has_any(self) -> bool {
        let Self { delay: _, slow, lost, unanswered, cut, refused, doubled: _, detached: _ } = self;
        slow + lost + unanswered + cut + refused > 0
    }
}

impl Plan {
    pub(crate) fn has_node(&self) -> bool {
        self.requests.iter().any(|request| self.servers[request.server].is_node())
    }
}
