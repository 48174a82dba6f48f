//! Numbers and names as people read them.

use crate::results::Statements;
use crate::statements::IN_SCRIPT;
use crate::statistics::Spread;
use crate::subject::Store;

/// `75.1 k`, `830`.
pub(super) fn rate(per_second: f64) -> String {
    if per_second >= 100_000.0 {
        format!("{:.0} k", per_second / 1000.0)
    } else if per_second >= 1000.0 {
        format!("{:.1} k", per_second / 1000.0)
    } else {
        format!("{per_second:.0}")
    }
}

/// `1.35 (1.31–1.40)`.
pub(super) fn ratio(spread: Spread) -> String {
    let digits = if spread.median >= 10.0 { 1 } else { 2 };
    format!("**{:.digits$}** ({:.digits$}–{:.digits$})", spread.median, spread.low, spread.high)
}

/// `75.1 k (74.0 k–76.2 k)`.
pub(super) fn rates(spread: Spread) -> String {
    format!("{} ({}–{})", rate(spread.median), rate(spread.low), rate(spread.high))
}

/// Microseconds up to ten milliseconds, then milliseconds.
pub(super) fn time(microseconds: f64) -> String {
    if microseconds >= 10_000.0 {
        format!("{:.0} ms", microseconds / 1000.0)
    } else if microseconds >= 1000.0 {
        format!("{:.1} ms", microseconds / 1000.0)
    } else {
        format!("{microseconds:.0} µs")
    }
}

/// `10 k`, `5 M`.
pub(super) fn count(number: u64) -> String {
    match number {
        1_000_000.. if number.is_multiple_of(1_000_000) => format!("{} M", number / 1_000_000),
        1000.. => format!("{} k", number / 1000),
        _ => number.to_string(),
    }
}

/// `GETEX, EVALSHA (inside: GET, SET)`; for files only how many calls.
pub(super) fn asks(statements: &Statements) -> String {
    if statements.store == Store::File {
        return format!("{:.0} system calls", statements.total());
    }
    let list = |inside: bool| {
        let mut list = Vec::new();
        for (verb, count) in &statements.verbs {
            let stripped = verb.strip_prefix(IN_SCRIPT);
            let name = stripped.unwrap_or(verb);
            if stripped.is_some() == inside {
                let exactly_one = (count - 1.0).abs() < 0.01;
                list.push(if exactly_one { name.to_owned() } else { format!("{count} × {name}") });
            }
        }
        list.join(", ")
    };
    let (trips, inside) = (list(false), list(true));
    if inside.is_empty() { trips } else { format!("{trips} (inside: {inside})") }
}

pub(super) const fn file_name(store: Store) -> &'static str {
    match store {
        Store::Memory => "memory",
        Store::File => "file",
        Store::Redis => "redis",
        Store::Mysql => "mysql",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(rate(834.2), "834");
        assert_eq!(rate(75_123.0), "75.1 k");
        assert_eq!(rate(131_000.0), "131 k");
        assert_eq!(time(223.4), "223 µs");
        assert_eq!(time(40_762.0), "41 ms");
        assert_eq!(count(5_000_000), "5 M");
        assert_eq!(count(200_000), "200 k");
        let spread = Spread { low: 1.306, median: 1.352, high: 1.4 };
        assert_eq!(ratio(spread), "**1.35** (1.31–1.40)");
    }

    #[test]
    fn what_a_script_does_stands_behind_the_trip() {
        let verbs = [("EVALSHA", 1.0), ("GETEX", 1.0), ("in script: GET", 1.0), ("in script: SET", 2.0)];
        let statements = Statements {
            store: Store::Redis,
            subject: String::new(),
            page: String::new(),
            verbs: BTreeMap::from(verbs.map(|(verb, count)| (verb.to_owned(), count))),
        };
        assert_eq!(asks(&statements), "EVALSHA, GETEX (inside: GET, 2 × SET)");
    }
}
