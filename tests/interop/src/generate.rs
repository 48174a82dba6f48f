//! Makes a script from a seed. What is a known difference (`docs/INTEROP.md`) is left out here and has a test of
//! its own in `tests/lab/differences.rs`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::config::{OptionSet, StoreKind};
use crate::random::Random;
use crate::script::{End, Operation, Script, Sends, Side, Step, Task};

const CLIENTS: usize = 3;

/// Integer-like keys go in front by themselves, all others stand in the order in which they were set.
const KEYS: [&str; 10] = ["10", "9", "a", "cart", "count", "list", "user", "with space", "é", "한"];

/// The script of this seed.
pub fn script(seed: u64, store: StoreKind, sets: &[OptionSet]) -> Script {
    let mut random = Random::new(seed);
    let set = random.below(sets.len());
    let empty = OptionSet::default();
    let options = sets.get(set).unwrap_or(&empty);
    let steps = 3 + random.below(14);
    let mut script = Script { set, steps: Vec::with_capacity(steps) };
    for _ in 0..steps {
        script.steps.push(step(&mut random, store, options));
    }
    script
}

fn step(random: &mut Random, store: StoreKind, options: &OptionSet) -> Step {
    match random.below(100) {
        0..=7 => {
            Step::Wait { ms: *random.pick(&[1, 250, 999, 1_000, 1_499, 5_000, 29_999, 61_000, 3_700_000]) }
        }
        8..=16 => Step::WaitForEnd {
            session: random.below(4),
            offset: *random.pick(&[-1_001, -1_000, -500, -1, 0, 1, 2, 499, 500, 501, 999, 1_000, 1_001]),
        },
        17..=20 => Step::Plant { client: random.below(CLIENTS), document: document(random, store, options) },
        _ => request(random, store, options),
    }
}

fn request(random: &mut Random, store: StoreKind, options: &OptionSet) -> Step {
    let sends = match random.below(100) {
        0..=81 => Sends::Jar,
        82..=85 => Sends::Nothing,
        86..=88 => Sends::Forged,
        89..=92 => Sends::First,
        93 | 94 => Sends::Quoted,
        95 | 96 => Sends::Decoded,
        97 => Sends::Garbage,
        _ => Sends::Crowded,
    };
    let inside = options.cookie("path").and_then(Value::as_str).unwrap_or("/").trim_end_matches('/');
    let path = match random.below(12) {
        0 => "/elsewhere".to_owned(),
        1 => format!("{inside}/too?x=1"),
        // A plain prefix is enough for the middleware, but not for the browser.
        2 if !inside.is_empty() => format!("{inside}lication"),
        _ => format!("{inside}/page"),
    };
    let end = match random.below(100) {
        0..=79 => End::Results,
        80..=84 => End::Error,
        85..=89 => End::Redirect,
        90..=93 => End::Empty,
        94..=96 => End::NotFound,
        _ => End::OwnCookie,
    };
    let forwarded = (options.session.contains_key("proxy") && random.chance(60))
        .then(|| (*random.pick(&["https", "http", "HTTPS", "https, http"])).to_owned());
    Step::Request {
        client: random.below(CLIENTS),
        path,
        side: if random.chance(50) { Side::Node } else { Side::Rust },
        sends,
        forwarded,
        task: Task { operations: operations(random, store, options, sends), end },
    }
}

/// The operations of one request.
fn operations(random: &mut Random, store: StoreKind, options: &OptionSet, sends: Sends) -> Vec<Operation> {
    let mut list = Vec::new();
    let mut removed = Removed::default();
    // Only of a session that is not stored yet: changing a stored one's cookie is a known difference.
    let mut has_changed_cookie = false;
    let mut may_change_cookie = matches!(sends, Sends::Nothing | Sends::Garbage);
    for _ in 0..random.below(5) {
        let operation = match random.below(100) {
            0..=64 => data(random, &mut removed),
            65..=68 => Operation::Dump,
            69 | 70 => Operation::Id,
            71..=74 => Operation::Touch,
            75..=80 => Operation::Save,
            81..=84 => Operation::Reload,
            85..=90 => Operation::Regenerate,
            91..=93 => Operation::Destroy,
            94 | 95 => Operation::Unset,
            _ if may_change_cookie => {
                let lifetimes = [json!(null), json!(5_000), json!(120_000)];
                let choices = if lifetimes_differ(store, options) { 1 } else { lifetimes.len() };
                Operation::MaxAge { ms: lifetimes.get(random.below(choices)).cloned().unwrap_or_default() }
            }
            _ => Operation::Get { key: (*random.pick(&KEYS)).to_owned() },
        };
        match &operation {
            Operation::Regenerate => {
                may_change_cookie = true;
                removed = Removed::default();
            }
            Operation::MaxAge { .. } => has_changed_cookie = true,
            Operation::Save => {
                if has_changed_cookie || !may_save(store, options, may_change_cookie) {
                    continue;
                }
                may_change_cookie = false;
            }
            Operation::Reload => may_change_cookie = false,
            // Our Redis store has extended the session's life by then.
            Operation::Unset if store == StoreKind::Redis && options.session.get("unset").is_none() => {
                continue;
            }
            _ => {}
        }
        let ends_here = store == StoreKind::File && operation == Operation::Save;
        list.push(operation);
        if ends_here {
            break;
        }
    }
    list
}

/// Whether `save()` is without known differences.
///
/// A session that is dead when it is saved is gone for whatever follows. Node writes the expiry as it was loaded
/// and extends the session afterwards. And session-file-store's `__lastAccess` counts as a modification, and has its place among the keys, once saved.
fn may_save(store: StoreKind, options: &OptionSet, is_new: bool) -> bool {
    let lifetime = options.cookie("maxAge").and_then(Value::as_i64);
    match store {
        StoreKind::File => lifetime.is_none() && options.is_on("saveUninitialized"),
        _ => lifetime.is_none_or(|ms| ms > 0 && is_new),
    }
}

/// Whether sessions with a lifetime, among others without one, would show a known difference.
fn lifetimes_differ(store: StoreKind, options: &OptionSet) -> bool {
    let saves_old_sessions = may_save(store, options, false);
    match store {
        StoreKind::File => options.is_on("resave") || saves_old_sessions,
        _ => saves_old_sessions,
    }
}

/// A key that was removed does not come back in the same request: that it keeps its place is a known difference.
#[derive(Debug, Default)]
struct Removed(BTreeSet<usize>);

impl Removed {
    fn next(&self, random: &mut Random) -> Option<String> {
        let place = random.below(KEYS.len());
        if self.0.contains(&place) {
            return None;
        }
        KEYS.get(place).map(|key| (*key).to_owned())
    }
}

fn data(random: &mut Random, removed: &mut Removed) -> Operation {
    let kind = random.below(10);
    if kind == 0 {
        let place = random.below(KEYS.len());
        removed.0.insert(place);
        return Operation::Delete { key: KEYS.get(place).copied().unwrap_or_default().to_owned() };
    }
    let Some(key) = removed.next(random) else { return Operation::Dump };
    match kind {
        1 => Operation::Get { key },
        2 | 3 => Operation::Count { key },
        4 => Operation::Push { key, value: value(random, 1) },
        5 => Operation::Nested {
            key,
            member: (*random.pick(&["x", "7", "deep", "0"])).to_owned(),
            value: value(random, 1),
        },
        _ => Operation::Set { key, value: value(random, 3) },
    }
}

fn value(random: &mut Random, depth: usize) -> Value {
    let kinds = if depth == 0 { 6 } else { 9 };
    match random.below(kinds) {
        0 => json!(null),
        1 => json!(random.chance(50)),
        2 => json!(random.below(3)),
        3 => random
            .pick(&[
                json!(-1),
                json!(0.1),
                json!(1e21),
                json!(1e-7),
                json!(1.5),
                json!(9_007_199_254_740_991_i64),
                json!(123_456_789.25),
                json!(5e-324),
                json!(-0.5),
                json!(1e20),
                json!(4_294_967_296_i64),
            ])
            .clone(),
        4 | 5 => json!(*random.pick(&[
            "",
            "text",
            "with \"quotes\" and \\",
            "line\nbreak\ttab",
            "é ü ß",
            "한국어",
            "😀",
            "\u{1}\u{1f}",
            "</script>",
            "\u{2028}\u{2029}",
            "\u{7f}\u{80}",
            "s:looks.signed",
            "2030-01-02T03:04:05.678Z",
        ])),
        6 => Value::Array((0..random.below(4)).map(|_| value(random, depth - 1)).collect()),
        _ => {
            let names = ["b", "a", "10", "9", "z", "constructor", "cookie"];
            (0..random.below(5))
                .map(|_| ((*random.pick(&names)).to_owned(), value(random, depth - 1)))
                .collect()
        }
    }
}

/// Documents as another Node server may have left them, in the text Node itself would write.
fn document(random: &mut Random, store: StoreKind, options: &OptionSet) -> String {
    let cookies = [
        r#"{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}"#,
        r#"{"httpOnly":true,"path":"/"}"#,
        r#"{"originalMaxAge":60000,"expires":"2030-01-02T03:05:05.678Z","httpOnly":true,"path":"/"}"#,
        r#"{"originalMaxAge":60000,"expires":"2030-01-02T03:05:05.678Z","secure":false,"httpOnly":false,"domain":"example.org","path":"/","sameSite":"lax"}"#,
        r#"{"originalMaxAge":7000,"priority":"low","expires":"2031-12-31T23:59:59.999Z","httpOnly":true,"path":"/"}"#,
    ];
    let choices = if lifetimes_differ(store, options) { 1 } else { cookies.len() };
    let cookie = cookies.get(random.below(choices)).copied().unwrap_or_default();
    let (before, after) = *random.pick(&[
        ("", ""),
        ("", r#","a":1,"user":{"name":"é","roles":["x",null,1.5]}"#),
        (r#""9":[1],"10":{"2":1,"b":1e+21},"#, r#","list":[],"count":41"#),
        ("", r#","count":"text","cart":{},"nothing":null,"한":"😀\n""#),
    ]);
    let access = match store {
        StoreKind::File if random.chance(80) => r#","__lastAccess":1893553445000"#,
        _ => "",
    };
    match random.below(12) {
        // Read by our Redis store, even this lives on: the known difference of reading.
        0 if store != StoreKind::Redis => "null".to_owned(),
        _ => format!("{{{before}\"cookie\":{cookie}{after}{access}}}"),
    }
}
