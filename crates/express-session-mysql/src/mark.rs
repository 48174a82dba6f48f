//! What the row of a superseded session says: which session has taken its place, and until when that counts.
//!
//! ```text
//! data = 0e + the last millisecond in which it counts, in 15 digits + each byte of the successor's id, in 3 digits
//! ```
//!
//! To JSON this is the number zero, and a falsy document is no session to Node. The row has expired long ago, but that is
//! not enough: a Node server that had loaded the session before touches it at the end of its request, and that gives any
//! row a life again.

use std::fmt::Write as _;

use express_session_core::{SessionId, UnixMillis};

/// What all marks begin with.
const BEGIN: &str = "0e";
/// The digits of an instant. It comes first, and in a fixed width, so that SQL can compare it as text.
const INSTANT_DIGITS: usize = 15;
/// How much of a mark says until when it counts.
pub(crate) const INSTANT_LEN: usize = BEGIN.len() + INSTANT_DIGITS;
/// The end of a mark that counts for ever.
pub(crate) const LATEST: &str = "0e999999999999999";
const LATEST_MILLIS: i64 = 999_999_999_999_999;

/// The instant as marks begin that end with it.
pub(crate) fn instant(at: UnixMillis) -> String {
    format!("{BEGIN}{:0INSTANT_DIGITS$}", at.0.clamp(0, LATEST_MILLIS))
}

/// The data of the row.
pub(crate) fn encode(successor: &SessionId, until: UnixMillis) -> String {
    let mut text = instant(until);
    for byte in successor.as_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:03}");
    }
    text
}

/// The successor and the last millisecond in which it counts, if this is a mark.
pub(crate) fn decode(data: &[u8]) -> Option<(SessionId, UnixMillis)> {
    let digits = std::str::from_utf8(data).ok()?.strip_prefix(BEGIN)?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (until, id) = digits.split_at_checked(INSTANT_DIGITS).filter(|(_, id)| id.len() % 3 == 0)?;
    let bytes: Option<Vec<u8>> =
        id.as_bytes().chunks(3).map(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).collect();
    let id = SessionId::parse(String::from_utf8(bytes?).ok()?).ok()?;
    Some((id, UnixMillis(until.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use express_session_core::Document;

    use super::*;

    #[test]
    fn a_mark_is_a_number_that_is_zero() {
        let (id, until) = (SessionId::parse("a-\u{e9}").unwrap(), UnixMillis(1_893_553_505_678));
        let text = encode(&id, until);
        assert_eq!(text, "0e001893553505678097045195169");
        assert_eq!(decode(text.as_bytes()), Some((id, until)));
        assert!(Document::parse(text).unwrap().is_none());
        let long = SessionId::parse("\u{1f600}".repeat(128)).unwrap();
        let text = encode(&long, until);
        assert_eq!(decode(text.as_bytes()), Some((long, until)));
        assert!(Document::parse(text).unwrap().is_none());
    }

    #[test]
    fn what_is_no_mark_names_nobody() {
        for data in [
            "",
            "0",
            "null",
            "0e1",
            "0e001893553505678",
            "0e001893553505678999",
            "0e0018935535056780970",
            "0e001893553505678+97",
            r#"{"cookie":{}}"#,
        ] {
            assert_eq!(decode(data.as_bytes()).map(|(id, _)| id.as_str().to_owned()), None, "{data}");
        }
    }

    #[test]
    fn instants_are_ordered_as_texts_are() {
        let texts = [i64::MIN, 0, 9, 1_893_553_445_678, LATEST_MILLIS].map(|at| instant(UnixMillis(at)));
        assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == INSTANT_LEN), "{texts:?}");
        assert_eq!(instant(UnixMillis(i64::MAX)), LATEST);
    }
}
