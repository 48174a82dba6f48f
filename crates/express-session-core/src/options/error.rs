//! Why options are refused.

use super::MIN_SECRET_LEN;
use crate::cookie::set_cookie::SetCookieError;
use crate::cookie::signature::NoSecretError;

/// Why options are refused. The causes say what to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// There is no secret.
    #[error("no session secret is set: give at least one, {MIN_SECRET_LEN} random bytes or more")]
    NoSecret(#[source] NoSecretError),
    /// A secret is empty; that is never allowed.
    #[error("session secret number {position} is empty")]
    EmptySecret {
        /// Its place in the list, from 1.
        position: usize,
    },
    /// A secret is too short to resist guessing.
    #[error(
        "session secret number {position} has {len} bytes, at least {MIN_SECRET_LEN} are needed \
         (a demo may set allow_weak_secret)"
    )]
    WeakSecret {
        /// Its place in the list, from 1.
        position: usize,
        /// Its length in bytes.
        len: usize,
    },
    /// A secret is long enough, but repeats itself or counts up, so that somebody could guess it.
    #[error(
        "session secret number {position} has few different characters or repeats a short text, so it can be guessed: \
         use {MIN_SECRET_LEN} random bytes (a demo may set allow_weak_secret)"
    )]
    GuessableSecret {
        /// Its place in the list, from 1.
        position: usize,
    },
    /// The cookie cannot be sent, or browsers would not take it as it is.
    #[error("the cookie options do not make a cookie that comes back")]
    Cookie(#[source] SetCookieError),
    /// The share of [`TouchAfter::Share`](crate::TouchAfter::Share) is not between 0 and 1.
    #[error("touch_after is not a share between 0 and 1")]
    TouchAfterShare,
    /// The absolute timeout is zero, so no session could live.
    #[error("absolute_timeout is zero, no session could live")]
    AbsoluteTimeout,
    /// The owner key is no path of keys.
    #[error("owner_key is not a path of keys such as user.id")]
    OwnerKey,
    /// The store timeout is zero, so no call could finish.
    #[error("store_timeout is zero, no call to the store could finish")]
    StoreTimeout,
}
