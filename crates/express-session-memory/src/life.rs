//! How long a session lives: every conversion and every rounding.

use std::time::Duration;

use express_session_core::{Cookie, Document, Life, SessionId, UnixMillis};

use crate::options::{DEFAULT_TTL, Ttl};

/// The last millisecond in which a session is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline(i64);

impl Deadline {
    pub(crate) const NEVER: Self = Self(i64::MAX);

    /// The very instant.
    pub(crate) const fn of(instant: UnixMillis) -> Self {
        Self(instant.0)
    }

    pub(crate) const fn of_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub(crate) const fn millis(self) -> i64 {
        self.0
    }

    /// Alive at exactly the ttl, dead one millisecond later. Source: lru-cache 4.1.5, `isStale`: age > maxAge.
    pub(crate) const fn is_past(self, now: UnixMillis) -> bool {
        self.0 < now.0
    }

    /// This one, or an earlier one.
    pub(crate) fn or_within(self, at_most: Duration, now: UnixMillis) -> Self {
        Self(self.0.min(now.plus(at_most).0))
    }

    fn left(self, now: UnixMillis) -> Duration {
        now.until(UnixMillis(self.0))
    }
}

impl Ttl {
    /// Until when a session lives that is written or touched now.
    ///
    /// Source: memorystore 1.6.8, `getTTL`: the option, else what is left of the cookie's `maxAge` in whole
    /// milliseconds, else one day.
    /// DIFFERENCE: a cookie with exactly nothing left (`maxAge: 0`) is dead with the next millisecond; there
    /// the zero counts as "no ttl", and the session never dies.
    pub(crate) fn deadline(&self, document: &Document, id: &SessionId, now: UnixMillis) -> Deadline {
        match self {
            Self::Endless => Deadline::NEVER,
            Self::Fixed(ttl) => Deadline(now.plus(*ttl).0),
            Self::Chosen(choose) => Deadline(now.plus(choose(document, id)).0),
            Self::Cookie => Self::by_cookie(document.cookie(), now),
        }
    }

    /// As [`deadline`](Self::deadline), once the document has this cookie.
    pub(crate) fn deadline_after_touch(
        &self,
        document: &Document,
        cookie: &Cookie,
        id: &SessionId,
        now: UnixMillis,
    ) -> Deadline {
        match self {
            Self::Cookie => Self::by_cookie(cookie, now),
            Self::Chosen(_) => self.deadline(&document.with_cookie(cookie), id, now),
            Self::Endless | Self::Fixed(_) => self.deadline(document, id, now),
        }
    }

    fn by_cookie(cookie: &Cookie, now: UnixMillis) -> Deadline {
        Deadline(cookie.expires().unwrap_or_else(|| now.plus(DEFAULT_TTL)).0)
    }

    /// The deadline of a document that is no session, so that it does not stay for ever.
    pub(crate) fn deadline_of_unknown(&self, now: UnixMillis) -> Deadline {
        match self {
            Self::Endless => Deadline::NEVER,
            Self::Fixed(ttl) => Deadline(now.plus(*ttl).0),
            Self::Chosen(_) | Self::Cookie => Deadline(now.plus(DEFAULT_TTL).0),
        }
    }

    /// How much of its life a session has left; none if it has no end, so that every touch counts as due.
    pub(crate) fn life(
        &self,
        document: &Document,
        id: &SessionId,
        deadline: Deadline,
        now: UnixMillis,
    ) -> Option<Life> {
        if deadline == Deadline::NEVER {
            return None;
        }
        let mut cookie = document.cookie().clone();
        cookie.touch(now);
        let ttl = self.deadline_after_touch(document, &cookie, id, now).left(now);
        Some(Life { ttl, left: deadline.left(now) })
    }
}
