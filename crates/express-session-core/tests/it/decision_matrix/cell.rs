//! One recorded request, and the same request to us.

use std::collections::BTreeMap;

use express_session_core::{
    CookieOptions, Document, Finished, Secrets, Session, SessionError, SessionId, SessionManager, Unset,
};
use express_session_testbed::vectors::{file, name, translated, untranslatable};
use serde_json::Value;

use crate::support::options::{builder, manager, numbered_ids};
use crate::support::request::Head;
use crate::support::spy::{Docs, Spy};
use crate::support::{NOW, SECRET};

/// One recorded request.
pub(super) struct Cell {
    pub(super) name: String,
    pub(super) resave: bool,
    pub(super) save_uninitialized: bool,
    pub(super) rolling: bool,
    pub(super) unset: Unset,
    pub(super) max_age: Option<u64>,
    pub(super) request: String,
    pub(super) action: String,
    pub(super) node: Outcome,
    pub(super) node_calls: Vec<(String, String, Option<String>)>,
}

/// What is compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) failed: bool,
    /// The id in the `Set-Cookie` header and how many seconds from now it expires.
    pub(super) cookie: Option<(String, Option<i64>)>,
    pub(super) docs: BTreeMap<String, String>,
}

pub(super) fn cells(list: &str, complaints: &mut Vec<String>) -> Vec<Cell> {
    let file = file("decision-matrix.json");
    let docs = file["docs"].as_array().unwrap();
    let rows = file[list].as_array().unwrap();
    assert!(!rows.is_empty());
    let read = |row: &Value| translated(name(row), complaints, || Cell::read(row, docs));
    rows.iter().filter_map(read).collect()
}

impl Cell {
    fn read(row: &Value, docs: &[Value]) -> Self {
        let text = |column: usize| row[column].as_str().unwrap().to_owned();
        let node_calls = row[8].as_array().unwrap().iter().map(|call| {
            let doc = call[2]
                .as_u64()
                .map(|index| docs[usize::try_from(index).unwrap()].as_str().unwrap().to_owned());
            (call[0].as_str().unwrap().to_owned(), call[1].as_str().unwrap().to_owned(), doc)
        });
        let mut cell = Self {
            name: text(0),
            resave: row[1].as_bool().unwrap(),
            save_uninitialized: row[2].as_bool().unwrap(),
            rolling: row[3].as_bool().unwrap(),
            unset: if row[4] == "destroy" { Unset::Destroy } else { Unset::Keep },
            max_age: row[5].as_u64(),
            request: text(6),
            action: text(7),
            node: Outcome::default(),
            node_calls: node_calls.collect(),
        };
        cell.node = Outcome {
            failed: row[12] == 500,
            cookie: row[9].as_str().map(|id| (id.to_owned(), row[10].as_i64())),
            docs: cell.node_content(),
        };
        cell
    }

    /// Whether the request's cookie names a session that the store hands out.
    pub(super) fn is_loaded(&self) -> bool {
        matches!(&*self.request, "live" | "expired_but_returned")
    }

    pub(super) fn stored(&self) -> Option<String> {
        let expired = r#"{"cookie":{"originalMaxAge":60000,"expires":"2030-01-02T03:04:04.678Z","httpOnly":true,"path":"/"},"n":1}"#;
        let cookie = match self.max_age {
            Some(_) => {
                r#"{"originalMaxAge":60000,"expires":"2030-01-02T03:04:35.678Z","httpOnly":true,"path":"/"}"#
            }
            None => r#"{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}"#,
        };
        match &*self.request {
            "none" | "unknown" => None,
            "live" | "tampered" => Some(format!(r#"{{"cookie":{cookie},"n":1}}"#)),
            "expired" | "expired_but_returned" => Some(expired.to_owned()),
            other => untranslatable(format_args!("unknown request {other}")),
        }
    }

    /// What Node's calls leave behind: `set` stores the document, `touch` replaces its cookie.
    fn node_content(&self) -> BTreeMap<String, String> {
        let mut docs: BTreeMap<String, String> =
            self.stored().into_iter().map(|doc| ("SID".to_owned(), doc)).collect();
        for (operation, id, doc) in &self.node_calls {
            if self.fails(operation) {
                continue;
            }
            match (&**operation, doc) {
                ("get", _) => {}
                ("set", Some(doc)) => {
                    docs.insert(id.clone(), doc.clone());
                }
                ("touch", cookie) => {
                    if let (Some(present), Some(cookie)) = (docs.get_mut(id), cookie) {
                        let cookie = format!(r#"{{"cookie":{cookie}}}"#);
                        let document = Document::parse(&**present).unwrap().unwrap();
                        let touched = Document::parse(cookie).unwrap().unwrap();
                        document.with_cookie(touched.cookie()).text().clone_into(present);
                    }
                }
                ("destroy", _) => {
                    docs.remove(id);
                }
                other => untranslatable(format_args!("unknown store call {other:?}")),
            }
        }
        docs
    }

    /// Which store operation fails in this cell.
    pub(super) fn failing(&self) -> Option<&'static str> {
        let rest = self.name.strip_prefix("store error in ")?;
        ["get ENOENT", "get", "set", "touch", "destroy"]
            .into_iter()
            .find(|operation| rest.starts_with(operation))
    }

    fn fails(&self, operation: &str) -> bool {
        self.failing()
            .is_some_and(|failing| failing == operation || (operation == "get" && failing == "get ENOENT"))
    }

    fn manager(&self, spy: &Spy) -> SessionManager {
        let mut cookie = CookieOptions::new();
        if let Some(ms) = self.max_age {
            cookie = cookie.max_age(std::time::Duration::from_millis(ms));
        }
        let options = numbered_ids(builder())
            .cookie(cookie)
            .resave(self.resave)
            .save_uninitialized(self.save_uninitialized)
            .rolling(self.rolling)
            .unset(self.unset);
        manager(options, spy).unwrap()
    }

    fn spy(&self) -> Spy {
        let mut spy = Spy::new().returning_expired(self.request == "expired_but_returned");
        if let Some(doc) = self.stored() {
            spy = spy.with("SID", doc);
        }
        match self.failing() {
            // Node's code for "there is no such session"; ours is `None`.
            Some("get ENOENT") => spy.meddle(Docs::clear),
            Some(operation) => spy = spy.failing(operation),
            None => {}
        }
        spy
    }

    fn head(&self) -> Head {
        match &*self.request {
            "none" => Head::new(),
            "tampered" => {
                let mut head = Head::new().with_session("SID");
                let value = &mut head.headers[0].1;
                let last = value.last_mut().unwrap();
                *last = if *last == b'A' { b'B' } else { b'A' };
                head
            }
            _ => Head::new().with_session("SID"),
        }
    }

    /// The same request to us: what became of it, and the calls our store saw.
    pub(super) async fn ours(&self) -> (Outcome, Vec<&'static str>) {
        let spy = self.spy();
        let manager = self.manager(&spy);
        let mut failed = false;
        let mut cookie = None;
        match manager.begin(&self.head()).await {
            Err(_) => failed = true,
            Ok(None) => panic!("the path matches"),
            Ok(Some(session)) => {
                failed |= act(&session, &self.action).await.is_err();
                match session.finish().await {
                    Ok(Finished { set_cookie, cookie_error, .. }) => {
                        assert_eq!(cookie_error, None);
                        cookie = set_cookie.map(|text| read_cookie(&text, &session.id()));
                    }
                    Err(_) => failed = true,
                }
            }
        }
        let mut docs = spy.docs();
        if self.failing() == Some("get ENOENT") {
            // It was there all the time, only this request was told otherwise.
            docs.extend(self.stored().map(|doc| ("SID".to_owned(), doc)));
        }
        (Outcome { failed, cookie, docs }, spy.calls())
    }
}

/// Source: `source.actions_js` and, without the early `res.write`, `source.streamed_actions_js`.
async fn act(session: &Session, action: &str) -> Result<(), SessionError> {
    let increment = || {
        let n = session.get::<f64>("n")?.unwrap_or(0.0);
        session.insert("n", n + 1.0)
    };
    match action {
        "nothing" | "write_nothing" => {}
        "modify" | "write_modify" | "modify_write" => increment()?,
        "modify_same" => {
            if let Some(n) = session.get::<Value>("n")? {
                session.insert("n", n)?;
            }
        }
        "touch" => session.touch(),
        "cookie_maxAge" => session.cookie_mut().set_max_age(Some(std::time::Duration::from_mins(2))),
        "save" => session.save().await?,
        "save_then_modify" => {
            session.save().await?;
            increment()?;
        }
        "modify_save" => {
            increment()?;
            session.save().await?;
        }
        "regenerate" => session.regenerate().await?,
        // The recorded handler ends the response whatever the callback got.
        "write_regenerate" => drop(session.regenerate().await),
        "regenerate_modify" => {
            session.regenerate().await?;
            session.insert("n", 1)?;
        }
        "destroy" => session.destroy().await?,
        "write_destroy" => drop(session.destroy().await),
        "set_null" | "write_set_null" => session.unset(),
        "reload" => session.reload().await?,
        "modify_reload" => {
            session.insert("n", 99)?;
            session.reload().await?;
        }
        other => untranslatable(format_args!("unknown action {other}")),
    }
    Ok(())
}

/// The id (which must be the session's, signed) and the seconds from now at which it expires.
fn read_cookie(text: &str, id: &SessionId) -> (String, Option<i64>) {
    let value = Secrets::new([SECRET]).unwrap().cookie_value(id.as_str());
    let attributes =
        text.strip_prefix(&format!("connect.sid={value}")).expect("the session's own id, signed");
    assert!(!attributes.contains("Max-Age"));
    let expires = attributes.split("; ").find_map(|attribute| attribute.strip_prefix("Expires="));
    let expires = expires.map(|date| {
        let at = time::OffsetDateTime::parse(date, &time::format_description::well_known::Rfc2822).unwrap();
        at.unix_timestamp() - NOW.0.div_euclid(1000)
    });
    (id.as_str().to_owned(), expires)
}
