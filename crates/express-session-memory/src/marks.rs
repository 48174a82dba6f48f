//! What the ids of superseded sessions remember. Nothing here waits or knows the time.

use express_session_core::{SessionId, UnixMillis};
use foldhash::fast::RandomState;
use lru::LruCache;

/// Which session has taken the place of which, the oldest mark last.
pub(crate) struct Marks {
    by_id: LruCache<Box<[u8]>, Mark, RandomState>,
}

struct Mark {
    successor: SessionId,
    /// The last millisecond in which it counts.
    until: UnixMillis,
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self { by_id: LruCache::unbounded_with_hasher(RandomState::default()) }
    }

    /// Leaves a mark, and forgets those that have had their time: there are never more than a grace's worth of them, give
    /// or take those left with a longer one.
    pub(crate) fn leave(&mut self, id: &[u8], successor: &SessionId, until: UnixMillis, now: UnixMillis) {
        while self.by_id.peek_lru().is_some_and(|(_, mark)| mark.until < now) {
            self.by_id.pop_lru();
        }
        self.by_id.put(id.into(), Mark { successor: successor.clone(), until });
    }

    pub(crate) fn successor(&self, id: &[u8], now: UnixMillis) -> Option<SessionId> {
        self.by_id.peek(id).filter(|mark| mark.until >= now).map(|mark| mark.successor.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_lasts_for_its_time_and_is_then_forgotten() {
        let (mut marks, now) = (Marks::new(), UnixMillis(1000));
        let id = |text: &str| SessionId::parse(text).unwrap();
        marks.leave(b"old", &id("new"), UnixMillis(1060), now);
        assert_eq!(marks.successor(b"old", UnixMillis(1060)), Some(id("new")));
        assert_eq!(marks.successor(b"old", UnixMillis(1061)), None);
        assert_eq!(marks.successor(b"other", now), None);
        marks.leave(b"older", &id("newer"), UnixMillis(2000), UnixMillis(1061));
        assert_eq!(marks.by_id.len(), 1);
    }
}
