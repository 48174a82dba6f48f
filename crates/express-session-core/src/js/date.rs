//! Dates as JavaScript writes and reads them.

use time::format_description::well_known::{Iso8601, Rfc2822};
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::clock::UnixMillis;

const WEEKDAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// `None` outside the years that a JavaScript `Date` can hold.
fn calendar(instant: UnixMillis) -> Option<OffsetDateTime> {
    instant.is_js_date().then(|| OffsetDateTime::UNIX_EPOCH.checked_add(Duration::milliseconds(instant.0)))?
}

/// `JSON.stringify(date)`: `Date.prototype.toISOString` in quotes, `null` for an invalid date.
///
/// UTC with three decimals; years outside 0..=9999 have a sign and six digits.
pub(crate) fn write_json(instant: UnixMillis, out: &mut String) {
    let Some(at) = calendar(instant) else { return out.push_str("null") };
    let mut text = *b"0000-00-00T00:00:00.000Z\"";
    let year = at.year().unsigned_abs();
    let (hour, minute, second, ms) = at.time().as_hms_milli();
    put_pairs(&mut text, [(0, year / 100 % 100), (2, year % 100)]);
    put_pairs(&mut text, [(5, u8::from(at.month()).into()), (8, at.day().into())]);
    put_pairs(&mut text, [(11, hour.into()), (14, minute.into()), (17, second.into())]);
    // The last two digits of three lie over the first two.
    put_pairs(&mut text, [(20, u32::from(ms) / 10), (21, u32::from(ms) % 100)]);
    out.push('"');
    if !(0..=9999).contains(&at.year()) {
        out.push(if at.year() < 0 { '-' } else { '+' });
        push_ascii(&pair(year / 10_000), out);
    }
    push_ascii(&text, out);
}

/// `Date.prototype.toUTCString`, the form of a cookie's `Expires`: milliseconds are cut off.
pub(crate) fn write_utc_string(instant: UnixMillis, out: &mut String) -> Option<()> {
    let at = calendar(instant)?;
    let mut day_and_month = *b"Thu, 01 Jan ";
    let weekday = WEEKDAYS.get(usize::from(at.weekday().number_days_from_monday()))?;
    let month = MONTHS.get(usize::from(u8::from(at.month())) - 1)?;
    put(&mut day_and_month, 0, **weekday);
    put(&mut day_and_month, 8, **month);
    put_pairs(&mut day_and_month, [(5, at.day().into())]);
    push_ascii(&day_and_month, out);
    if at.year() < 0 {
        out.push('-');
    }
    let year = at.year().unsigned_abs();
    if year > 9999 {
        // Five or six digits, as many as it has.
        out.push_str(itoa::Buffer::new().format(year / 10_000));
    }
    let (hour, minute, second) = at.to_hms();
    let mut rest = *b"1970 00:00:00 GMT";
    put_pairs(&mut rest, [(0, year / 100 % 100), (2, year % 100)]);
    put_pairs(&mut rest, [(5, hour.into()), (8, minute.into()), (11, second.into())]);
    push_ascii(&rest, out);
    Some(())
}

/// All numbers of two digits, one behind the other. Dates are written with every cookie and every document.
const PAIRS: &[u8; 200] =
    b"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
      5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

fn pair(number: u32) -> [u8; 2] {
    let (pairs, _) = PAIRS.as_chunks();
    pairs.get(number as usize % 100).copied().unwrap_or_default()
}

/// Writes numbers of two digits over what stands at their places.
fn put_pairs<const N: usize>(text: &mut [u8], numbers: [(usize, u32); N]) {
    for (at, number) in numbers {
        put(text, at, pair(number));
    }
}

/// Writes `part` over what stands there. Its length is known, so no function copies it.
fn put<const N: usize>(text: &mut [u8], at: usize, part: [u8; N]) {
    if let Some(place) = text.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = part;
    }
}

fn push_ascii(text: &[u8], out: &mut String) {
    out.push_str(std::str::from_utf8(text).unwrap_or_default());
}

/// Reads exactly what [`write_json`] writes for years up to 9999, without its quotes.
pub(crate) fn parse_iso_string(text: &str) -> Option<UnixMillis> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b'.',
        f1,
        f2,
        f3,
        b'Z',
    ] = *text.as_bytes().first_chunk::<24>()?
    else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0_u16, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u16::from(digit - b'0')))
    };
    let small = |digits: &[u8]| number(digits).and_then(|number| u8::try_from(number).ok());
    let month = Month::try_from(small(&[m1, m2])?).ok()?;
    let date = Date::from_calendar_date(number(&[y1, y2, y3, y4])?.into(), month, small(&[d1, d2])?).ok()?;
    let time =
        Time::from_hms_milli(small(&[h1, h2])?, small(&[n1, n2])?, small(&[s1, s2])?, number(&[f1, f2, f3])?);
    let at = date.with_time(time.ok()?).assume_utc();
    (text.len() == 24).then(|| UnixMillis(at.unix_timestamp() * 1000 + i64::from(at.millisecond())))
}

/// `new Date(text)` for the forms that servers write: ISO 8601 and the HTTP date. `None` is an invalid date.
///
/// A date without a zone is read as UTC.
/// DIFFERENCE: Node reads a date *and time* without a zone in the server's own time zone, which two servers of
/// a fleet may not share; and it accepts many free forms, which no session store writes.
pub(crate) fn parse(text: &str) -> Option<UnixMillis> {
    let at = OffsetDateTime::parse(text, &Iso8601::PARSING)
        .or_else(|_| PrimitiveDateTime::parse(text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc))
        .or_else(|_| Date::parse(text, &Iso8601::PARSING).map(|date| date.midnight().assume_utc()))
        .or_else(|_| OffsetDateTime::parse(text, &Rfc2822))
        .ok()?;
    let ms = at.unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(ms).ok().map(UnixMillis).filter(|instant| instant.is_js_date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso_string(instant: UnixMillis) -> Option<String> {
        let mut out = String::new();
        write_json(instant, &mut out);
        serde_json::from_str(&out).unwrap()
    }

    #[test]
    fn iso_strings_are_those_of_javascript() {
        let iso = |ms| iso_string(UnixMillis(ms)).unwrap();
        assert_eq!(iso(1_893_553_445_678), "2030-01-02T03:04:05.678Z");
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(iso(253_893_553_445_678), "+010015-07-26T19:04:05.678Z");
        assert_eq!(iso(-62_198_755_200_000), "-000001-01-01T00:00:00.000Z");
        assert_eq!(iso(8_640_000_000_000_000), "+275760-09-13T00:00:00.000Z");
        assert_eq!(iso_string(UnixMillis(8_640_000_000_000_001)), None);
    }

    #[test]
    fn utc_strings_cut_the_milliseconds() {
        let utc = |ms| {
            let mut out = String::new();
            write_utc_string(UnixMillis(ms), &mut out).unwrap();
            out
        };
        assert_eq!(utc(1_893_553_445_999), "Wed, 02 Jan 2030 03:04:05 GMT");
        assert_eq!(utc(253_893_553_445_678), "Sun, 26 Jul 10015 19:04:05 GMT");
    }

    #[test]
    fn what_is_written_is_read_without_detours() {
        for ms in [1_893_553_445_678, 0, -1, 253_402_300_799_999, -62_167_219_200_000] {
            assert_eq!(parse_iso_string(&iso_string(UnixMillis(ms)).unwrap()), Some(UnixMillis(ms)), "{ms}");
        }
        for text in [
            "2030-01-02T03:04:05.678",
            "2030-02-30T03:04:05.678Z",
            "2030-01-02T24:04:05.678Z",
            "203x-01-02T03:04:05.678Z",
        ] {
            assert_eq!(parse_iso_string(text), None, "{text}");
        }
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
