//! A session's data as a request sees them: a document with the request's changes on top.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::changes::{Change, Changes};
use super::document_text::{COOKIE_KEY, Document, owner_of, read};
use super::encode::{Piece, pieces};
use super::error::DataError;
use super::index::unescape;
use crate::clock::UnixMillis;
use crate::cookie::Cookie;
use crate::js::json;
use crate::owner::{Owner, OwnerKey};
use crate::scratch::with_scratch;

/// The top-level key under which a record keeps its creation time for
/// [`absolute_timeout`](crate::OptionsBuilder::absolute_timeout), in milliseconds since 1970.
pub(crate) const CREATED_AT_KEY: &str = "__createdAt";

/// The top-level key under which a record keeps when its user has last proved who they are, in milliseconds since 1970.
pub(crate) const AUTHENTICATED_AT_KEY: &str = "__authenticatedAt";

/// The top-level key under which a record keeps whose it is.
pub(crate) const OWNER_KEY: &str = "__owner";

/// The top-level key under which a record keeps what its owner is shown for it.
pub(crate) const LABEL_KEY: &str = "__label";

/// The keys of the session's own that are in a record beside the data.
fn is_own(key: &str) -> bool {
    matches!(key, CREATED_AT_KEY | AUTHENTICATED_AT_KEY | OWNER_KEY | LABEL_KEY)
}

/// What a session remembers: its cookie, and JSON values by top-level key.
///
/// A value that is not changed keeps its exact text (`1.50`, integers beyond 2^53, escapes) and its place. New keys
/// are appended; integer-like ones go where JavaScript puts them, in front. `Debug` shows only the number of keys.
#[derive(Clone)]
pub struct Data {
    pub(crate) document: Document,
    pub(crate) changes: Changes,
    pub(crate) cookie: Cookie,
}

impl Data {
    /// No data yet.
    pub fn new(cookie: Cookie) -> Self {
        Self::of(Document::blank(cookie))
    }

    /// The data of a document, to be changed.
    pub fn of(document: Document) -> Self {
        let cookie = document.cookie().clone();
        Self { document, changes: Changes::default(), cookie }
    }

    /// The document that holds these data: what a store is given to keep.
    pub fn encode(&self) -> Document {
        self.document.with(&self.changes, &self.cookie)
    }

    /// The cookie's attributes.
    pub fn cookie(&self) -> &Cookie {
        &self.cookie
    }

    /// The cookie's attributes, to be changed.
    pub fn cookie_mut(&mut self) -> &mut Cookie {
        &mut self.cookie
    }

    /// The value of `key`, if there is one.
    ///
    /// # Errors
    ///
    /// [`DataError::Decode`] if it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: impl AsRef<str>) -> Result<Option<T>, DataError> {
        self.get_raw(key.as_ref()).map(read).transpose()
    }

    /// The JSON text of the value of `key`, exactly as stored.
    pub fn get_raw(&self, key: &str) -> Option<&str> {
        match self.changes.get(key) {
            Some(Change::Set(text)) => Some(text),
            Some(Change::Removed) => None,
            None => self.document.get_raw(key).filter(|_| key != COOKIE_KEY),
        }
    }

    /// Sets `key`, written as Node would write the value. A value equal to the present one changes nothing.
    ///
    /// # Errors
    ///
    /// [`DataError::ReservedKey`] for a key of the session's own, [`DataError::Encode`] if `value` has no JSON form.
    pub fn insert<T: Serialize>(&mut self, key: impl AsRef<str>, value: T) -> Result<(), DataError> {
        let key = key.as_ref();
        refuse_reserved(key)?;
        self.write(key, |out| json::write(&value, out))
    }

    /// Sets `key` to a value given as JSON text, rewritten as Node would write it.
    ///
    /// # Errors
    ///
    /// [`DataError::ReservedKey`] for a key of the session's own, [`DataError::Encode`] if `text` is not JSON.
    pub fn insert_raw(&mut self, key: &str, text: &str) -> Result<(), DataError> {
        refuse_reserved(key)?;
        if self.get_raw(key) == Some(text) {
            return Ok(());
        }
        self.write(key, |out| json::rewrite(text, out))
    }

    /// Sets a key of our own, which handlers cannot.
    pub(crate) fn stamp(&mut self, key: &'static str, value: impl Serialize) {
        let written = self.write(key, |out| json::write(&value, out));
        debug_assert!(written.is_ok(), "a number or a text can be written");
    }

    /// Removes a key of our own.
    pub(crate) fn remove_stamp(&mut self, key: &'static str) {
        if self.document.find(key).is_some() {
            self.changes.remove(key);
        } else {
            self.changes.forget(key);
        }
    }

    /// Whose the session is.
    pub(crate) fn owner(&self) -> Option<Owner> {
        owner_of(self.get_raw(OWNER_KEY)?)
    }

    /// Notes whose it is from now on, and from when on.
    pub(crate) fn set_owner(&mut self, owner: &Owner, now: UnixMillis) {
        self.stamp(OWNER_KEY, owner.as_str());
        if self.get_raw(CREATED_AT_KEY).is_none() {
            self.stamp(CREATED_AT_KEY, now.0);
        }
    }

    /// Notes whose the data say it is.
    pub(crate) fn follow_owner(&mut self, key: &OwnerKey, now: UnixMillis) {
        match key.owner_in(self) {
            Some(owner) if self.owner().as_ref() != Some(&owner) => self.set_owner(&owner, now),
            None if self.contains_key(OWNER_KEY) => self.remove_stamp(OWNER_KEY),
            Some(_) | None => {}
        }
    }

    fn write(
        &mut self,
        key: &str,
        write: impl FnOnce(&mut String) -> Result<(), serde_json::Error>,
    ) -> Result<(), DataError> {
        with_scratch(|new| {
            write(new).map_err(DataError::Encode)?;
            if self.document.get_raw(key).is_some_and(|stored| json::same(stored, new)) {
                self.changes.forget(key);
            } else if !matches!(self.changes.get(key), Some(Change::Set(present)) if json::same(present, new))
            {
                self.changes.set(&raw_key(key), new);
            }
            Ok(())
        })
    }

    /// Removes `key`; whether it was there.
    pub fn remove(&mut self, key: impl AsRef<str>) -> bool {
        let key = key.as_ref();
        if RESERVED.contains(&key) || !self.contains_key(key) {
            return false;
        }
        if self.document.find(key).is_some() {
            self.changes.remove(&raw_key(key));
        } else {
            self.changes.forget(key);
        }
        true
    }

    /// Removes all keys, but those of the session's own.
    pub fn clear(&mut self) {
        self.changes.clear();
        for (key, _) in self.document.raw_entries().filter(|(key, _)| *key != CREATED_AT_KEY) {
            self.changes.remove(key);
        }
    }

    /// Whether `key` is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get_raw(key).is_some()
    }

    /// The keys and the JSON texts of their values, in the order in which they are stored; without the session's
    /// own (the cookie, the creation time), and without keys that no Rust text can hold.
    pub fn entries(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        let mut entries = Vec::with_capacity(self.document.len());
        pieces(&self.document, &self.changes, |piece| {
            if let Piece::Data { key, value } = piece
                && !is_own(key)
            {
                entries.extend(unescape(key).map(|key| (key, value)));
            }
        });
        entries.into_iter()
    }

    /// The number of keys, without the session's own.
    pub fn len(&self) -> usize {
        self.entries().count()
    }

    /// Whether there are no keys but the session's own.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts the changes on top of a newer document: ours where we changed something, theirs everywhere else.
    ///
    /// A key that we removed is removed; a key that we changed and they removed comes back with our value. The
    /// cookie is ours if we changed it, else theirs.
    pub fn rebase(&mut self, newer: Document) {
        if !self.cookie.was_changed_since(self.document.cookie()) {
            self.cookie = newer.cookie().clone();
        }
        self.document = newer;
        self.drop_idle_changes();
    }

    /// `document` is stored now. It was made when the changes were those of `then`; what was changed since stays
    /// unsaved.
    pub(crate) fn written(&mut self, document: Document, then: &Changes) {
        let before = std::mem::replace(&mut self.document, document);
        if self.changes.is_empty() && then.is_empty() {
            return;
        }
        let undone: Vec<&str> =
            then.iter().map(|(key, _)| key).filter(|key| self.changes.get_raw(key).is_none()).collect();
        self.changes.retain(|key, now| then.get_raw(key) != Some(now));
        for key in undone {
            match before.get_by_raw_key(key) {
                Some(text) => self.changes.set(key, text),
                None => self.changes.remove(key),
            }
        }
        self.drop_idle_changes();
    }

    /// Forgets changes that leave the document as it is.
    pub(crate) fn drop_idle_changes(&mut self) {
        let document = &self.document;
        self.changes.retain(|key, ours| match (document.get_by_raw_key(key), ours) {
            (Some(theirs), Change::Set(ours)) => !json::same(theirs, ours),
            (None, Change::Removed) => false,
            (Some(_), Change::Removed) | (None, Change::Set(_)) => true,
        });
    }

    /// Whether the cookie differs from the document's by more than the passing of time.
    pub(crate) fn cookie_is_changed(&self) -> bool {
        self.cookie.was_changed_since(self.document.cookie())
    }
}

const RESERVED: [&str; 5] = [COOKIE_KEY, CREATED_AT_KEY, AUTHENTICATED_AT_KEY, OWNER_KEY, LABEL_KEY];

fn refuse_reserved(key: &str) -> Result<(), DataError> {
    match RESERVED.iter().find(|reserved| **reserved == key) {
        Some(reserved) => Err(DataError::ReservedKey(reserved)),
        None => Ok(()),
    }
}

/// A key as JSON writes it, without quotes.
fn raw_key(key: &str) -> Cow<'_, str> {
    if json::is_plain(key) {
        return Cow::Borrowed(key);
    }
    let mut quoted = String::new();
    json::write_string(key, &mut quoted);
    Cow::Owned(quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned())
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} keys)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE: &str = r#"{"cookie":{"httpOnly":true,"path":"/"}"#;

    fn data(members: &str) -> Data {
        Data::of(document(members))
    }

    fn document(members: &str) -> Document {
        let comma = if members.is_empty() { "" } else { "," };
        Document::parse(format!("{COOKIE}{comma}{members}}}")).unwrap().unwrap()
    }

    /// The members of the encoded document, without the cookie.
    fn members(data: &Data) -> String {
        let text = data.encode().text().replace(COOKIE, "");
        text.trim_start_matches(',').trim_end_matches('}').to_owned()
    }

    #[test]
    fn values_go_in_and_come_out() {
        let mut data = Data::new(Cookie::default());
        data.insert("n", 1.0).unwrap();
        data.insert(String::from("who"), Some("me")).unwrap();
        assert_eq!(data.get_raw("n"), Some("1"));
        assert_eq!(data.get::<String>("who").unwrap().as_deref(), Some("me"));
        assert_eq!(data.get::<u8>("none").unwrap(), None);
        assert!(data.remove("n") && !data.remove("n"));
        assert_eq!(data.len(), 1);
    }

    #[test]
    fn an_equal_value_leaves_no_change() {
        let mut data = data(r#""price":1.50,"n":1"#);
        data.insert("price", 1.5).unwrap();
        assert!(data.changes.is_empty());
        data.insert_raw("price", "2.0").unwrap();
        assert_eq!(data.get_raw("price"), Some("2"));
        data.insert("price", 1.5).unwrap();
        data.remove("n");
        data.insert("n", 1).unwrap();
        assert!(data.changes.is_empty());
        assert_eq!(members(&data), r#""price":1.50,"n":1"#);
    }

    #[test]
    fn keys_keep_their_places_and_new_ones_follow_in_order() {
        let mut data = data(r#""b":1,"a":2"#);
        data.insert("z", 0).unwrap();
        data.insert("a", 3).unwrap();
        data.insert("c", 0).unwrap();
        data.remove("b");
        data.insert("b", 9).unwrap();
        assert_eq!(members(&data), r#""b":9,"a":3,"z":0,"c":0"#);
        data.remove("z");
        data.insert("z", 1).unwrap();
        assert_eq!(members(&data), r#""b":9,"a":3,"c":0,"z":1"#);
    }

    #[test]
    fn integer_like_keys_go_in_front_in_ascending_order() {
        let mut data = Data::new(Cookie::default());
        for key in ["b", "10", "9", "x"] {
            data.insert(key, 0).unwrap();
        }
        let text = data.encode().text().to_owned();
        assert!(
            text.starts_with(r#"{"9":0,"10":0,"cookie":{"#) && text.ends_with(r#"},"b":0,"x":0}"#),
            "{text}"
        );
        let keys: Vec<_> = data.entries().map(|(key, _)| key).collect();
        assert_eq!(keys, ["9", "10", "b", "x"]);
        let mut data = Data::of(data.encode());
        data.remove("9");
        data.insert("11", 1).unwrap();
        data.insert("3", 1).unwrap();
        let text = data.encode().text().to_owned();
        assert!(text.starts_with(r#"{"3":1,"10":0,"11":1,"cookie":{"#), "{text}");
    }

    #[test]
    fn keys_with_escapes_are_found_changed_and_removed() {
        let mut data = data(r#""\u0061":1,"say \"hi\"":2,"half \ud83d":3"#);
        data.insert("a", 5).unwrap();
        assert!(data.remove("say \"hi\""));
        data.insert("tab\t", 6).unwrap();
        assert_eq!(members(&data), r#""\u0061":5,"half \ud83d":3,"tab\t":6"#);
        assert_eq!(data.get::<u8>("tab\t").unwrap(), Some(6));
        data.clear();
        assert_eq!(members(&data), "");
    }

    #[test]
    fn the_sessions_own_keys_are_reserved() {
        let mut data = data(r#""__createdAt":1,"n":1"#);
        for key in ["cookie", "__createdAt"] {
            assert!(matches!(data.insert(key, 1), Err(DataError::ReservedKey(reserved)) if reserved == key));
            assert!(matches!(data.insert_raw(key, "1"), Err(DataError::ReservedKey(_))));
            assert!(!data.remove(key));
        }
        data.clear();
        assert_eq!(members(&data), r#""__createdAt":1"#);
        assert!(data.is_empty());
    }

    #[test]
    fn what_is_not_json_is_refused_and_leaves_nothing_behind() {
        let mut data = data(r#""a":1"#);
        assert!(matches!(data.insert_raw("a", "{]"), Err(DataError::Encode(_))));
        assert!(matches!(data.insert_raw("a", "1,\"cookie\":2"), Err(DataError::Encode(_))));
        let no_json = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert!(matches!(data.insert("a", no_json), Err(DataError::Encode(_))));
        assert!(data.changes.is_empty());
        assert_eq!(members(&data), r#""a":1"#);
    }

    #[test]
    fn a_clone_is_independent() {
        let mut data = data(r#""a":1"#);
        data.insert("a", 2).unwrap();
        let copy = data.clone();
        data.insert("a", 3).unwrap();
        assert_eq!(copy.get_raw("a"), Some("2"));
    }

    fn merged(base: &str, ours: impl FnOnce(&mut Data), theirs: &str) -> String {
        let mut data = data(base);
        ours(&mut data);
        data.rebase(document(theirs));
        members(&data)
    }

    #[test]
    fn changes_go_on_top_of_what_others_have_written() {
        let set = |key: &'static str, value: i32| move |data: &mut Data| data.insert(key, value).unwrap();
        assert_eq!(merged(r#""n":1"#, set("a", 1), r#""n":1,"b":1"#), r#""n":1,"b":1,"a":1"#);
        assert_eq!(merged(r#""n":1,"m":1"#, set("n", 2), r#""n":1,"m":9"#), r#""n":2,"m":9"#);
        assert_eq!(merged(r#""n":1.0"#, set("n", 1), r#""n":7"#), r#""n":7"#);
        assert_eq!(merged(r#""a":1"#, set("a", 2), ""), r#""a":2"#);
        let remove = |data: &mut Data| assert!(data.remove("a"));
        assert_eq!(merged(r#""a":1,"b":1"#, remove, r#""a":1,"b":1,"c":1"#), r#""b":1,"c":1"#);
        assert_eq!(merged(r#""a":1,"b":1"#, |_| {}, r#""b":1"#), r#""b":1"#);
        assert_eq!(merged(r#""a":1"#, Data::clear, r#""a":5,"new":1"#), r#""new":1"#);
    }

    #[test]
    fn what_is_changed_or_undone_while_a_document_is_written_stays_unsaved() {
        let mut data = data(r#""a":1,"b":1,"c":1"#);
        for key in ["a", "b", "new"] {
            data.insert(key, 2).unwrap();
        }
        let (written, then) = (data.encode(), data.changes.clone());
        data.insert("a", 3).unwrap();
        data.insert("b", 1).unwrap();
        data.remove("new");
        data.written(written, &then);
        assert_eq!(data.document.get_raw("new"), Some("2"));
        assert_eq!(members(&data), r#""a":3,"b":1,"c":1"#);
        data.insert("c", 5).unwrap();
        let (written, then) = (data.encode(), data.changes.clone());
        data.written(written, &then);
        assert!(data.changes.is_empty());
    }

    #[test]
    fn the_cookie_is_ours_only_if_we_changed_it() {
        let theirs = || Document::parse(r#"{"cookie":{"httpOnly":true,"path":"/theirs"}}"#).unwrap().unwrap();
        let mut ours = data("");
        ours.rebase(theirs());
        assert_eq!(ours.cookie().path(), Some("/theirs"));
        ours.cookie_mut().set_path(Some("/ours"));
        ours.rebase(theirs());
        assert_eq!(ours.cookie().path(), Some("/ours"));
    }

    #[test]
    fn errors_and_debug_do_not_leak_values() {
        let mut data = Data::new(Cookie::default());
        data.insert("card", "4111-1111").unwrap();
        let error = data.get::<u8>("card").unwrap_err();
        let shown = format!("{data:?} {error:?} {error} {:?}", std::error::Error::source(&error));
        assert!(!shown.contains("4111"), "{shown}");
    }
}
