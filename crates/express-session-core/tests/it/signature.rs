//! Signing and verifying, against cookie-signature.

use express_session_core::{Options, OptionsError, Secrets, SessionId};
use serde_json::Value;

use crate::support::options::{builder, manager};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{SECRET, SID, are_foreign, bytes, hex, none_of, now_or_never, rows};

#[test]
fn values_are_signed_as_in_node() {
    for row in rows("cookie-signature.json", "sign") {
        let secrets = Secrets::new([row["secret"].as_str().unwrap()]).unwrap();
        let value = row["value"].as_str().unwrap();
        assert_eq!(secrets.sign(value), row["signed"].as_str().unwrap(), "{}", row["name"]);
        assert_eq!(secrets.cookie_value(value), row["cookie_value"].as_str().unwrap(), "{}", row["name"]);
        let verified = secrets.unsign(row["signed"].as_str().unwrap()).unwrap();
        assert_eq!((verified.value, verified.secret), (value, 0), "{}", row["name"]);
    }
}

#[test]
fn secrets_may_be_bytes() {
    for row in rows("cookie-signature.json", "sign_buffer_secret") {
        let secrets = Secrets::new([hex(row["secret_hex"].as_str().unwrap())]).unwrap();
        let signed = secrets.sign(row["value"].as_str().unwrap());
        assert_eq!(signed, row["signed"].as_str().unwrap(), "{}", row["name"]);
    }
}

#[test]
fn what_node_refuses_is_refused() {
    for row in rows("cookie-signature.json", "unsign") {
        let secrets = Secrets::new([row["secret"].as_str().unwrap()]).unwrap();
        let value = secrets.unsign(row["input"].as_str().unwrap()).map(|verified| verified.value);
        assert_eq!(value, row["result"].as_str(), "{}", row["name"]);
    }
}

/// The secrets of a row; `None` if Rust's types or our checks leave no room for them.
fn secrets(row: &Value) -> Option<Vec<Vec<u8>>> {
    let list = match &row["secrets"] {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let secret = |value: &Value| (value.is_string() || value["$hex"].is_string()).then(|| bytes(value));
    list.iter().map(secret).collect()
}

/// DIFFERENCE: an empty secret, which anybody can sign with, and no secret at all are refused at start; Node
/// accepts an empty one in a list, and fails at each request without one.
#[test]
fn secrets_rotate_as_in_node() {
    let mut complaints = Vec::new();
    let mut refused = 0;
    for row in rows("cookie-signature.json", "secret_rotation") {
        let name = &row["name"];
        let Some(secrets) = secrets(&row) else {
            // `undefined` or a number among the secrets cannot be written in Rust. Where Node does not stumble
            // over it, the secrets before it work.
            assert!(row["error"].is_string() || row["secrets"].to_string().contains("$undefined"), "{name}");
            continue;
        };
        let options = Options::express(&secrets)
            .allow_weak_secret(true)
            .resave(false)
            .rolling(true)
            .genid(|| SessionId::parse("GENERATED").unwrap());
        if secrets.iter().any(Vec::is_empty) || secrets.is_empty() {
            refused += 1;
            let error = options.build().unwrap_err();
            assert!(matches!(error, OptionsError::EmptySecret { .. } | OptionsError::NoSecret(_)), "{name}");
            continue;
        }
        let spy = Spy::new().with(SID, r#"{"cookie":{"originalMaxAge":null,"expires":null}}"#);
        let manager = manager(options, &spy).unwrap();
        let head = Head::new().header("cookie", row["cookie_header"].as_str().unwrap());
        let session = now_or_never(manager.begin(&head)).unwrap().unwrap();
        let extracted = (session.id().as_str() != "GENERATED").then(|| session.id());
        let sent = now_or_never(session.finish()).unwrap().set_cookie;
        if extracted.as_ref().map(SessionId::as_str) != row["extracted"].as_str() {
            complaints.push(format!("{name}: extracted {}", extracted.is_some()));
        }
        if sent.as_deref() != row["set_cookie"][0].as_str() {
            complaints.push(format!("{name}: sent {sent:?}, Node {}", row["set_cookie"]));
        }
    }
    none_of(&complaints);
    assert!(refused > 0 || are_foreign(), "there are rows with empty secrets");
}

#[test]
fn a_changed_cookie_is_another_visitor() {
    let value = Secrets::new([SECRET]).unwrap().cookie_value(SID);
    let spy = Spy::new().with(SID, r#"{"cookie":{}}"#);
    for at in 0..value.len() {
        let mut forged = value.clone().into_bytes();
        forged[at] = if forged[at] == b'x' { b'y' } else { b'x' };
        let head = Head::new().header("cookie", [b"connect.sid=", &*forged].concat());
        let session = now_or_never(manager(builder(), &spy).unwrap().begin(&head)).unwrap().unwrap();
        assert_ne!(session.id().as_str(), SID, "byte {at}");
    }
    assert_eq!(spy.calls(), [] as [&str; 0], "the store is not even asked");
}
