//! What a handler can be told to do.

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
    /// `cookie[name] = value`.
    Cookie {
        /// The attribute, by its JavaScript name.
        name: String,
        /// Its new value; text for `expires` is made a `Date`.
        value: Value,
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
    /// Waits until the driver lets it go on: see [`Step::Overlap`](super::Step::Overlap).
    Hold,
}
