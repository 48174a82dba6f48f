//! Dates as JavaScript writes and reads them.

use time::format_description::well_known::{Iso8601, Rfc2822};
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::clock::UnixMillis;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `None` outside the years that a JavaScript `Date` can hold.
fn calendar(instant: UnixMillis) -> Option<OffsetDateTime> {
    instant.is_js_date().then(|| OffsetDateTime::UNIX_EPOCH.checked_add(Duration::milliseconds(instant.0)))?
}

/// `Date.prototype.toISOString`: UTC with three decimals, years outside 0..=9999 with a sign and six digits.
pub(crate) fn to_iso_string(instant: UnixMillis) -> Option<String> {
    let at = calendar(instant)?;
    let year = match at.year() {
        year @ 0..=9999 => format!("{year:04}"),
        year => format!("{}{:06}", if year < 0 { '-' } else { '+' }, year.unsigned_abs()),
    };
    let (month, day) = (u8::from(at.month()), at.day());
    let (hour, minute, second, ms) = at.time().as_hms_milli();
    Some(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"))
}

/// `Date.prototype.toUTCString`, the form of a cookie's `Expires`: milliseconds are cut off.
pub(crate) fn to_utc_string(instant: UnixMillis) -> Option<String> {
    let at = calendar(instant)?;
    let weekday = WEEKDAYS.get(usize::from(at.weekday().number_days_from_monday()))?;
    let month = MONTHS.get(usize::from(u8::from(at.month())) - 1)?;
    let (sign, year) = (if at.year() < 0 { "-" } else { "" }, at.year().unsigned_abs());
    let (hour, minute, second) = at.to_hms();
    Some(format!(
        "{weekday}, {day:02} {month} {sign}{year:04} {hour:02}:{minute:02}:{second:02} GMT",
        day = at.day()
    ))
}

/// `new Date(text)` for the forms that servers write: ISO 8601 and the HTTP date. `None` is an invalid date.
///
/// A date without a zone is read as UTC.
/// DIFFERENCE: Node reads a date *and time* without a zone in the server's own time zone, which two servers of
/// a fleet may not share; and it accepts many free forms, which no session store writes.
pub(crate) fn parse(text: &str) -> Option<UnixMillis> {
    let at = OffsetDateTime::parse(text, &Iso8601::PARSING)
        .or_else(|_| PrimitiveDateTime::parse(text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc))
        .or_else(|_| time::Date::parse(text, &Iso8601::PARSING).map(|date| date.midnight().assume_utc()))
        .or_else(|_| OffsetDateTime::parse(text, &Rfc2822))
        .ok()?;
    let ms = at.unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(ms).ok().map(UnixMillis).filter(|instant| instant.is_js_date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_strings_are_those_of_javascript() {
        let iso = |ms| to_iso_string(UnixMillis(ms)).unwrap();
        assert_eq!(iso(1_893_553_445_678), "2030-01-02T03:04:05.678Z");
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(iso(253_893_553_445_678), "+010015-07-26T19:04:05.678Z");
        assert_eq!(iso(-62_198_755_200_000), "-000001-01-01T00:00:00.000Z");
        assert_eq!(iso(8_640_000_000_000_000), "+275760-09-13T00:00:00.000Z");
        assert_eq!(to_iso_string(UnixMillis(8_640_000_000_000_001)), None);
    }

    #[test]
    fn utc_strings_cut_the_milliseconds() {
        let utc = |ms| to_utc_string(UnixMillis(ms)).unwrap();
        assert_eq!(utc(1_893_553_445_999), "Wed, 02 Jan 2030 03:04:05 GMT");
        assert_eq!(utc(253_893_553_445_678), "Sun, 26 Jul 10015 19:04:05 GMT");
    }

    #[test]
    fn the_forms_that_servers_write_are_read() {
        let at = |text| parse(text).map(|instant| instant.0);
        assert_eq!(at("2030-01-02T03:04:05.678Z"), Some(1_893_553_445_678));
        assert_eq!(at("2030-01-02T03:04:05Z"), Some(1_893_553_445_000));
        assert_eq!(at("2030-01-02T05:04:05.000+02:00"), Some(1_893_553_445_000));
        assert_eq!(at("2030-01-02T03:04:05.678901Z"), Some(1_893_553_445_678));
        assert_eq!(at("2030-01-02"), Some(1_893_542_400_000));
        assert_eq!(at("Wed, 02 Jan 2030 03:04:05 GMT"), Some(1_893_553_445_000));
        assert_eq!(at("+010015-07-26T19:04:05.678Z"), Some(253_893_553_445_678));
        assert_eq!(at("soon"), None);
        assert_eq!(at(""), None);
    }
}
