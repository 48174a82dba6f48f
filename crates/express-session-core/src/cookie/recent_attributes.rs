//! The attributes of the last unusual cookie that this thread has read. An app writes the same ones into all its
//! sessions, so the next document has them too, and shares them instead of parsing them.

use std::cell::RefCell;
use std::sync::Arc;

use super::Attributes;

thread_local! {
    /// As they are written, and what they say.
    static RECENT: RefCell<Option<(Box<str>, Arc<Attributes>)>> = const { RefCell::new(None) };
}

/// Longer ones are not kept.
const MAX_LEN: usize = 512;

/// The attributes that are written like this, if they are the last ones.
pub(super) fn find(text: &str) -> Option<Arc<Attributes>> {
    RECENT.with_borrow(|recent| match recent {
        Some((known, attributes)) if **known == *text => Some(Arc::clone(attributes)),
        _ => None,
    })
}

/// Keeps these for the next document; `text` must say what they are written as.
pub(super) fn remember(text: &str, attributes: &Arc<Attributes>) {
    if text.len() <= MAX_LEN {
        RECENT.set(Some((text.into(), Arc::clone(attributes))));
    }
}

#[cfg(test)]
mod tests {
    use crate::cookie::Cookie;

    const LAX: &str = r#"{"originalMaxAge":60000,"expires":"2030-01-02T03:05:05.678Z","httpOnly":true,"path":"/","sameSite":"lax"}"#;

    #[test]
    fn a_cookie_is_read_alike_with_and_without_memory() {
        let first = Cookie::decode(LAX).unwrap();
        assert_eq!(Cookie::decode_usual(LAX), None);
        first.remember_attributes(LAX);
        assert_eq!(Cookie::decode_usual(LAX), Some(first));
    }

    #[test]
    fn other_attributes_and_lifetimes_are_told_apart() {
        let strict = LAX.replace("lax", "strict");
        Cookie::decode(&strict).unwrap().remember_attributes(&strict);
        assert_eq!(Cookie::decode_usual(LAX), None);
        for (text, with) in [("60000", "60000.5"), ("60000", "060000"), ("60000", "null"), ("678Z", "67Z")] {
            assert_eq!(Cookie::decode_usual(&strict.replace(text, with)), None, "{with}");
        }
        let session = strict.replace("60000", "null").replace("\"2030-01-02T03:05:05.678Z\"", "null");
        assert_eq!(Cookie::decode_usual(&session), Some(Cookie::decode(&session).unwrap()));
    }
}
