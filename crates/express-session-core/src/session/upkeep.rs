//! Which sessions this process has kept on their owners' lists of late.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::UnixMillis;
use crate::owner::Owner;
use crate::session_id::SessionId;

/// A power of two. Two sessions in one place drive each other out, and are refreshed more often than they need.
const PLACES: usize = 1 << 16;

/// A table of fixed size, half a megabyte, which exists once a session with an owner has been seen.
///
/// A place holds 32 bits of a hash of owner and session, and the second from which on they are due again. A hash that is
/// right by accident delays a refresh, once in four milliards, and entries live for several times that delay.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    places: OnceLock<Box<[AtomicU64]>>,
    /// Without a secret: ids are random and signed, and who shares a place with another one is refreshed more often.
    hasher: BuildHasherDefault<DefaultHasher>,
}

impl Upkeep {
    /// Whether the session is to be refreshed now.
    pub(crate) fn is_due(&self, owner: &Owner, id: &SessionId, now: UnixMillis) -> bool {
        let (tag, place) = self.place(owner, id);
        let kept = place.map_or(0, |place| place.load(Ordering::Relaxed));
        kept >> 32 != tag || (kept & u64::from(u32::MAX)) <= seconds(now)
    }

    /// It has been refreshed, and is due `after` that.
    pub(crate) fn done(&self, owner: &Owner, id: &SessionId, now: UnixMillis, after: Duration) {
        let (tag, place) = self.place(owner, id);
        if let Some(place) = place {
            place.store(tag << 32 | seconds(now.plus(after)), Ordering::Relaxed);
        }
    }

    fn place(&self, owner: &Owner, id: &SessionId) -> (u64, Option<&AtomicU64>) {
        let places = self.places.get_or_init(|| (0..PLACES).map(|_| AtomicU64::new(0)).collect());
        let hash = self.hasher.hash_one((owner, id));
        #[allow(clippy::cast_possible_truncation, reason = "below 2^16")]
        let place = (hash % PLACES as u64) as usize;
        (hash >> 32, places.get(place))
    }
}

/// Whole seconds, as many as 32 bits hold: until the year 2106.
fn seconds(at: UnixMillis) -> u64 {
    u64::try_from(at.0 / 1000).unwrap_or(0).min(u64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_due_until_it_is_done_and_again_after_its_time() {
        let upkeep = Upkeep::default();
        let (alice, bob) = (Owner::new("alice").unwrap(), Owner::new("bob").unwrap());
        let (id, other) = (SessionId::generate(), SessionId::generate());
        let now = UnixMillis(1_893_553_445_678);
        assert!(upkeep.is_due(&alice, &id, now));
        upkeep.done(&alice, &id, now, Duration::from_mins(1));
        assert!(!upkeep.is_due(&alice, &id, now.plus(Duration::from_secs(59))));
        assert!(upkeep.is_due(&alice, &id, now.plus(Duration::from_mins(1))));
        assert!(upkeep.is_due(&bob, &id, now) && upkeep.is_due(&alice, &other, now));
    }
}
