//! Ids, secrets and data appear in no `Debug`, no error text and no error's sources.

use std::error::Error;
use std::fmt::{Debug, Write as _};

use express_session_core::{Cookie, Data, Document, Options, Revision, SessionId, SessionManager, Stored};
use serde_json::json;

use crate::support::now_or_never;
use crate::support::options::manager;
use crate::support::request::Head;
use crate::support::spy::Spy;

const ID: &str = "the-id-that-names-the-session";
const SECRET: &str = "the secret of at least 32 bytes, as it should be";
const RECORD: &str = r#"{"cookie":{"path":"/"},"card":"4111-1111","note":"private words"}"#;

/// Fails if anything that `shown` was made from shines through.
fn is_opaque(what: &str, shown: &str) {
    for part in [ID, SECRET, "the secret", "4111", "private", "card", "note"] {
        assert!(!shown.contains(part), "{what} shows {part:?}: {shown}");
    }
    assert!(!shown.is_empty());
}

fn debug(what: &str, value: &dyn Debug) {
    is_opaque(what, &format!("{value:?} {value:#?}"));
}

fn error(what: &str, error: &dyn Error) {
    let mut shown = format!("{error:?} {error:#?} {error}");
    let mut next = error.source();
    while let Some(source) = next {
        write!(shown, " {source:?} {source}").unwrap();
        next = source.source();
    }
    is_opaque(what, &shown);
}

fn options() -> express_session_core::OptionsBuilder {
    Options::express([SECRET]).resave(false)
}

fn sessions(document: &str) -> (Spy, SessionManager) {
    let spy = Spy::new().with(ID, document);
    let manager = manager(options(), &spy).unwrap();
    (spy, manager)
}

#[test]
fn debug_shows_what_things_are_not_what_they_hold() {
    let (_, manager) = sessions(RECORD);
    let session = now_or_never(manager.begin(&Head::new().with_session_signed(ID, SECRET))).unwrap().unwrap();
    assert_eq!(session.id().as_str(), ID);
    debug("SessionManager", &manager);
    debug("Session", &session);
    debug("CookieMut", &session.cookie_mut());
    debug("Cookie", &session.cookie());
    debug("Data", &session.data());
    debug("SessionId", &session.id());
    session.insert("n", 1).unwrap();
    session.renew();
    let finished = now_or_never(session.finish()).unwrap();
    assert!(finished.set_cookie.is_some());
    debug("Finished", &finished);
    debug("Session", &session);
    debug("OptionsBuilder", &options());
    debug("Options", &options().build().unwrap());
    let record = Document::parse(RECORD).unwrap().unwrap();
    debug("Document", &record);
    debug("Data", &Data::of(record.clone()));
    debug("Revision", &Revision::of_bytes(RECORD.as_bytes()));
    debug("Stored", &Stored::new(record, Revision::of_bytes(RECORD.as_bytes())));
    let secrets = express_session_core::Secrets::new([SECRET]).unwrap();
    debug("Secrets", &secrets);
    let signed = secrets.sign(ID);
    debug("Verified", &secrets.unsign(&signed).unwrap());
    let head = Head::new().with_session_signed(ID, SECRET);
    debug("PendingSession", &manager.begin_lazily(&head).unwrap());
}

#[test]
fn errors_say_what_failed_not_on_what() {
    let mut data = Data::new(Cookie::default());
    data.insert("card", "4111-1111").unwrap();
    error("Decode", &data.get::<u64>("card").unwrap_err());
    error("Decode", &data.get::<Vec<String>>("card").unwrap_err());
    error("Encode", &data.insert_raw("note", "{private words}").unwrap_err());
    error("ReservedKey", &data.insert("cookie", "private words").unwrap_err());
    for document in [
        r#"{"card":"4111"}"#,
        r#"{"cookie":"private words"}"#,
        r#"{"cookie":{"originalMaxAge":"4111"},"note":1}"#,
        r#"{"cookie":{},"card":4111-1111}"#,
        r#"["private words"]"#,
        r#""private words""#,
        "private words",
        r#"{"cookie":{},"card":"4111"#,
    ] {
        error("DecodeError", &Document::decode(document.as_bytes()).unwrap_err());
    }
    error("OptionsError", &Options::express(["the secret"]).build().unwrap_err());
    error("SessionIdError", &SessionId::parse(ID.repeat(1000)).unwrap_err());
}

#[test]
fn errors_of_verbs_are_opaque_down_to_their_sources() {
    now_or_never(async {
        for failing in ["get", "set", "touch", "destroy"] {
            let spy = Spy::new().with(ID, RECORD);
            let head = Head::new().with_session_signed(ID, SECRET);
            let session = manager(options(), &spy).unwrap().begin(&head).await.unwrap().unwrap();
            let _ = spy.clone().failing(failing);
            for result in [session.reload().await, session.save().await, session.destroy().await] {
                if let Err(failed) = result {
                    error(failing, &failed);
                }
            }
        }
        let (spy, manager) = sessions(RECORD);
        let session = manager.begin(&Head::new().with_session_signed(ID, SECRET)).await.unwrap().unwrap();
        spy.meddle(|docs| drop(docs.insert(ID.into(), br#"{"card":"4111"}"#.to_vec())));
        session.insert("note", json!("other private words")).unwrap();
        error("a conflict with a record that cannot be read", &session.finish().await.unwrap_err());
        spy.meddle(std::collections::BTreeMap::clear);
        error("Gone", &session.save().await.unwrap_err());
        error("NoSession", &session.save().await.unwrap_err());
    });
}

#[test]
fn values_of_other_cookies_are_not_read() {
    let values =
        express_session_core::testing::cookie_values(b"card=4111; connect.sid=x; note=y", "connect.sid");
    assert_eq!(values, ["x"]);
}
