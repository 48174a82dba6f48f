//! What one request did to a document's data.

use smallvec::SmallVec;

use super::index::{Span, same_key, spells};

/// Which keys were set to what, and which were removed, in the order in which new keys came.
///
/// Like a document, this is a text and an index of it. A change that leaves things as they are is none.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    /// Keys (as JSON writes them) and values, one behind the other; what is not indexed is left over.
    text: String,
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

impl<'a> Change<'a> {
    fn of(value: Option<Span>, text: &'a str) -> Self {
        value.map_or(Self::Removed, |value| Self::Set(value.of(text)))
    }
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
        self.find(|raw| spells(raw, key)).map(|place| self.change(place))
    }

    /// As [`get`](Self::get) for a key as it is written.
    pub(crate) fn get_raw(&self, raw: &str) -> Option<Change<'_>> {
        self.find(|other| same_key(other, raw)).map(|place| self.change(place))
    }

    /// The keys as they are written, and what became of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Change<'_>)> {
        self.keys.iter().map(|(key, value)| (key.of(&self.text), Change::of(*value, &self.text)))
    }

    /// Room to write a value into; [`set`](Self::set) or [`withdraw`](Self::withdraw) must follow.
    pub(crate) fn draft(&mut self) -> (usize, &mut String) {
        (self.text.len(), &mut self.text)
    }

    /// The value written since [`draft`](Self::draft).
    pub(crate) fn drafted(&self, start: usize) -> &str {
        self.text.get(start..).unwrap_or_default()
    }

    /// Takes back what was written since [`draft`](Self::draft).
    pub(crate) fn withdraw(&mut self, start: usize) {
        self.text.truncate(start);
    }

    /// Makes what was written since [`draft`](Self::draft) the value of a key, given as it is written.
    pub(crate) fn set(&mut self, raw_key: &str, start: usize) {
        // Beyond 4 GiB there is no span; no store takes such a document.
        if let Some(value) = Span::new(start, self.text.len()) {
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
        let start = self.text.len();
        self.text.push_str(raw_key);
        if let Some(key) = Span::new(start, self.text.len()) {
            self.keys.push((key, value));
        }
    }

    /// Whether there was a change of `key` to forget.
    pub(crate) fn forget(&mut self, key: &str) -> bool {
        let place = self.find(|raw| spells(raw, key));
        place.map(|place| self.keys.remove(place)).is_some()
    }

    /// Forgets the changes for which `keep` says no; it is given the key as it is written.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str, Change<'_>) -> bool) {
        let text = &self.text;
        self.keys.retain(|(key, value)| keep(key.of(text), Change::of(*value, text)));
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.keys.clear();
    }

    fn find(&self, is: impl Fn(&str) -> bool) -> Option<usize> {
        self.keys.iter().position(|(key, _)| is(key.of(&self.text)))
    }

    fn change(&self, place: usize) -> Change<'_> {
        Change::of(self.keys.get(place).and_then(|(_, value)| *value), &self.text)
    }
}
