//! Where a session's data say whose it is: what Node wrote there counts too.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::Owner;
use crate::document::Data;

/// A path of keys, such as `user.id` or `passport.user`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OwnerKey(Arc<str>);

impl OwnerKey {
    pub(crate) fn new(path: impl Into<Arc<str>>) -> Self {
        Self(path.into())
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.0.split('.').all(|part| !part.is_empty())
    }

    /// The owner, if there is text or a number in that place. Anything else, and what is too long, is nobody.
    pub(crate) fn owner_in(&self, data: &Data) -> Option<Owner> {
        let mut parts = self.0.split('.');
        let raw = data.get_raw(parts.next()?)?;
        let top: Value = serde_json::from_str(raw).ok()?;
        match parts.try_fold(&top, |value, part| value.get(part))? {
            Value::String(text) => Owner::new(text).ok(),
            Value::Number(number) => Owner::new(number).ok(),
            _ => None,
        }
    }
}

impl fmt::Debug for OwnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnerKey({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;

    fn owner(path: &str, members: &str) -> Option<Owner> {
        let text = format!(r#"{{"cookie":{{}},{members}}}"#);
        OwnerKey::new(path).owner_in(&Data::of(Document::parse(text).unwrap().unwrap()))
    }

    #[test]
    fn text_and_numbers_are_owners() {
        let some = |text: &str| Some(Owner::new(text).unwrap());
        assert_eq!(owner("user", r#""user":"alice""#), some("alice"));
        assert_eq!(owner("user.id", r#""user":{"id":42}"#), some("42"));
        assert_eq!(owner("passport.user", r#""passport":{"user":"é"}"#), some("é"));
        assert_eq!(owner("a.b.c", r#""a":{"b":{"c":"x"}}"#), some("x"));
    }

    #[test]
    fn anything_else_is_nobody() {
        for members in [
            r#""n":1"#,
            r#""user":null"#,
            r#""user":{}"#,
            r#""user":{"id":null}"#,
            r#""user":{"id":""}"#,
            r#""user":{"id":true}"#,
            r#""user":{"id":[1]}"#,
            r#""user":"alice""#,
        ] {
            assert_eq!(owner("user.id", members), None, "{members}");
        }
        assert_eq!(owner("user", &format!(r#""user":"{}""#, "x".repeat(256))), None);
    }

    #[test]
    fn a_path_has_no_empty_parts() {
        for (path, usable) in
            [("user", true), ("user.id", true), ("", false), ("user.", false), (".id", false)]
        {
            assert_eq!(OwnerKey::new(path).is_usable(), usable, "{path}");
        }
    }
}
