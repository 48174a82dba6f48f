//! The exact `Set-Cookie` header and the stored document, for options × request × handler; and whether the
//! connection counts as secure.

mod row;

use express_session_core::{
    CookieOptions, Document, Finished, OptionsError, SameSiteOption, Secure, SessionId, SessionManager,
    SetCookieError, TrustProxy,
};
use express_session_testbed::vectors::{
    are_foreign, list, name, none_of, replay, row, rows, text, translated, untranslatable,
};
use serde_json::Value;

use crate::support::options::{builder, manager};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{SID, now_or_never};
use row::{handle, head, options};

/// Rows that cannot be said in Rust, or that come out otherwise on purpose. A row that is here although it would
/// pass fails the test.
const OTHERWISE: [(&str, &str); 17] = [
    ("cookie: string (TypeError)", "types: `cookie` is a CookieOptions; Node never answers"),
    ("maxAge NaN", "types: a Duration is a number"),
    ("maxAge '60000'", "assign refuses text for a lifetime; Node never answers"),
    (
        "expires '2031-01-01T00:00:00.000Z'",
        "assign reads the text that JSON has for a date; Node never answers",
    ),
    (
        "path with non-ASCII, request does not match",
        "refused when the options are built, whatever is requested",
    ),
    (
        "stored cookie with maxAge key (non-standard): becomes expires, then lost",
        "fields of a stored cookie that we do not know are kept",
    ),
    ("cookie function returning null (TypeError)", "types: the function returns CookieOptions"),
    ("genid returns empty string", "a SessionId is not empty: nobody could come back with it"),
    ("genid returns number (no cookie)", "types: genid returns a SessionId"),
    ("genid returns null (no cookie)", "types: genid returns a SessionId"),
    ("genid returns undefined (no cookie)", "types: genid returns a SessionId"),
    ("genid returns lone surrogate (URIError)", "types: text in Rust is UTF-8"),
    (
        "handler sets cookie.maxAge on a live session, nothing else: no cookie",
        "a changed cookie is saved and sent",
    ),
    (
        "handler replaces req.session.cookie by a plain object (attributes are read from its missing .data)",
        "types: the cookie stays a Cookie",
    ),
    (
        "handler replaces req.sessionID: the new id is signed (session.id stays)",
        "the id is not a handler's to set",
    ),
    (
        "modified after the headers were flushed (res.write first), saveUninitialized false: no cookie",
        "the session ends before the response head is written, so its cookie is sent",
    ),
    (
        "stored originalMaxAge as string (TypeError at touch)",
        "a malformed record makes a new session and stays; Node never answers",
    ),
];

/// What a row comes to with us.
#[derive(Debug, PartialEq)]
enum Ours {
    Untranslatable,
    Refused(SetCookieError),
    Done { set_cookie: Option<String>, error: Option<SetCookieError>, document: Option<String> },
}

fn ours(row: &Value) -> Ours {
    let Ok(options) = options(row) else { return Ours::Untranslatable };
    // `stored expires already past`: the instrumented store of the recording does not look at expiry.
    let mut spy = Spy::new().returning_expired(true);
    if !row["stored"].is_null() {
        spy = spy.with(SID, row["stored"].to_string());
    }
    let manager: SessionManager = match manager(options, &spy) {
        Ok(manager) => manager,
        Err(OptionsError::Cookie(error)) => return Ours::Refused(error),
        Err(other) => panic!("{}: {other}", row["name"]),
    };
    let session = now_or_never(manager.begin(&head(row))).unwrap();
    if handle(session.as_ref(), text(row, "handler_js"), &spy).is_none() {
        return Ours::Untranslatable;
    }
    let finished =
        session.as_ref().map_or_else(Finished::default, |session| now_or_never(session.finish()).unwrap());
    let id = session.map_or_else(|| SID.to_owned(), |session| session.id().as_str().to_owned());
    Ours::Done { set_cookie: finished.set_cookie, error: finished.cookie_error, document: spy.doc(&id) }
}

/// The document that Node's calls leave: the last `set`, or the stored one with the last `touch` applied.
fn node_document(row: &Value) -> Option<String> {
    let mut document = (!row["stored"].is_null()).then(|| row["stored"].to_string());
    for call in list(row, "store_calls") {
        let call = call.as_str().unwrap();
        // An id may hold blanks, a document starts with the first brace.
        let json = call.find('{').map(|at| &call[at..]);
        match (call.split(' ').next().unwrap(), json) {
            ("set", Some(json)) => document = Some(json.to_owned()),
            ("touch", Some(cookie)) => {
                document = document.map(|present| {
                    let decode = |text: &str| Document::decode(text.as_bytes()).unwrap().unwrap();
                    let touched = decode(&format!(r#"{{"cookie":{cookie}}}"#));
                    decode(&present).with_cookie(touched.cookie()).text().to_owned()
                });
            }
            ("get", _) => {}
            ("destroy", _) => document = None,
            other => untranslatable(format_args!("unknown store call {other:?}")),
        }
    }
    document
}

/// Which part Node's error message blames.
fn node_error(row: &Value) -> Option<SetCookieError> {
    let message = row["errors"][0].as_str()?;
    [
        ("argument name is invalid", SetCookieError::Name),
        ("option domain is invalid", SetCookieError::Domain),
        ("option path is invalid", SetCookieError::Path),
        ("option expires is invalid", SetCookieError::Expires),
        ("option priority is invalid", SetCookieError::Priority),
        ("option sameSite is invalid", SetCookieError::SameSite),
    ]
    .into_iter()
    .find_map(|(text, error)| message.ends_with(text).then_some(error))
}

/// DIFFERENCE: what no browser could read is refused when the options are built; Node stores the session, sends no
/// cookie, and reports it per request.
fn agrees(row: &Value, ours: &Ours) -> bool {
    match ours {
        Ours::Untranslatable => false,
        Ours::Refused(error) => node_error(row) == Some(*error),
        Ours::Done { set_cookie, error, document } => {
            let prefix = row["options"]["name"].as_str().or(row["options"]["key"].as_str()).unwrap_or("");
            let prefix = if prefix.is_empty() { "connect.sid" } else { prefix };
            // Only ours: what the handler has set before stays in front of it, and is never `name=<signed>`.
            let node = row["set_cookie"].as_array().unwrap().iter().filter_map(Value::as_str);
            let node = node.rev().find(|text| text.starts_with(&format!("{prefix}=s%3A")));
            row["status"].is_number()
                && set_cookie.as_deref() == node
                && *error == node_error(row)
                && same_document(document.as_deref(), node_document(row).as_deref(), !row["stored"].is_null())
        }
    }
}

/// Byte for byte, except that a cookie that was stored with its fields in another order keeps that order.
fn same_document(ours: Option<&str>, node: Option<&str>, was_stored: bool) -> bool {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    ours == node || (was_stored && ours.map(parse) == node.map(parse))
}

#[test]
fn cookie_and_document_are_nodes() {
    let mut complaints = Vec::new();
    let mut refused = 0;
    for row in rows("set-cookie.json", "vectors") {
        let name = name(&row);
        let compared = translated(name, &mut complaints, || {
            let ours = ours(&row);
            (agrees(&row, &ours), ours)
        });
        let Some((agrees, ours)) = compared else { continue };
        let listed = OTHERWISE.iter().find(|(listed, _)| *listed == name);
        match (agrees, listed) {
            (true, None) => refused += usize::from(matches!(ours, Ours::Refused(_))),
            (false, Some(_)) => {}
            (true, Some((_, reason))) => complaints.push(format!("{name}: passes, though listed ({reason})")),
            (false, None) => complaints.push(format!(
                "{name}\n   ours {ours:?}\n   node {} {} {:?}",
                row["set_cookie"],
                row["errors"],
                node_document(&row)
            )),
        }
    }
    none_of(&complaints);
    assert!(refused > 0 || are_foreign(), "there are options that cannot be sent");
}

#[test]
fn the_list_of_other_rows_is_about_rows_that_exist() {
    for (name, _) in OTHERWISE {
        row("set-cookie.json", "vectors", name);
    }
}

#[test]
fn a_changed_lifetime_of_a_stored_session_is_stored_and_sent() {
    let name = "handler sets cookie.maxAge on a live session, nothing else: no cookie";
    let row = row("set-cookie.json", "vectors", name);
    let Ours::Done { set_cookie, error: None, document } = ours(&row) else { panic!("it works") };
    assert!(set_cookie.unwrap().ends_with("; Path=/; Expires=Wed, 02 Jan 2030 03:06:05 GMT; HttpOnly"));
    assert!(document.unwrap().contains(r#""originalMaxAge":120000,"expires":"2030-01-02T03:06:05.678Z""#));
}

#[test]
fn connections_count_as_secure_as_in_node() {
    replay("set-cookie.json", "secure_matrix", connection_counts_as_secure_as_in_node);
}

fn connection_counts_as_secure_as_in_node(row: &Value) {
    let base = || {
        let id = SessionId::parse(SID).unwrap();
        let options = builder().resave(false).genid(move || id.clone());
        let options = match row["proxy"].as_bool() {
            Some(proxy) => options.proxy(proxy),
            None => options,
        };
        options.trust_proxy(match &row["express_trust_proxy"] {
            Value::Bool(true) => TrustProxy::Always,
            Value::Bool(false) => TrustProxy::Never,
            other => untranslatable(format_args!("unknown trust {other}")),
        })
    };
    let mut head = Head::new().tls(row["tls"].as_bool().unwrap());
    for value in row["x_forwarded_proto"].as_array().into_iter().flatten() {
        head = head.header("x-forwarded-proto", value.as_str().unwrap());
    }
    let cookie = |options: CookieOptions| {
        let manager = manager(base().cookie(options), &Spy::new()).unwrap();
        let session = now_or_never(manager.begin(&head)).unwrap().unwrap();
        now_or_never(session.finish()).unwrap().set_cookie
    };
    let sent = cookie(CookieOptions::new().secure(Secure::Yes)).is_some();
    assert_eq!(sent, row["secure_true_sent"].as_bool().unwrap());
    let auto = cookie(CookieOptions::new().secure(Secure::Auto).same_site(SameSiteOption::Auto));
    assert_eq!(auto.as_deref(), row["auto_set_cookie"].as_str());
}
