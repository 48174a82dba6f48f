//! Reading our values out of the request's `Cookie` headers.
//!
//! Source: cookie 0.7.2 `parse` and express-session `index.js`, `getcookie`.

use std::borrow::Cow;

use smallvec::SmallVec;

/// Shows `see` every value that a `Cookie` header gives to `name`, in order, decoded as Node decodes it.
///
/// A pair without `=` is skipped, names are compared exactly, blanks and tabs around both are cut, one pair
/// of double quotes is removed, and percent escapes are decoded only if all of them are valid UTF-8.
pub(crate) fn visit_values(header: &[u8], name: &str, mut see: impl FnMut(&str)) {
    // Nearly every header is text, in which the standard library searches faster than in bytes.
    match std::str::from_utf8(header) {
        Ok(text) => text.split(';').for_each(|pair| visit_pair(pair.as_bytes(), name, &mut see)),
        Err(_) => header.split(|byte| *byte == b';').for_each(|pair| visit_pair(pair, name, &mut see)),
    }
}

fn visit_pair(pair: &[u8], name: &str, see: &mut impl FnMut(&str)) {
    let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { return };
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
    let raw: Cow<'_, str> = match std::str::from_utf8(bytes) {
        Ok(ascii) if ascii.is_ascii() => ascii.into(),
        _ => bytes.iter().copied().map(char::from).collect::<String>().into(),
    };
    let decoded = if raw.contains('%') { decode_uri_component(&raw) } else { None };
    match decoded.as_deref().map(std::str::from_utf8) {
        Some(Ok(decoded)) => see(decoded),
        Some(Err(_)) | None => see(&raw),
    }
}

/// A signed value of a session with an id of ours has 80 bytes.
type Decoded = SmallVec<[u8; 128]>;

/// The bytes of JavaScript's `decodeURIComponent`, which throws if there is a bad escape (`None`) or they are not UTF-8.
fn decode_uri_component(text: &str) -> Option<Decoded> {
    let mut parts = text.split('%');
    let mut out = Decoded::from_slice(parts.next()?.as_bytes());
    for part in parts {
        let (&[high, low], rest) = part.as_bytes().split_first_chunk()?;
        out.push(hex(high)? << 4 | hex(low)?);
        out.extend_from_slice(rest);
    }
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
