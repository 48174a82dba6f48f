//! Reading our values out of the request's `Cookie` headers.
//!
//! Source: cookie 0.7.2 `parse` and express-session `index.js`, `getcookie`.

use std::borrow::Cow;

/// Every value that the `Cookie` headers give to `name`, in order, decoded as Node decodes them.
///
/// A pair without `=` is skipped, names are compared exactly, blanks and tabs around both are cut, one pair
/// of double quotes is removed, and percent escapes are decoded only if all of them are valid UTF-8.
/// Express uses the first value only; see `docs/INTEROP.md` for why we may look at more.
pub fn values<'h>(
    headers: impl IntoIterator<Item = &'h [u8]> + 'h,
    name: &'h str,
) -> impl Iterator<Item = String> + 'h {
    headers.into_iter().flat_map(|header| header.split(|byte| *byte == b';')).filter_map(move |pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = pair.split_at_checked(equals)?;
        let value = value.get(1..)?;
        (trim(key) == name.as_bytes()).then(|| decode(unquote(trim(value))))
    })
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
fn decode(bytes: &[u8]) -> String {
    let raw: Cow<'_, str> = match std::str::from_utf8(bytes) {
        Ok(ascii) if ascii.is_ascii() => ascii.into(),
        _ => bytes.iter().copied().map(char::from).collect::<String>().into(),
    };
    if raw.contains('%') {
        decode_uri_component(&raw).unwrap_or_else(|| raw.into_owned())
    } else {
        raw.into_owned()
    }
}

/// JavaScript's `decodeURIComponent`; `None` where it would throw.
fn decode_uri_component(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            out.push(hex(bytes.next()?)? << 4 | hex(bytes.next()?)?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(header: &str) -> Option<String> {
        values([header.as_bytes()], "sid").next()
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
        let all: Vec<_> = values([&b"sid=1; x=2; sid=3"[..], b"sid=4"], "sid").collect();
        assert_eq!(all, ["1", "3", "4"]);
    }
}
