//! A script: what clients do, step by step. The lab generates scripts from seeds and runs them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a request does to its session; `node/lab/operations.js` and `server/operations.rs` carry it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Answers the value of a key.
    Get {
        /// The key.
        key: String,
    },
    /// Sets a key.
    Set {
        /// The key.
        key: String,
        /// Its new value.
        value: Value,
    },
    /// Removes a key.
    Delete {
        /// The key.
        key: String,
    },
    /// Sets a member inside an object.
    Nested {
        /// The key of the object.
        key: String,
        /// The member's name.
        member: String,
        /// Its new value.
        value: Value,
    },
    /// Appends to an array.
    Push {
        /// The key of the array.
        key: String,
        /// What to append.
        value: Value,
    },
    /// Adds one.
    Count {
        /// The key of the number.
        key: String,
    },
    /// Answers everything the session holds.
    Dump,
    /// Answers the id.
    Id,
    /// `cookie.maxAge = ms`.
    MaxAge {
        /// Milliseconds, or null.
        ms: Value,
    },
    /// `touch()`.
    Touch,
    /// `save()`.
    Save,
    /// `reload()`.
    Reload,
    /// `regenerate()`.
    Regenerate,
    /// `destroy()`.
    Destroy,
    /// `req.session = null`.
    Unset,
    /// Takes its time.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
}

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

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// A client sends a request.
    Request {
        /// Which client.
        client: usize,
        /// Where to.
        path: String,
        /// Which server gets it when both share a store.
        side: Side,
        /// With which cookies.
        #[serde(default)]
        sends: Sends,
        /// The value of `X-Forwarded-Proto`, if it has one.
        #[serde(default)]
        forwarded: Option<String>,
        /// What to do.
        task: Task,
    },
    /// While one request is at work, another begins and ends. The answer is the first one's.
    Overlap {
        /// A request that takes its time.
        slow: Box<Step>,
        /// A request that does not.
        quick: Box<Step>,
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

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { client, path, side, sends, forwarded, task } => {
                write!(f, "client {client} → {side:?} {path}")?;
                if *sends != Sends::Jar {
                    write!(f, " [sends {sends:?}]")?;
                }
                if let Some(proto) = forwarded {
                    write!(f, " [X-Forwarded-Proto: {proto}]")?;
                }
                for operation in &task.operations {
                    write!(f, " · {}", serde_json::to_string(operation).unwrap_or_default())?;
                }
                if task.end == End::Results { Ok(()) } else { write!(f, " · then {:?}", task.end) }
            }
            Self::Overlap { slow, quick } => write!(f, "{slow}\n     meanwhile {quick}"),
            Self::Wait { ms } => write!(f, "{ms} ms pass"),
            Self::WaitForEnd { session, offset } => {
                write!(f, "time passes until {offset} ms after the end of session {session}")
            }
            Self::Plant { client, document } => write!(f, "planted for client {client}: {document}"),
        }
    }
}
