//! Instants as JavaScript writes them, for looking into documents.

use awc::cookie::time::OffsetDateTime;
use awc::cookie::time::format_description::well_known::Rfc3339;

/// The milliseconds since 1970 of `2030-01-02T03:04:05.678Z`.
#[allow(clippy::cast_possible_truncation, reason = "dates of this format fit")]
pub(crate) fn parse(text: &str) -> Option<i64> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some((at.unix_timestamp_nanos() / 1_000_000) as i64)
}

#[cfg(test)]
mod tests {
    #[test]
    fn milliseconds_are_kept() {
        assert_eq!(super::parse("2030-01-02T03:04:05.678Z"), Some(1_893_553_445_678));
        assert_eq!(super::parse("yesterday"), None);
    }
}
