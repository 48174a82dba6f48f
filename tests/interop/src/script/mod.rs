//! A script: what clients do, step by step. The lab generates scripts from seeds and runs them.

mod display;
mod operation;

use serde::{Deserialize, Serialize};

pub use self::operation::Operation;

/// How a request ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum End {
    /// 200 with the results.
    #[default]
    Results,
    /// The handler throws.
    Error,
    /// 302.
    Redirect,
    /// 204.
    Empty,
    /// 404 with the results.
    NotFound,
    /// 200, and a cookie of the handler's own.
    OwnCookie,
}

/// What a server is asked to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The operations, in order.
    pub operations: Vec<Operation>,
    /// How the request ends.
    #[serde(default)]
    pub end: End,
}

/// Which cookies a client sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sends {
    /// What its jar says.
    #[default]
    Jar,
    /// None, as a new visitor; the answer goes into the jar.
    Nothing,
    /// What its jar says, with the last character of the signature changed.
    Forged,
    /// The first session cookie it ever got, though the session may be gone.
    First,
    /// What its jar says, in double quotes.
    Quoted,
    /// What its jar says, not percent-encoded.
    Decoded,
    /// Text that is no session cookie.
    Garbage,
    /// Another cookie before it, without a value.
    Crowded,
    /// A stale cookie of the same name before it.
    Twice,
    /// What its jar says, signed with the second secret.
    SecondSecret,
    /// What its jar says, signed with the third secret.
    ThirdSecret,
}

impl Sends {
    /// Which of the secrets has signed what is sent, if it is not the one that signed what the jar holds.
    pub const fn secret(self) -> Option<usize> {
        match self {
            Self::SecondSecret => Some(1),
            Self::ThirdSecret => Some(2),
            _ => None,
        }
    }
}

/// What a store can be told to fail at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "express-session calls these four")]
pub enum Verb {
    /// Reading a session.
    Get,
    /// Writing one.
    Set,
    /// Extending the life of one.
    Touch,
    /// Removing one.
    Destroy,
}

impl Verb {
    /// The verb of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Get, Self::Set, Self::Touch, Self::Destroy].into_iter().find(|verb| verb.name() == name)
    }

    /// Its name, which is the Node method's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Touch => "touch",
            Self::Destroy => "destroy",
        }
    }
}

/// Which server a request goes to when both work on one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "there are two")]
pub enum Side {
    /// The real packages.
    Node,
    /// Ours.
    Rust,
}

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Which client.
    pub client: usize,
    /// Where to.
    pub path: String,
    /// Which server gets it when both share a store.
    pub side: Side,
    /// With which cookies.
    #[serde(default)]
    pub sends: Sends,
    /// The value of `X-Forwarded-Proto`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<String>,
    /// What every such call to the store fails at while this request is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails: Option<Verb>,
    /// What to do.
    pub task: Task,
}

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// A client sends a request.
    Request(Request),
    /// While one request waits at its [`Hold`](Operation::Hold), another begins and ends; then the first goes on.
    Overlap {
        /// The request that waits.
        held: Request,
        /// The one that does not.
        quick: Request,
    },
    /// Time passes.
    Wait {
        /// Milliseconds.
        ms: i64,
    },
    /// Time passes until this long after (before, if negative) some session's end of life.
    WaitForEnd {
        /// Which of the sessions in the store, counted modulo their number.
        session: usize,
        /// Milliseconds.
        offset: i64,
    },
    /// Another program puts a document where a client's session is stored, as a Node server of old would.
    Plant {
        /// Whose session.
        client: usize,
        /// The document.
        document: String,
    },
}

/// Steps, for one option set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// The number of the option set.
    pub set: usize,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Step {
    /// Which server has the last word in this step when both share a store.
    pub(crate) const fn side(&self) -> Side {
        match self {
            Self::Request(request) | Self::Overlap { held: request, .. } => request.side,
            Self::Wait { .. } | Self::WaitForEnd { .. } | Self::Plant { .. } => Side::Rust,
        }
    }
}
