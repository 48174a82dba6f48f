//! The data of sessions, and documents that other programs leave.

use serde_json::{Value, json};

use crate::config::StoreKind;
use crate::expected::EXACT;
use crate::random::Random;

/// A value, with whole numbers of ours beyond 2^53 among others if `exact`.
pub(super) fn value(random: &mut Random, depth: usize, exact: bool) -> Value {
    if exact && random.chance(25) {
        return json!(EXACT);
    }
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
                // From here on integers are numbers of JavaScript's.
                json!(-9_007_199_254_740_994.0),
                json!(1.234_567_890_123_456_7e19),
                json!(123_456_789_012_345_680_000.0),
                json!(1e300),
                json!(f64::MAX),
                json!(2.225_073_858_507_201_4e-308),
                json!(-0.0),
                json!(0.000_001),
                json!(0.1 + 0.2),
                json!(1.0),
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
        6 => Value::Array((0..random.below(4)).map(|_| value(random, depth - 1, exact)).collect()),
        _ => {
            let names = ["b", "a", "10", "9", "z", "constructor", "cookie"];
            (0..random.below(5))
                .map(|_| ((*random.pick(&names)).to_owned(), value(random, depth - 1, exact)))
                .collect()
        }
    }
}

/// Documents as another Node server may have left them, in the text Node itself would write.
///
/// Without lifetimes only if sessions with one may not be among the others.
pub(super) fn document(random: &mut Random, store: StoreKind, lifetimes: bool) -> String {
    let cookies = [
        r#"{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}"#,
        r#"{"httpOnly":true,"path":"/"}"#,
        r#"{"originalMaxAge":60000,"expires":"2030-01-02T03:05:05.678Z","httpOnly":true,"path":"/"}"#,
        r#"{"originalMaxAge":60000,"expires":"2030-01-02T03:05:05.678Z","secure":false,"httpOnly":false,"domain":"example.org","path":"/","sameSite":"lax"}"#,
        r#"{"originalMaxAge":7000,"priority":"low","expires":"2031-12-31T23:59:59.999Z","httpOnly":true,"path":"/"}"#,
    ];
    let choices = if lifetimes { cookies.len() } else { 1 };
    let cookie = cookies.get(random.below(choices)).copied().unwrap_or_default();
    let (before, after) = *random.pick(&[
        ("", ""),
        ("", r#","a":1,"user":{"name":"é","roles":["x",null,1.5]}"#),
        (r#""9":[1],"10":{"2":1,"b":1e+21},"#, r#","list":[],"count":41"#),
        ("", r#","a":12345678901234567000,"cart":{"x":-9007199254740994,"y":1e-7},"list":[5e-324,1e+21]"#),
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
