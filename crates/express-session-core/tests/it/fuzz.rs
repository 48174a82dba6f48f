//! Whatever bytes arrive: no panic, and what was read is written and read again as the same.
//!
//! `FUZZ_CASES` sets the number of cases per target.

use express_session_core::testing::cookie_values;
use express_session_core::{Cookie, Data, Document, Secrets, SessionId};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{SECRET, SID};

/// Small enough for every test run; `make fuzz` asks for a million.
const DEFAULT_CASES: u32 = 1_000;

fn fuzz<S: Strategy>(strategy: &S, target: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let cases = std::env::var("FUZZ_CASES").map_or(DEFAULT_CASES, |cases| cases.parse().expect("a number"));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(strategy, target).unwrap();
}

/// Bytes that parsers stumble over, among any others.
fn bytes_of(special: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(special).prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
        1 => ".{0,6}".prop_map(String::into_bytes),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

#[test]
fn cookie_headers() {
    const PIECES: &[&str] = &[
        "connect.sid",
        "=",
        ";",
        "; ",
        "\"",
        "%",
        "%25",
        "%C3",
        "%C3%A9",
        "%zz",
        "s:",
        "s%3A",
        " ",
        "\t",
        ".",
        "\\",
        ",",
        "+",
        "\u{0}",
        "\u{7f}",
        "é",
    ];
    fuzz(&vec(bytes_of(PIECES), 0..4), |headers| {
        for value in headers.iter().flat_map(|header| cookie_values(header, "connect.sid")) {
            if let Some(signed) = value.strip_prefix("s:") {
                let secrets = Secrets::new([SECRET]).unwrap();
                prop_assert!(secrets.unsign(signed).is_none(), "nobody guesses a signature");
            }
        }
        Ok(())
    });
}

#[test]
fn what_is_signed_verifies_and_travels_through_a_cookie() {
    let id = prop_oneof![
        ".{0,40}",
        bytes_of(&["%", ".", "s:", "=", ";", "\"", "+", "\0", "é", "日"])
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    ];
    let secrets = Secrets::new([SECRET, "retired"]).unwrap();
    fuzz(&(id, any::<u8>(), any::<prop::sample::Index>()), |(id, byte, place)| {
        let signed = secrets.sign(&id);
        prop_assert_eq!(secrets.unsign(&signed).unwrap().value, &*id);
        let header = format!("a=b; connect.sid={}; c=\"d\"", secrets.cookie_value(&id));
        let values: Vec<String> = cookie_values(header.as_bytes(), "connect.sid");
        prop_assert_eq!(&values, &[format!("s:{signed}")]);
        // One byte of the signature changed, or one dropped: nothing verifies.
        let start = id.len();
        let mut forged = signed.clone().into_bytes();
        let at = start + 1 + place.index(signed.len() - start - 1);
        forged[at] = byte;
        if let Ok(forged) = String::from_utf8(forged) {
            prop_assert_eq!(secrets.unsign(&forged).is_some(), forged == signed);
        }
        prop_assert!(secrets.unsign(&signed[..signed.len() - 1]).is_none());
        Ok(())
    });
}

#[test]
fn unsign() {
    let text = prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9+/=.:]{0,80}",
        bytes_of(&[SID, ".", "+JECVm7fPDbjKh4VpZEn+giDvxLnh9l5dgubW866Te4", "=", "\0"])
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ];
    let secrets = Secrets::new([SECRET, ""]).unwrap();
    fuzz(&text, |text| {
        if let Some(verified) = secrets.unsign(&text) {
            let signer = Secrets::new([if verified.secret == 0 { SECRET } else { "" }]).unwrap();
            prop_assert_eq!(signer.sign(verified.value), text.clone());
        }
        let _ = SessionId::parse(text);
        Ok(())
    });
}

/// Decoding is total, and stable from the first writing on.
fn decodes_stably(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(Some(document)) = Document::decode(bytes) else { return Ok(()) };
    let encoded = Data::of(document.clone()).encode();
    let written = encoded.text();
    let again = Document::parse(written).ok().flatten();
    let again = again.ok_or_else(|| TestCaseError::fail(format!("written, then unreadable: {written}")))?;
    let rewritten = Data::of(again.clone()).encode();
    prop_assert_eq!(rewritten.text(), written);
    prop_assert!(document.same_data(&again));
    // The index that was made while writing finds what reading finds.
    prop_assert!(encoded.entries().eq(again.entries()));
    prop_assert_eq!(document.cookie().encode(), again.cookie().encode());
    // Node reads whatever we write.
    prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(written).is_ok(), "{}", written);
    // Touching, changing and taking back must not fail either.
    let mut touched = Data::of(document);
    touched.cookie_mut().touch(crate::support::NOW);
    touched.insert("n", 1).unwrap();
    let touched = Document::parse(touched.encode().shared_text()).ok().flatten().unwrap();
    prop_assert_eq!(touched.get_raw("n"), Some("1"));
    Ok(())
}

#[test]
fn records_of_arbitrary_bytes() {
    fuzz(&vec(any::<u8>(), 0..200), |bytes| decodes_stably(&bytes));
}

#[test]
fn records_of_json_pieces() {
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\"cookie\"",
        "\"cookie\":{}",
        "\"cookie\":[]",
        "\"cookie\":false",
        "{\"cookie\":{\"originalMaxAge\":60000,\"expires\":\"2030-01-02T03:04:05.678Z\"}",
        "\"originalMaxAge\":",
        "\"expires\":",
        "\"path\":\"/\"",
        "\"secure\":",
        "null",
        "true",
        "1.0",
        "-0",
        "1e400",
        "1E5",
        "12345678901234567890123",
        "\\u00e9",
        "\\ud800",
        "\\udc00",
        "\"a\":",
        "\"10\":1",
        "\"9\":2",
        "\"__proto__\":1",
        " ",
        "\n",
        "é",
        "0.1",
    ];
    fuzz(&bytes_of(PIECES), |bytes| decodes_stably(&bytes));
}

/// Any JSON value, as text with free choice of spelling.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        proptest::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1.50",
            "1e3",
            "1E+3",
            "1e400",
            "-1e-400",
            "9007199254740993",
            "18446744073709551616",
            "\"\"",
            "\"\\u00e9\\/\"",
            "\"\\ud800\"",
            "\"\\uDC00x\"",
            "\"2030-01-02T03:04:05Z\"",
        ])
        .prop_map(str::to_owned),
        any::<f64>()
            .prop_filter("JSON has no others", |float| float.is_finite())
            .prop_map(|float| float.to_string()),
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(" , "))),
            vec((key(), inner), 0..5).prop_map(|members| object(&members)),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    const KEYS: [&str; 14] = [
        "cookie",
        "originalMaxAge",
        "expires",
        "maxAge",
        "path",
        "secure",
        "sameSite",
        "httpOnly",
        "priority",
        "a",
        "10",
        "9",
        "4294967295",
        "__createdAt",
    ];
    prop_oneof![4 => proptest::sample::select(&KEYS).prop_map(str::to_owned), 1 => any::<String>()]
        .prop_map(|key| serde_json::Value::from(key).to_string())
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{key} : {value}")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn records_of_any_json() {
    let members = vec((key(), json()), 0..8);
    let cookie = vec((key(), json()), 0..8);
    fuzz(
        &(members, proptest::option::of(cookie), any::<prop::sample::Index>()),
        |(mut members, cookie, place)| {
            if let Some(cookie) = cookie {
                let place = place.index(members.len() + 1);
                members.insert(place, ("\"cookie\"".to_owned(), object(&cookie)));
            }
            decodes_stably(object(&members).as_bytes())
        },
    );
}

#[test]
fn values_survive_as_text_and_as_doubles() {
    fuzz(&(json(), any::<f64>()), |(text, float)| {
        let mut data = Data::new(Cookie::default());
        data.insert_raw("v", &text).map_err(|_| TestCaseError::fail("JSON is accepted"))?;
        let written = data.get_raw("v").unwrap().to_owned();
        // Rewritten once, it stays as it is; writing the same again is no change.
        let before = data.encode();
        data.insert_raw("v", &text).unwrap();
        data.insert_raw("v", &written).unwrap();
        prop_assert_eq!(data.get_raw("v"), Some(&*written));
        prop_assert!(data.encode().same_data(&before));
        data.insert("f", float).unwrap();
        if float.is_finite() {
            let read = data.get::<f64>("f").unwrap().unwrap();
            prop_assert_eq!(
                (read + 0.0).to_bits(),
                (float + 0.0).to_bits(),
                "{} is zero or read as it was",
                float
            );
            let text = data.get_raw("f").unwrap().to_owned();
            data.insert("f", read).unwrap();
            prop_assert_eq!(data.get_raw("f"), Some(&*text));
        }
        Ok(())
    });
}
