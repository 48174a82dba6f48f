//! Which session goes first: a visitor who never came back before one who did.
//!
//! ```text
//! written first   -> newcomers   in the order of their use
//! read later on   -> returned    in the order of their use
//!
//! too many: the least recently used newcomer, while newcomers have more than a tenth of the sessions or of the bytes;
//!           else the least recently used of all who came back
//! ```
//!
//! By the order of use alone, 9 000 visitors of one request each end 1 000 sessions of people who work with the
//! application. Source: segmented LRU (Karedla, Love, Wherry 1994); `docs/MEMORY_STORE.md` compares others.

use express_session_core::UnixMillis;
use foldhash::fast::RandomState;
use lru::LruCache;

use crate::shard::{Entry, Lookup};

/// What newcomers may have before they are the ones to go: one in so many.
const NEWCOMERS_SHARE: u64 = 10;

/// The sessions of one part.
pub(crate) struct Recency {
    newcomers: Class,
    returned: Class,
}

/// Sessions in the order of their use, and their size.
struct Class {
    sessions: LruCache<Box<[u8]>, Entry, RandomState>,
    bytes: u64,
}

/// What a look at a session counts as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// The visitor has come back.
    Return,
    /// The request goes on that has made or read it.
    Write,
}

impl Recency {
    pub(crate) fn new() -> Self {
        Self { newcomers: Class::new(), returned: Class::new() }
    }

    /// Looks an id up and uses its session, which becomes the most recently used one of its class.
    pub(crate) fn find<R>(
        &mut self,
        id: &[u8],
        now: UnixMillis,
        kind: Use,
        use_it: impl FnOnce(&mut Entry) -> R,
    ) -> Lookup<R> {
        let use_it = match self.returned.find(id, now, use_it) {
            Ok(found) => return found,
            Err(use_it) => use_it,
        };
        let class = if kind == Use::Return && self.has_returned(id) {
            &mut self.returned
        } else {
            &mut self.newcomers
        };
        class.find(id, now, use_it).unwrap_or(Lookup::Absent)
    }

    /// Counts a newcomer among those who came back; whether there is one.
    pub(crate) fn has_returned(&mut self, id: &[u8]) -> bool {
        let Some((id, entry)) = self.newcomers.pop(id) else { return false };
        self.returned.put(id, entry);
        true
    }

    pub(crate) fn peek(&self, id: &[u8]) -> Option<&Entry> {
        self.returned.sessions.peek(id).or_else(|| self.newcomers.sessions.peek(id))
    }

    pub(crate) fn insert(&mut self, id: &[u8], entry: Entry) {
        self.newcomers.put(id.into(), entry);
    }

    /// Removes the session; whether its visitor had come back.
    pub(crate) fn remove(&mut self, id: &[u8]) -> Option<(Entry, bool)> {
        if let Some((_, entry)) = self.returned.pop(id) {
            return Some((entry, true));
        }
        self.newcomers.pop(id).map(|(_, entry)| (entry, false))
    }

    /// Removes the session that is to go first, but not `keep`.
    pub(crate) fn evict(&mut self, keep: &[u8]) -> Option<(Box<[u8]>, Entry)> {
        let (first, then) = if self.newcomers_have_too_much() {
            (&mut self.newcomers, &mut self.returned)
        } else {
            (&mut self.returned, &mut self.newcomers)
        };
        first.pop_oldest(keep).or_else(|| then.pop_oldest(keep))
    }

    fn newcomers_have_too_much(&self) -> bool {
        let sessions = (self.newcomers.len(), self.newcomers.len() + self.returned.len());
        let bytes = (self.newcomers.bytes, self.newcomers.bytes + self.returned.bytes);
        [sessions, bytes].iter().any(|(theirs, all)| theirs.saturating_mul(NEWCOMERS_SHARE) > *all)
    }

    /// Removes all expired sessions, telling `removed` of each.
    pub(crate) fn sweep(&mut self, now: UnixMillis, mut removed: impl FnMut(&[u8], &Entry)) {
        for class in [&mut self.newcomers, &mut self.returned] {
            let bytes = &mut class.bytes;
            class.sessions.retain(|id, entry| {
                let expired = entry.deadline.is_past(now);
                if expired {
                    *bytes -= entry.size(id);
                    removed(id, entry);
                }
                !expired
            });
        }
    }

    /// All sessions, those of visitors who came back first, in either class the most recently used first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Entry)> {
        let all = self.returned.sessions.iter().chain(self.newcomers.sessions.iter());
        all.map(|(id, entry)| (&**id, entry))
    }

    pub(crate) fn into_sessions(mut self) -> impl Iterator<Item = (Box<[u8]>, Entry)> {
        std::iter::from_fn(move || {
            self.newcomers.sessions.pop_lru().or_else(|| self.returned.sessions.pop_lru())
        })
    }
}

impl Class {
    fn new() -> Self {
        // Unbounded: the bounds are the whole store's.
        Self { sessions: LruCache::unbounded_with_hasher(RandomState::default()), bytes: 0 }
    }

    fn len(&self) -> u64 {
        self.sessions.len() as u64
    }

    /// Gives `use_it` back if there is nothing to use.
    fn find<R, F: FnOnce(&mut Entry) -> R>(
        &mut self,
        id: &[u8],
        now: UnixMillis,
        use_it: F,
    ) -> Result<Lookup<R>, F> {
        match self.sessions.get_mut(id) {
            None => Err(use_it),
            Some(entry) if !entry.deadline.is_past(now) => {
                self.bytes -= entry.size(id);
                let used = use_it(entry);
                self.bytes += entry.size(id);
                Ok(Lookup::Live(used))
            }
            Some(_) => Ok(self.pop(id).map_or(Lookup::Absent, |(_, entry)| Lookup::Expired(entry))),
        }
    }

    fn put(&mut self, id: Box<[u8]>, entry: Entry) {
        self.bytes += entry.size(&id);
        self.sessions.put(id, entry);
    }

    fn pop(&mut self, id: &[u8]) -> Option<(Box<[u8]>, Entry)> {
        let (id, entry) = self.sessions.pop_entry(id)?;
        self.bytes -= entry.size(&id);
        Some((id, entry))
    }

    fn pop_oldest(&mut self, keep: &[u8]) -> Option<(Box<[u8]>, Entry)> {
        let (oldest, _) = self.sessions.peek_lru()?;
        if &**oldest == keep {
            return None;
        }
        let (id, entry) = self.sessions.pop_lru()?;
        self.bytes -= entry.size(&id);
        Some((id, entry))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::life::Deadline;

    const NOW: UnixMillis = UnixMillis(0);

    fn entry(len: u64) -> Entry {
        let text = Arc::from("x".repeat(usize::try_from(len).unwrap()));
        Entry { text, deadline: Deadline::NEVER, revision: 1 }
    }

    fn is_counted(recency: &Recency) -> bool {
        [&recency.newcomers, &recency.returned]
            .iter()
            .all(|class| class.bytes == class.sessions.iter().map(|(id, entry)| entry.size(id)).sum::<u64>())
    }

    fn read(recency: &mut Recency, id: &[u8]) -> bool {
        matches!(recency.find(id, NOW, Use::Return, |_| ()), Lookup::Live(()))
    }

    fn evicted(recency: &mut Recency, keep: &[u8]) -> Option<String> {
        let (id, _) = recency.evict(keep)?;
        Some(String::from_utf8(id.into()).unwrap())
    }

    /// Whatever becomes of sessions, the bytes of each class are those of its sessions.
    #[test]
    fn every_way_of_a_session_is_counted() {
        let (mut recency, mut most, mut random) = (Recency::new(), 0, 1_u64);
        for number in 0..10_000_u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let id = (random >> 33) % 61;
            let (id, step) = (id.to_be_bytes(), (random >> 48) % 6);
            match step {
                0 | 1 if recency.peek(&id).is_none() => recency.insert(&id, entry(number % 50)),
                2 => drop(read(&mut recency, &id)),
                3 => drop(recency.find(&id, NOW, Use::Write, |old| *old = entry(number % 90))),
                4 => drop(recency.remove(&id)),
                5 if number % 3 == 0 => drop(recency.evict(&id)),
                _ => {}
            }
            most = most.max(recency.newcomers.len().min(recency.returned.len()));
            assert!(is_counted(&recency), "{number}");
        }
        assert!(most > 3, "there were sessions of both kinds at once: {most}");
    }

    #[test]
    fn newcomers_go_first_and_keep_a_tenth() {
        let mut recency = Recency::new();
        for number in 0..10 {
            recency.insert(format!("regular-{number}").as_bytes(), entry(10));
            assert!(read(&mut recency, format!("regular-{number}").as_bytes()));
        }
        recency.insert(b"newcomer-0", entry(10));
        assert_eq!(evicted(&mut recency, b"").as_deref(), Some("regular-0"), "one of eleven");
        recency.insert(b"newcomer-1", entry(10));
        assert_eq!(evicted(&mut recency, b"").as_deref(), Some("newcomer-0"));
        assert_eq!(evicted(&mut recency, b"newcomer-1").as_deref(), Some("regular-1"), "not the one to keep");
    }

    /// The request that makes a session writes it more than once.
    #[test]
    fn writing_is_not_coming_back() {
        let mut recency = Recency::new();
        recency.insert(b"a", entry(1));
        drop(recency.find(b"a", NOW, Use::Write, |_| ()));
        assert_eq!(recency.remove(b"a").map(|(_, had_returned)| had_returned), Some(false));
        recency.insert(b"a", entry(1));
        assert!(read(&mut recency, b"a") && !read(&mut recency, b"b"));
        assert_eq!(recency.remove(b"a").map(|(_, had_returned)| had_returned), Some(true));
    }
}
