//! The data part of a record: top-level keys with the exact JSON text of their values.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::js::json::{self, RawObject};

/// The top-level key that holds the cookie; it is not data.
pub const COOKIE_KEY: &str = "cookie";

/// What a session remembers: JSON values by top-level key, in order.
///
/// A value that is not changed keeps its exact text (`1.50`, integers beyond 2^53, escapes). New keys are
/// appended; integer-like ones go where JavaScript puts them, in front. Cloning is cheap. `Debug` shows only
/// the number of keys.
#[derive(Clone, Default)]
pub struct Data {
    members: Arc<RawObject>,
    /// How many members stand before `cookie` in the document; integer-like keys do in Node's.
    pub(crate) before_cookie: usize,
}

/// Why a value cannot be put into or read from a session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The key is `cookie`, which holds the cookie's attributes.
    #[error("the key \"cookie\" is reserved for the session's cookie")]
    ReservedKey,
    /// The value has no JSON form.
    #[error("the value cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The stored value is not of the wanted type.
    #[error("the stored value is not of the requested type")]
    Decode(#[source] RedactedJsonError),
}

/// Where reading a stored value failed, without the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("JSON does not match at line {line}, column {column}")]
pub struct RedactedJsonError {
    /// Line in the value's text, from 1.
    pub line: usize,
    /// Column in that line, from 1.
    pub column: usize,
}

impl From<serde_json::Error> for RedactedJsonError {
    /// serde's message may quote the value (`invalid type: string "…"`), so only the place is kept.
    fn from(error: serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}

impl Data {
    /// No keys at all.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn from_members(members: RawObject, before_cookie: usize) -> Self {
        Self { members: Arc::new(members), before_cookie }
    }

    /// The value of `key`, if there is one.
    ///
    /// # Errors
    ///
    /// [`DataError::Decode`] if it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, DataError> {
        self.get_raw(key)
            .map(|text| serde_json::from_str(text).map_err(|error| DataError::Decode(error.into())))
            .transpose()
    }

    /// The JSON text of the value of `key`, exactly as stored.
    pub fn get_raw(&self, key: &str) -> Option<&str> {
        self.members.get(key).map(|text| &**text)
    }

    /// Sets `key`, written as Node would write the value. A value equal to the present one changes nothing.
    ///
    /// # Errors
    ///
    /// [`DataError::ReservedKey`] for `cookie`, [`DataError::Encode`] if `value` has no JSON form.
    pub fn insert<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), DataError> {
        let text = json::stringify(value).map_err(DataError::Encode)?;
        self.insert_canonical(key, text)
    }

    /// Sets `key` to a value given as JSON text, rewritten as Node would write it.
    ///
    /// # Errors
    ///
    /// [`DataError::ReservedKey`] for `cookie`, [`DataError::Encode`] if `text` is not JSON.
    pub fn insert_raw(&mut self, key: &str, text: &str) -> Result<(), DataError> {
        if self.get_raw(key) == Some(text) {
            return Ok(());
        }
        let canonical = match json::canonical(text) {
            Some(canonical) => canonical,
            // Readable as syntax only (lone surrogates, deep nesting): keep the text.
            None => serde_json::from_str::<&serde_json::value::RawValue>(text)
                .map_err(DataError::Encode)?
                .get()
                .to_owned(),
        };
        self.insert_canonical(key, canonical)
    }

    fn insert_canonical(&mut self, key: &str, text: String) -> Result<(), DataError> {
        if key == COOKIE_KEY {
            return Err(DataError::ReservedKey);
        }
        if self.get_raw(key).is_none_or(|present| !json::same(present, &text)) {
            self.put(key, text.into());
        }
        Ok(())
    }

    /// Sets `key` to `text` as it is.
    pub(crate) fn put(&mut self, key: &str, text: Box<str>) {
        let members = Arc::make_mut(&mut self.members);
        if let Some(present) = members.get_mut(key) {
            *present = text;
            return;
        }
        if let Some(index) = json::integer_like(key) {
            let smaller = |key: &str| json::integer_like(key).is_some_and(|other| other < index);
            let place = members.keys().take_while(|key| smaller(key)).count();
            members.shift_insert(place, key.into(), text);
            if place <= self.before_cookie {
                self.before_cookie += 1;
            }
        } else {
            members.insert(key.into(), text);
        }
    }

    /// Removes `key`; whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let Some(place) = self.members.get_index_of(key) else { return false };
        Arc::make_mut(&mut self.members).shift_remove_index(place);
        if place < self.before_cookie {
            self.before_cookie -= 1;
        }
        true
    }

    /// Removes all keys.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether `key` is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.members.contains_key(key)
    }

    /// The keys and the JSON texts of their values, in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.members.iter().map(|(key, text)| (&**key, &**text))
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether both hold the same JavaScript values under the same keys; the order of the keys is not compared.
    ///
    /// Source: express-session `index.js`, `hash` and `isModified`: "modified" is a comparison, not a flag.
    /// DIFFERENCE: there, removing a key and adding it again with the same value counts as a change.
    pub fn same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.members, &other.members)
            || (self.len() == other.len()
                && self
                    .entries()
                    .all(|(key, text)| other.get_raw(key).is_some_and(|it| json::same(text, it))))
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} keys)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_in_and_come_out() {
        let mut data = Data::new();
        data.insert("n", &1.0).unwrap();
        data.insert("who", &Some("me")).unwrap();
        assert_eq!(data.get_raw("n"), Some("1"));
        assert_eq!(data.get::<String>("who").unwrap().as_deref(), Some("me"));
        assert_eq!(data.get::<u8>("none").unwrap(), None);
        assert!(data.remove("n") && !data.remove("n"));
        assert_eq!(data.len(), 1);
    }

    #[test]
    fn an_equal_value_keeps_the_stored_text() {
        let mut data = Data::new();
        data.put("price", "1.50".into());
        data.insert("price", &1.5).unwrap();
        assert_eq!(data.get_raw("price"), Some("1.50"));
        data.insert_raw("price", "2.0").unwrap();
        assert_eq!(data.get_raw("price"), Some("2"));
    }

    #[test]
    fn integer_like_keys_go_in_front_in_ascending_order() {
        let mut data = Data::new();
        for key in ["b", "10", "9", "x"] {
            data.insert(key, &0).unwrap();
        }
        let keys: Vec<_> = data.entries().map(|(key, _)| key).collect();
        assert_eq!(keys, ["9", "10", "b", "x"]);
        assert_eq!(data.before_cookie, 2);
        data.remove("9");
        assert_eq!(data.before_cookie, 1);
    }

    #[test]
    fn the_cookie_key_is_reserved() {
        assert!(matches!(Data::new().insert("cookie", &1), Err(DataError::ReservedKey)));
        assert!(matches!(Data::new().insert_raw("cookie", "1"), Err(DataError::ReservedKey)));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        assert!(matches!(Data::new().insert_raw("a", "{]"), Err(DataError::Encode(_))));
        assert!(matches!(Data::new().insert_raw("a", "1,\"cookie\":2"), Err(DataError::Encode(_))));
    }

    #[test]
    fn a_clone_is_independent() {
        let mut data = Data::new();
        data.insert("a", &1).unwrap();
        let copy = data.clone();
        data.insert("a", &2).unwrap();
        assert_eq!(copy.get_raw("a"), Some("1"));
        assert!(!data.same_as(&copy));
    }

    #[test]
    fn errors_and_debug_do_not_leak_values() {
        let mut data = Data::new();
        data.insert("card", "4111-1111").unwrap();
        let error = data.get::<u8>("card").unwrap_err();
        let shown = format!("{data:?} {error:?} {error} {:?}", std::error::Error::source(&error));
        assert!(!shown.contains("4111"), "{shown}");
    }
}
