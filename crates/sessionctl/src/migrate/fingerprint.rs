//! Short digests: of ids and data, so that the state file has neither in it, and of the two stores it belongs to.

use express_session_core::{Document, SessionId};
use sha2::{Digest as _, Sha256};

/// Which session. Its id cannot be found from this: ids are random, or as long as an app makes them.
pub(crate) type IdDigest = [u8; 16];

pub(crate) fn of_id(id: &SessionId) -> IdDigest {
    first(&Sha256::digest(id.as_bytes()))
}

/// What the data of a session are: keys and the texts of their values, in order; not its cookie, which every touch may change,
/// and not the key that the format of a file adds.
pub(crate) fn of_data(document: &Document, without: &[&str]) -> u64 {
    let mut digest = Sha256::new();
    for (key, value) in document.entries().filter(|(key, _)| !without.contains(&&**key)) {
        digest.update((key.len() as u64).to_le_bytes());
        digest.update(key.as_bytes());
        digest.update((value.len() as u64).to_le_bytes());
        digest.update(value.as_bytes());
    }
    u64::from_le_bytes(first(&digest.finalize()))
}

/// Which two stores, without their passwords: those may be changed in between.
pub(crate) fn of_stores(source: &str, target: &str) -> IdDigest {
    let mut digest = Sha256::new();
    for url in [source, target] {
        digest.update(without_login(url));
        digest.update([0]);
    }
    first(&digest.finalize())
}

fn without_login(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}{}", &url[..scheme + 3], &url[at + 1..]),
        _ => url.to_owned(),
    }
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(text).unwrap().unwrap()
    }

    #[test]
    fn data_are_keys_and_values_and_nothing_else() {
        let of = |text: &str| of_data(&document(text), &["__lastAccess"]);
        let data = of(r#"{"cookie":{},"a":1,"b":"x"}"#);
        assert_eq!(data, of(r#"{"cookie":{"path":"/"},"a":1,"b":"x","__lastAccess":7}"#));
        for other in
            [r#"{"cookie":{},"a":1}"#, r#"{"cookie":{},"a":1,"b":"y"}"#, r#"{"cookie":{},"a":"1b","x":""}"#]
        {
            assert_ne!(data, of(other), "{other}");
        }
    }

    #[test]
    fn a_new_password_is_the_same_store() {
        let to = "file:x";
        assert_eq!(of_stores("redis://a:b@h/1", to), of_stores("redis://:c@h/1", to));
        assert_ne!(of_stores("redis://h/1", to), of_stores("redis://h/2", to));
        assert_ne!(of_stores("a", "b"), of_stores("b", "a"));
    }
}
