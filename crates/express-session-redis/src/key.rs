//! Where the key is built: prefix + id, and back; the pattern that finds all keys of a prefix; the key of a mark.

use express_session_core::{Owner, SessionId};

/// The keys of one prefix.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: Box<str>,
    /// No key that begins with the prefix is that of a mark, and the other way round.
    has_room_for_marks: bool,
    /// The same for owners' lists.
    has_room_for_owners: bool,
}

/// What the keys of marks begin with.
pub(crate) const MARK_PREFIX: &str = "ended:";

/// What the keys of owners' lists begin with.
pub(crate) const OWNER_PREFIX: &str = "owned:";

/// The key of a mark.
pub(crate) struct MarkKey {
    pub(crate) name: Vec<u8>,
    /// On a cluster it is where the session is.
    pub(crate) shares_its_slot: bool,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        let is_apart = |other: &str| !prefix.starts_with(other) && !other.starts_with(prefix);
        Self {
            prefix: prefix.into(),
            has_room_for_marks: is_apart(MARK_PREFIX),
            has_room_for_owners: is_apart(OWNER_PREFIX),
        }
    }

    /// Whether marks can be kept where neither Node's listings nor ours take them for sessions.
    pub(crate) fn has_room_for_marks(&self) -> bool {
        self.has_room_for_marks
    }

    /// The key of the mark that a session leaves behind; none if it would look like a session's.
    ///
    /// A key of its own, because connect-redis fails on a value that is no session, and extends its life. The braces keep
    /// it in the session's slot of a cluster.
    pub(crate) fn mark_of(&self, key: &[u8]) -> Option<MarkKey> {
        if !self.has_room_for_marks {
            return None;
        }
        let prefix = MARK_PREFIX.as_bytes();
        let (name, shares_its_slot) = match hash_tag(key) {
            Some(tag) => ([prefix, b"{", tag, b"}:", key].concat(), true),
            None if !key.contains(&b'}') => ([prefix, b"{", key, b"}"].concat(), true),
            None => ([prefix, key].concat(), false),
        };
        Some(MarkKey { name, shares_its_slot })
    }

    /// Whether owners' lists can be kept where nobody takes them for sessions.
    pub(crate) fn has_room_for_owners(&self) -> bool {
        self.has_room_for_owners
    }

    /// The key of an owner's list. An owner is data, as an id is.
    pub(crate) fn list_of(&self, owner: &Owner) -> Vec<u8> {
        [OWNER_PREFIX, &self.prefix, owner.as_str()].concat().into_bytes()
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

/// The part of a key that decides about its slot, if that is not the whole key.
///
/// Source: Redis, "Redis cluster specification", "Hash tags".
fn hash_tag(key: &[u8]) -> Option<&[u8]> {
    let open = key.iter().position(|byte| *byte == b'{')?;
    let rest = key.get(open + 1..)?;
    let close = rest.iter().position(|byte| *byte == b'}')?;
    rest.get(..close).filter(|tag| !tag.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(prefix: &str, id: &str) -> (String, bool) {
        let keys = Keys::new(prefix);
        let MarkKey { name, shares_its_slot } =
            keys.mark_of(&keys.of(&SessionId::parse(id).unwrap())).unwrap();
        (String::from_utf8(name).unwrap(), shares_its_slot)
    }

    #[test]
    fn a_mark_is_in_the_slot_of_its_session() {
        let in_one_slot = [
            ("sess:", "id", "ended:{sess:id}"),
            ("sess:", "a{b", "ended:{sess:a{b}"),
            ("{app}:", "id", "ended:{app}:{app}:id"),
            ("sess:", "{a{b}c", "ended:{a{b}:sess:{a{b}c"),
        ];
        for (prefix, id, expected) in in_one_slot {
            assert_eq!(mark(prefix, id), (expected.to_owned(), true));
            let key = Keys::new(prefix).of(&SessionId::parse(id).unwrap());
            let slot_of = |key: &[u8]| hash_tag(key).unwrap_or(key).to_vec();
            assert_eq!(slot_of(expected.as_bytes()), slot_of(&key));
        }
        for id in ["{}", "{}{a}", "a}b", "}"] {
            assert_eq!(mark("sess:", id), (format!("ended:sess:{id}"), false));
        }
    }

    #[test]
    fn a_prefix_that_marks_would_share_has_none() {
        for prefix in ["", "e", "ended", "ended:", "ended:sess:"] {
            let keys = Keys::new(prefix);
            assert!(keys.mark_of(b"id").is_none() && !keys.has_room_for_marks(), "{prefix}");
        }
        for prefix in ["sess:", "end:", "ended-", "x"] {
            assert!(Keys::new(prefix).has_room_for_marks(), "{prefix}");
        }
    }

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
