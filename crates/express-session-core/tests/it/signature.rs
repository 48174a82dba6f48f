//! Signing and verifying, against cookie-signature.

use express_session_core::testing::session_id_of;
use express_session_core::{Options, OptionsError, Secrets, SessionId};
use express_session_testbed::vectors::{are_foreign, bytes, hex, replay, text, untranslatable};
use serde_json::Value;

use crate::support::options::{builder, manager};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{SECRET, SID, now_or_never};

#[test]
fn values_are_signed_as_in_node() {
    replay("cookie-signature.json", "sign", |row| {
        let secrets = Secrets::new([text(row, "secret")]).unwrap();
        let (value, signed) = (text(row, "value"), text(row, "signed"));
        assert_eq!(secrets.sign(value), signed);
        assert_eq!(secrets.cookie_value(value), text(row, "cookie_value"));
        let verified = secrets.unsign(signed).unwrap();
        assert_eq!((verified.value, verified.secret), (value, 0));
    });
}

#[test]
fn secrets_may_be_bytes() {
    replay("cookie-signature.json", "sign_buffer_secret", |row| {
        let secrets = Secrets::new([hex(text(row, "secret_hex"))]).unwrap();
        assert_eq!(secrets.sign(text(row, "value")), text(row, "signed"));
    });
}

#[test]
fn what_node_refuses_is_refused() {
    replay("cookie-signature.json", "unsign", |row| {
        let secrets = Secrets::new([text(row, "secret")]).unwrap();
        let value = secrets.unsign(text(row, "input")).map(|verified| verified.value);
        assert_eq!(value, row["result"].as_str());
    });
}

/// Source: uid-safe, with stubbed random bytes.
#[test]
fn random_bytes_become_the_text_uid_safe_makes_of_them() {
    replay("cookie-signature.json", "session_id", |row| {
        let Ok(bytes) = hex(text(row, "bytes_hex")).try_into() else { untranslatable("an id is 24 bytes") };
        assert_eq!(session_id_of(&bytes).as_str(), text(row, "uid"));
    });
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
    let mut refused = 0;
    replay("cookie-signature.json", "secret_rotation", |row| {
        let Some(secrets) = secrets(row) else {
            // `undefined` or a number among the secrets cannot be written in Rust. Where Node does not stumble
            // over it, the secrets before it work.
            if !row["error"].is_string() && !row["secrets"].to_string().contains("$undefined") {
                untranslatable("a secret that is neither text nor bytes");
            }
            return;
        };
        let options = Options::express(&secrets)
            .allow_weak_secret(true)
            .resave(false)
            .rolling(true)
            .genid(|| SessionId::parse("GENERATED").unwrap());
        if secrets.iter().any(Vec::is_empty) || secrets.is_empty() {
            refused += 1;
            let error = options.build().unwrap_err();
            assert!(matches!(error, OptionsError::EmptySecret { .. } | OptionsError::NoSecret(_)));
            return;
        }
        let spy = Spy::new().with(SID, r#"{"cookie":{"originalMaxAge":null,"expires":null}}"#);
        let manager = manager(options, &spy).unwrap();
        let head = Head::new().header("cookie", text(row, "cookie_header"));
        let session = now_or_never(manager.begin(&head)).unwrap().unwrap();
        let extracted = (session.id().as_str() != "GENERATED").then(|| session.id());
        let sent = now_or_never(session.finish()).unwrap().set_cookie;
        assert_eq!(extracted.as_ref().map(SessionId::as_str), row["extracted"].as_str());
        assert_eq!(sent.as_deref(), row["set_cookie"][0].as_str());
    });
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
