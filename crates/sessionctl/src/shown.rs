//! How ids, sizes and times are shown.

use std::time::Duration;

use express_session_core::{SessionId, UnixMillis};
use time::OffsetDateTime;

/// How much of an id is shown: enough to tell two lines apart, and by far not enough to guess the rest.
const SHOWN: usize = 8;

/// An id, shortened unless it is to be revealed. Never more than a quarter of it is shown: an app's own ids may be short.
/// Characters that would change the terminal are escaped.
pub(crate) fn id(id: &SessionId, reveal: bool) -> String {
    if reveal {
        return id.as_str().to_owned();
    }
    let shown = SHOWN.min(id.as_str().chars().count() / 4);
    let mut text: String = id.as_str().chars().take(shown).collect();
    text.push('\u{2026}');
    text
}

/// A text that may be anything, on one line.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            escaped.is_none().then_some(c).into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

/// An instant as `2030-01-02T03:04:05Z`; `None` beyond the year 9999.
pub(crate) fn instant(at: UnixMillis) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000)).ok()?;
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    (0..=9999)
        .contains(&year)
        .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// A time in its two largest units: `3d 4h`, `59m 12s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes, rest) =
        (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest}s"),
        (0, 0, _) => format!("{minutes}m {rest}s"),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// A number of bytes.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shortened_and_short_ones_more_so() {
        let parse = |text: &str| SessionId::parse(text).unwrap();
        let long = parse("abcdefghijklmnopqrstuvwxyz012345");
        assert_eq!(id(&long, false), "abcdefgh\u{2026}");
        assert_eq!(id(&long, true), long.as_str());
        assert_eq!(id(&parse("12345678"), false), "12\u{2026}");
        assert_eq!(id(&parse("abc"), false), "\u{2026}");
    }

    #[test]
    fn nothing_reaches_the_terminal_that_moves_its_cursor() {
        assert_eq!(printable("a\u{1b}[2J\nb\u{e9}"), "a\\u{1b}[2J\\nb\u{e9}");
    }

    #[test]
    fn times_and_sizes_are_short() {
        assert_eq!(instant(UnixMillis(1_893_553_445_678)).as_deref(), Some("2030-01-02T03:04:05Z"));
        assert_eq!(instant(UnixMillis(i64::MAX)), None);
        let shown: Vec<_> = [0, 59, 3599, 3600, 90_061].map(|s| duration(Duration::from_secs(s))).into();
        assert_eq!(shown, ["0s", "59s", "59m 59s", "1h 0m", "1d 1h"]);
        let shown: Vec<_> = [0, 1023, 1024, 1536, 5 << 20, u64::MAX].map(bytes).into();
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "16777215.9 TiB"]);
    }
}
