//! What one request did to a document's data.

use smallvec::SmallVec;

use super::index::{Span, same_key, spells};

/// Which keys were set to what, and which were removed, in the order in which new keys came.
///
/// Like a document, this is a text and an index of it. A change that leaves things as they are is none.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    /// Keys (as JSON writes them) and values, one behind the other; what is not indexed is left over. A counter needs no
    /// memory of its own.
    text: SmallVec<[u8; 32]>,
    /// The key and the value; none for a key that was removed.
    keys: SmallVec<[(Span, Option<Span>); 4]>,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// It has this value now, as it is written.
    Set(&'a str),
    Removed,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// What became of `key`, if anything.
    pub(crate) fn get(&self, key: &str) -> Option<Change<'_>> {
        self.find(|raw| spells(raw, key))
            .and_then(|place| self.keys.get(place))
            .map(|(_, value)| self.change(*value))
    }

    /// As [`get`](Self::get) for a key as it is written.
    pub(crate) fn get_raw(&self, raw: &str) -> Option<Change<'_>> {
        self.find(|other| same_key(other, raw))
            .and_then(|place| self.keys.get(place))
            .map(|(_, value)| self.change(*value))
    }

    /// The keys as they are written, and what became of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Change<'_>)> {
        self.keys.iter().map(|(key, value)| (self.part(*key), self.change(*value)))
    }

    /// Sets a key, given as it is written, to a value.
    pub(crate) fn set(&mut self, raw_key: &str, value: &str) {
        // Beyond 4 GiB there is no span; no store takes such a document.
        if let Some(value) = self.add(value) {
            self.put(raw_key, Some(value));
        }
    }

    /// Removes a key that is in the document, given as it is written there.
    pub(crate) fn remove(&mut self, raw_key: &str) {
        self.put(raw_key, None);
    }

    fn put(&mut self, raw_key: &str, value: Option<Span>) {
        if let Some(place) = self.find(|other| same_key(other, raw_key)) {
            if let Some((_, present)) = self.keys.get_mut(place) {
                *present = value;
            }
            return;
        }
        if let Some(key) = self.add(raw_key) {
            self.keys.push((key, value));
        }
    }

    fn add(&mut self, text: &str) -> Option<Span> {
        let start = self.text.len();
        self.text.extend_from_slice(text.as_bytes());
        Span::new(start, self.text.len())
    }

    /// Whether there was a change of `key` to forget.
    pub(crate) fn forget(&mut self, key: &str) -> bool {
        let place = self.find(|raw| spells(raw, key));
        place.map(|place| self.keys.remove(place)).is_some()
    }

    /// Forgets the changes for which `keep` says no; it is given the key as it is written.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str, Change<'_>) -> bool) {
        let mut keys = std::mem::take(&mut self.keys);
        keys.retain(|(key, value)| keep(self.part(*key), self.change(*value)));
        self.keys = keys;
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.keys.clear();
    }

    fn find(&self, is: impl Fn(&str) -> bool) -> Option<usize> {
        self.keys.iter().position(|(key, _)| is(self.part(*key)))
    }

    fn change(&self, value: Option<Span>) -> Change<'_> {
        value.map_or(Change::Removed, |value| Change::Set(self.part(value)))
    }

    fn part(&self, part: Span) -> &str {
        // It was copied from a text, so it is one.
        std::str::from_utf8(part.of_bytes(&self.text)).unwrap_or_default()
    }
}
