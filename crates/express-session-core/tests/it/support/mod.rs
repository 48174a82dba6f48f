//! What the tests share: a spy store, a fake request, option objects of Node servers.

pub(crate) mod js;
pub(crate) mod log;
pub(crate) mod options;
pub(crate) mod request;
pub(crate) mod spy;

use express_session_core::UnixMillis;
use express_session_testbed::vectors;

/// The frozen clock of the recordings.
pub(crate) const NOW: UnixMillis = UnixMillis(vectors::NOW_MS);

/// The id and the secret of the recordings.
pub(crate) const SID: &str = "Xo0oQwS3fE2hT7yU9iOpAsDfGhJkLzCv";
pub(crate) const SECRET: &str = "keyboard cat";

/// Runs what never has to wait.
pub(crate) fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("the spy store answers at once")
}
