//! Documents that other implementations, or accidents, have put into the store.

use express_session_testbed::vectors::{bytes, name, replay};
use serde_json::Value;

use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{NOW, now_or_never};

/// Where the document afterwards says something else than Node's, and why. `plain`, `resave` and `modified` alike,
/// where Node writes at all.
const OTHERWISE: [(&str, &str); 5] = [
    ("cookie with unknown keys (dropped)", "fields of the cookie that we do not know are kept"),
    ("cookie with \"data\" key (ignored)", "fields of the cookie that we do not know are kept"),
    ("cookie with maxAge number", "fields of the cookie that we do not know are kept"),
    ("cookie with _expires text", "fields of the cookie that we do not know are kept"),
    ("1e400 becomes null", "a number too large for a double keeps its text"),
];

/// Top-level keys named like properties of JavaScript objects: ordinary keys here, dropped by Node, which then
/// writes the document anew.
const DROPPED_BY_NODE: [&str; 20] = [
    "id",
    "req",
    "touch",
    "resetMaxAge",
    "save",
    "reload",
    "destroy",
    "regenerate",
    "constructor",
    "toString",
    "valueOf",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "__proto__",
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
];

struct Ours {
    id_kept: bool,
    after: Option<String>,
    calls: Vec<&'static str>,
}

fn request(row: &Value, kind: &str) -> Ours {
    let spy = Spy::new().returning_expired(true).with("SID", bytes(&row["redis_before"]));
    let manager = manager(quiet().resave(kind == "resave"), &spy).unwrap();
    let head = Head::new().with_session("SID");
    // Never an error: no document makes every request of its visitor fail.
    let session = now_or_never(manager.begin(&head)).unwrap().unwrap();
    let id_kept = session.id().as_str() == "SID";
    if kind == "modified" {
        session.insert("added", 1).unwrap();
    }
    now_or_never(session.finish()).unwrap();
    Ours { id_kept, after: spy.doc("SID"), calls: spy.calls() }
}

/// The document as JavaScript reads it; text where Rust cannot.
fn meaning(document: &str) -> Value {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    // Half a surrogate pair has no meaning in Rust, its escape is compared instead.
    let escaped = document.replace("\\uD", "\\ud").replace("\\udC", "\\udc").replace("\\ud", "\\\\ud");
    let mut value = read(document).or_else(|| read(&escaped)).unwrap_or_else(|| document.into());
    as_doubles(&mut value);
    value
}

/// `1.0` is 1 and `1E3` is 1000.
fn as_doubles(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let double = number.as_f64().unwrap() + 0.0;
            *value = serde_json::Number::from_f64(double).unwrap().into();
        }
        Value::Array(items) => items.iter_mut().for_each(as_doubles),
        Value::Object(map) => map.values_mut().for_each(as_doubles),
        _ => {}
    }
}

/// What is expected of our document where Node's is `node`.
fn expected(before: &str, node: &str) -> Value {
    let mut expected = meaning(node);
    let before = meaning(before);
    for key in DROPPED_BY_NODE {
        if let (Some(map), Some(value)) = (expected.as_object_mut(), before.get(key)) {
            map.insert(key.to_owned(), value.clone());
        }
    }
    expected
}

fn keys(document: &Value) -> impl Iterator<Item = &String> {
    document.as_object().into_iter().flat_map(serde_json::Map::keys)
}

#[test]
fn foreign_documents_are_read_and_written_as_in_node() {
    replay("session-json.json", "foreign_documents", |row| {
        let listed = OTHERWISE.iter().any(|(listed, _)| *listed == name(row));
        let differing: Vec<_> = ["plain", "resave", "modified"]
            .into_iter()
            .filter_map(|kind| differs(row, kind).map(|how| format!("{kind}: {how}")))
            .collect();
        assert_eq!(listed, !differing.is_empty(), "listed: {listed}\n   {}", differing.join("\n   "));
    });
}

/// How the document after a request differs from Node's.
///
/// # Panics
///
/// If the request differs in something else.
fn differs(row: &Value, kind: &str) -> Option<String> {
    let before = String::from_utf8_lossy(&bytes(&row["redis_before"])).into_owned();
    let node = &row[kind];
    let ours = request(row, kind);
    // DIFFERENCE: what Node answers with 500, or never, is a new session, and the record stays.
    let node_fails = node["status"] != 200;
    if node_fails || node["id_kept"] != true {
        let stays = ours.after.as_ref() == Some(&before);
        assert!(!ours.id_kept && stays, "{kind}: a new session, and the record stays");
        return None;
    }
    assert!(ours.id_kept, "{kind}: the id is not kept");
    let after = ours.after.unwrap();
    let drops = keys(&meaning(&before)).any(|key| DROPPED_BY_NODE.contains(&&**key));
    let expected = match node["redis_after"].as_str() {
        // Not written by Node; the spy's touch writes the cookie, never the data.
        Some("(unchanged)") if kind == "plain" => {
            assert_eq!(ours.calls, ["get", "touch"], "{kind}");
            return None;
        }
        Some("(unchanged)") => meaning(&before),
        // Ours drops nothing, so it has nothing to write.
        Some(_) if kind == "plain" && drops => {
            assert_eq!(ours.calls, ["get", "touch"], "{kind}");
            return None;
        }
        Some(node) => expected(&before, node),
        // The lifetime is over; deleting the record then is the store's business.
        None => {
            let record = express_session_core::Document::parse(&*after).unwrap().unwrap();
            assert_eq!(record.cookie().expires(), Some(NOW), "{kind}");
            return None;
        }
    };
    (meaning(&after) != expected).then(|| format!("ours {after}\n   node {expected}"))
}

#[test]
fn what_was_not_changed_keeps_its_text() {
    let document =
        r#"{ "cookie":{}, "price":1.50, "id":12345678901234567890, "s":"\u00e9\ud800", "b":1, "b":2 }"#;
    let row = serde_json::json!({ "redis_before": document });
    assert_eq!(
        request(&row, "modified").after.unwrap(),
        r#"{"cookie":{"httpOnly":true,"path":"/"},"price":1.50,"id":12345678901234567890,"s":"\u00e9\ud800","b":2,"added":1}"#
    );
}

/// DIFFERENCE: in Node such a key replaces the cookie's prototype, and with it every attribute that would be sent.
#[test]
fn a_stored_cookie_with_a_prototype_keeps_its_attributes() {
    let document = r#"{"cookie":{"__proto__":{"x":1},"originalMaxAge":60000,"expires":"2030-01-02T03:04:35.678Z","httpOnly":true,"path":"/"},"n":1}"#;
    let spy = Spy::new().with("SID", document);
    let manager = manager(quiet(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new().with_session("SID"))).unwrap().unwrap();
    session.insert("n", 2).unwrap();
    let sent = now_or_never(session.finish()).unwrap().set_cookie.unwrap();
    assert!(sent.ends_with("; Path=/; Expires=Wed, 02 Jan 2030 03:05:05 GMT; HttpOnly"), "{sent}");
    let after = spy.doc("SID").unwrap();
    assert!(after.contains(r#""__proto__":{"x":1}"#) && after.ends_with(r#","n":2}"#), "{after}");
}
