//! Reading our values out of the request's `Cookie` headers.
//!
//! Source: cookie 0.7.2 `parse` and express-session `index.js`, `getcookie`.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};
use smallvec::SmallVec;

/// Shows `see` every value that a `Cookie` header gives to `name`, in order, decoded as Node decodes it.
///
/// A pair without `=` is skipped, names are compared exactly, blanks and tabs around both are cut, one pair
/// of double quotes is removed, and percent escapes are decoded only if all of them are valid UTF-8.
pub(crate) fn visit_values(header: &[u8], name: &str, mut see: impl FnMut(&str)) {
    let mut start = 0;
    for end in memchr_iter(b';', header).chain([header.len()]) {
        visit_pair(header.get(start..end).unwrap_or_default(), name, &mut see);
        start = end + 1;
    }
}

fn visit_pair(pair: &[u8], name: &str, see: &mut impl FnMut(&str)) {
    let Some(equals) = memchr(b'=', pair) else { return };
    let (key, value) = pair.split_at(equals);
    if trim(key) == name.as_bytes() {
        decode(unquote(trim(value.get(1..).unwrap_or_default())), see);
    }
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

fn unquote(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    }
}

/// Node reads header bytes as latin1 and keeps that reading when `decodeURIComponent` throws.
fn decode(bytes: &[u8], see: &mut impl FnMut(&str)) {
    let raw: Cow<'_, [u8]> = if bytes.is_ascii() {
        bytes.into()
    } else {
        bytes.iter().copied().map(char::from).collect::<String>().into_bytes().into()
    };
    let decoded = decode_uri_component(&raw);
    match decoded.as_deref().map(std::str::from_utf8) {
        Some(Ok(decoded)) => see(decoded),
        // What was read as latin1 is UTF-8 here.
        Some(Err(_)) | None => see(std::str::from_utf8(&raw).unwrap_or_default()),
    }
}

/// A signed value of a session with an id of ours has 80 bytes.
type Decoded = SmallVec<[u8; 128]>;

/// The bytes of JavaScript's `decodeURIComponent`, which throws if there is a bad escape (`None`) or they are not UTF-8.
fn decode_uri_component(mut text: &[u8]) -> Option<Decoded> {
    let mut out = Decoded::new();
    while let Some(at) = memchr(b'%', text) {
        let (plain, escape) = text.split_at(at);
        let (&[_, high, low], rest) = escape.split_first_chunk()?;
        out.extend_from_slice(plain);
        out.push(hex(high)? << 4 | hex(low)?);
        text = rest;
    }
    out.extend_from_slice(text);
    Some(out)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(header: &str) -> Vec<String> {
        let mut values = Vec::new();
        visit_values(header.as_bytes(), "sid", |value| values.push(value.to_owned()));
        values
    }

    fn first(header: &str) -> Option<String> {
        all(header).into_iter().next()
    }

    #[test]
    fn pairs_are_found_trimmed_unquoted_and_decoded() {
        assert_eq!(first("a=1; sid =\t\"s%3Ax\" ; b").as_deref(), Some("s:x"));
        assert_eq!(first("SID=1; sid"), None);
        assert_eq!(first("sid=").as_deref(), Some(""));
        assert_eq!(first("sid=\"").as_deref(), Some("\""));
        assert_eq!(first("sid=a=b").as_deref(), Some("a=b"));
    }

    #[test]
    fn one_bad_escape_disables_decoding() {
        assert_eq!(first("sid=s%3Ax%zz").as_deref(), Some("s%3Ax%zz"));
        assert_eq!(first("sid=%ff").as_deref(), Some("%ff"));
        assert_eq!(first("sid=a+b").as_deref(), Some("a+b"));
    }

    #[test]
    fn all_values_of_a_name_come_in_order() {
        assert_eq!(all("sid=1; x=2; sid=3"), ["1", "3"]);
    }
}
