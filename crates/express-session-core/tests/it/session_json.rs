//! The documents that express-session stores, byte for byte, and what becomes of them in later requests.

use std::collections::BTreeSet;

use express_session_core::{Cookie, Data, DataError, Document, Session};
use express_session_testbed::vectors::{
    are_foreign, list, name, none_of, replay, rows, text, translated, untranslatable,
};
use serde_json::Value;

use crate::support::js;
use crate::support::options::{cookie_options, manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{NOW, now_or_never};

/// Handlers of the recording that change more than data, and handlers without a counterpart: the values are then
/// taken from the recorded document, as for all others.
const COOKIE_HANDLER: &str = "s.cookie.maxAge = 5000; s.cookie.sameSite = 'strict'; s.b = 1";

/// Documents of which only JavaScript could tell what they come from.
const OTHERWISE: [(&str, &str); 2] = [
    ("lone surrogate in a key", "a key is text, and text in Rust is UTF-8"),
    ("\"toJSON\" function", "a record always has its cookie"),
];

/// The data of a document, with the exact text of their values.
fn members(document: &str) -> Option<Vec<(String, String)>> {
    let document = Document::parse(document).ok()??;
    Some(document.entries().map(|(key, text)| (key.into_owned(), text.to_owned())).collect())
}

/// Puts the recorded values into the session as a handler would.
fn fill(session: &Session, members: &[(String, String)]) -> Result<(), DataError> {
    for (key, text) in members {
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            session.insert(key, value)?;
        } else {
            // Lone surrogates and deep nesting: only as text.
            session.with_data(|data| data.insert_raw(key, text))?;
        }
    }
    Ok(())
}

/// Runs one row's request against an empty store; the document then stored.
fn stored_by(row: &Value, members: &[(String, String)]) -> Result<String, String> {
    let cookie = cookie_options(&js::parse(text(row, "cookie_js"))).map_err(|e| format!("{e:?}"))?;
    let spy = Spy::new();
    let manager =
        manager(quiet().save_uninitialized(true).cookie(cookie), &spy).map_err(|e| e.to_string())?;
    let session = now_or_never(manager.begin(&Head::new().target("/a"))).unwrap().unwrap();
    if row["data_js"] == COOKIE_HANDLER {
        let mut cookie = session.cookie_mut();
        cookie.set_max_age(Some(std::time::Duration::from_secs(5)));
        cookie.set_same_site(Some(express_session_core::SameSite::Strict));
    }
    fill(&session, members).map_err(|error| error.to_string())?;
    now_or_never(session.finish()).map_err(|error| error.to_string())?;
    spy.doc("N1").ok_or_else(|| "nothing is stored".to_owned())
}

fn compare(list: &str) -> BTreeSet<String> {
    let mut complaints = Vec::new();
    let mut left_out = BTreeSet::new();
    for row in rows("session-json.json", list) {
        let name = name(&row);
        // Nothing was stored: the response hung, or the lifetime was over. See `never_stored`.
        let Some(document) = row["redis"].as_str() else { continue };
        let ours = translated(name, &mut complaints, || {
            let members = members(document).ok_or_else(|| "unreadable in Rust".to_owned());
            members.and_then(|members| stored_by(&row, &members))
        });
        let Some(ours) = ours else { continue };
        let listed = OTHERWISE.iter().any(|(part, _)| name.contains(part));
        match ours {
            Ok(ours) if ours == document && !listed => {}
            _ if listed => drop(left_out.insert(name.split(" / ").next().unwrap().to_owned())),
            ours => complaints.push(format!("{name}\n   ours {ours:?}\n   node {document}")),
        }
        if !listed {
            let later = translated(name, &mut complaints, || later_requests(&row, document));
            complaints.extend(later.into_iter().flatten());
        }
    }
    none_of(&complaints);
    left_out
}

/// The second, plain request and the third, with `resave`.
///
/// DIFFERENCE: keys named like JavaScript's own properties are ordinary keys; Node drops them and writes the
/// document anew.
fn later_requests(row: &Value, document: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let reload = &row["reload"];
    let keys = reload["keys"].as_array().map_or(0, Vec::len);
    let dropped_by_node = members(document).unwrap_or_default().len() + 1 != keys;
    for resave in [false, true] {
        let spy = Spy::new().returning_expired(true).with("SID", document);
        let manager = manager(quiet().resave(resave), &spy).unwrap();
        let session =
            now_or_never(manager.begin(&Head::new().target("/a").with_session("SID"))).unwrap().unwrap();
        let kept = session.id().as_str() == "SID";
        now_or_never(session.finish()).unwrap();
        let node = &reload[if resave { "redis_after_resave" } else { "redis_after_plain_request" }];
        let node = node.as_str().filter(|_| !dropped_by_node).unwrap_or(document);
        let after = spy.doc("SID").unwrap();
        // The memory of the spy shows the touched cookie too, which in Redis is only the key's lifetime.
        let as_in_node = if resave { after == node } else { same_data(&after, node) };
        if !(kept && as_in_node) {
            complaints.push(format!("{}: resave {resave}\n   ours {after}\n   node {node}", row["name"]));
        }
        let calls = if resave { ["get", "set"] } else { ["get", "touch"] };
        if spy.calls() != calls {
            complaints.push(format!("{}: resave {resave} calls {:?}", row["name"], spy.calls()));
        }
    }
    complaints
}

fn same_data(ours: &str, node: &str) -> bool {
    members(ours).unwrap() == members(node).unwrap()
}

#[test]
fn cookies_are_stored_as_in_node() {
    assert!(compare("cookie_variants").is_empty());
}

#[test]
fn data_are_stored_as_in_node() {
    let left_out = compare("data_variants");
    assert!(are_foreign() || left_out.len() == OTHERWISE.len(), "{left_out:?}");
}

/// A value that cannot be written.
struct Throws;
impl serde::Serialize for Throws {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("nope"))
    }
}

/// DIFFERENCE: what JavaScript cannot write (cycles, `BigInt`, a `toJSON` that throws) is an error of `insert` or
/// of the types, not a response that never comes; names of JavaScript's methods are ordinary keys.
#[test]
fn what_hangs_in_node_works_or_is_an_error() {
    let mut ordinary = 0;
    replay("session-json.json", "data_variants", |row| {
        if row["hung"] != true {
            return;
        }
        let handler = text(row, "data_js");
        if let Some(key) = handler.strip_prefix("s.").and_then(|rest| rest.strip_suffix(" = 1")) {
            let document = stored_by(row, &[(key.to_owned(), "1".to_owned())]).unwrap();
            assert!(document.ends_with(&format!(",\"{key}\":1}}")), "{document}");
            ordinary += 1;
        } else if !["10n", "toJSON", "s.a.a = s.a"].iter().any(|part| handler.contains(part)) {
            untranslatable(format_args!("a handler that hangs in Node: {handler}"));
        }
    });
    assert!(ordinary > 0 || are_foreign());
    assert!(matches!(Data::new(Cookie::default()).insert("a", Throws), Err(DataError::Encode(_))));
}

/// A lifetime that is over is the store's to act upon (Redis deletes); the model hands over the document.
#[test]
fn sessions_that_are_over_reach_the_store_with_their_expiry() {
    replay("session-json.json", "cookie_variants", |row| {
        if !row["redis"].is_null() {
            return;
        }
        assert_eq!(list(row, "store_calls").len(), 2, "set, then destroy");
        let record = Document::decode(stored_by(row, &[]).unwrap().as_bytes()).unwrap().unwrap();
        assert!(record.cookie().expires().unwrap() <= NOW);
    });
}

/// Source: `numbers` of the recording; every double must survive reading and writing.
#[test]
fn numbers_survive_being_read_and_written() {
    replay("session-json.json", "numbers", |row| {
        let Ok(bits) = u64::from_str_radix(text(row, "f64_be_hex"), 16) else { untranslatable("no double") };
        let json = text(row, "json");
        let mut data = Data::new(Cookie::default());
        data.insert("n", f64::from_bits(bits)).unwrap();
        assert_eq!(data.get_raw("n"), Some(json));
        if json == "null" {
            return;
        }
        let read: f64 = data.get("n").unwrap().unwrap();
        assert!(read.to_bits() == bits || read == 0.0);
        data.insert_raw("n", &format!(" {json} ")).unwrap();
        assert_eq!(data.get_raw("n"), Some(json));
    });
}

/// Source: `strings` of the recording. A string with half a surrogate pair is none in Rust.
#[test]
fn strings_are_written_as_node_writes_them() {
    let mut checked = 0;
    replay("session-json.json", "strings", |row| {
        if row["well_formed"] != true {
            return;
        }
        let unit = |unit: &Value| u16::from_str_radix(unit.as_str()?, 16).ok();
        let units: Option<Vec<u16>> = list(row, "utf16_units").iter().map(unit).collect();
        let string = units.and_then(|units| String::from_utf16(&units).ok());
        let mut data = Data::new(Cookie::default());
        data.insert("s", string.unwrap_or_else(|| untranslatable("no string"))).unwrap();
        assert_eq!(data.get_raw("s"), Some(text(row, "json")));
        checked += 1;
    });
    assert!(checked > 40 || are_foreign(), "{checked}");
}
