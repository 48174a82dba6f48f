//! Where the key is built: prefix + id, and back; the pattern that finds all keys of a prefix.

use express_session_core::SessionId;

/// The keys of one prefix.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: Box<str>,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The key of a session: the prefix, then the id as it is. A key is data to Redis, so any id will do.
    pub(crate) fn of(&self, id: &SessionId) -> Vec<u8> {
        [self.prefix.as_bytes(), id.as_str().as_bytes()].concat()
    }

    /// The id in a key; `None` if the key is not one of ours.
    pub(crate) fn id(&self, key: &[u8]) -> Option<SessionId> {
        let id = key.strip_prefix(self.prefix.as_bytes())?;
        SessionId::parse(std::str::from_utf8(id).ok()?).ok()
    }

    /// What `SCAN` matches to find all our keys.
    ///
    /// DIFFERENCE: connect-redis does not escape `*`, `?`, `[` and `\` in the prefix, so with such a prefix
    /// its `clear` removes other people's keys, or misses its own.
    pub(crate) fn pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.prefix.len() + 1);
        for character in self.prefix.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('*');
        pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_prefix_and_the_id() {
        let id = SessionId::parse("s\u{ef}d \u{1f36a}").unwrap();
        let keys = Keys::new("sess:");
        assert_eq!(keys.of(&id), "sess:s\u{ef}d \u{1f36a}".as_bytes());
        assert_eq!(keys.id(&keys.of(&id)), Some(id.clone()));
        assert_eq!(Keys::new("").of(&id), id.as_str().as_bytes());
    }

    #[test]
    fn other_keys_have_no_id() {
        let keys = Keys::new("sess:");
        for key in [b"user:1".as_slice(), b"sess:", b"sess:\xff"] {
            assert_eq!(keys.id(key), None);
        }
    }

    #[test]
    fn glob_characters_in_a_prefix_stand_for_themselves() {
        assert_eq!(Keys::new("sess:").pattern(), "sess:*");
        assert_eq!(Keys::new("a*[b]?\\:").pattern(), "a\\*\\[b\\]\\?\\\\:*");
    }
}
