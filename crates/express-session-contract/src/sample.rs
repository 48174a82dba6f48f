//! Records to store, and what clauses say about what they find. For the clauses only.

use std::future::Future;
use std::time::Duration;

use express_session_core::{
    Cookie, Data, Document, Expect, Revision, SessionId, SessionStore as _, SetOutcome, Stored,
};

use crate::Harness;

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
/// The life of sample records.
pub(crate) const HOUR: Duration = Duration::from_hours(1);
/// Longer than any store's default life.
pub(crate) const LONG: Duration = Duration::from_hours(24 * 400);

pub(crate) fn new_id() -> SessionId {
    SessionId::generate()
}

pub(crate) fn id(text: impl AsRef<str>) -> SessionId {
    SessionId::parse(text).expect("the id is not empty and not too long")
}

pub(crate) fn written(outcome: SetOutcome) -> Revision {
    match outcome {
        SetOutcome::Written(revision) => revision,
        SetOutcome::Conflict(_) => panic!("the write met a conflict, expected it to be written"),
        SetOutcome::Gone => panic!("the write was told that the session is gone, expected it to be written"),
    }
}

pub(crate) fn conflict(outcome: SetOutcome) -> Stored {
    match outcome {
        SetOutcome::Conflict(stored) => *stored,
        SetOutcome::Written(_) => panic!("the record was written, expected a conflict"),
        SetOutcome::Gone => panic!("the write was told that the session is gone, expected a conflict"),
    }
}

pub(crate) fn assert_gone(outcome: &SetOutcome, when: &str) {
    assert!(matches!(outcome, SetOutcome::Gone), "a write {when} must be told that the session is gone");
}

/// What every harness can do, built from its few abilities.
pub(crate) trait HarnessExt: Harness {
    /// A cookie as an app would make it; `None` lives as long as the browser is open.
    fn cookie(&self, max_age: Option<Duration>) -> Cookie {
        let mut cookie = Cookie::default();
        cookie.set_max_age(max_age, self.clock().now());
        cookie
    }

    /// A record that lives an hour and holds these members, given as JSON texts.
    fn document(&self, members: &[(&str, &str)]) -> Document {
        self.document_for(Some(HOUR), members)
    }

    fn document_for(&self, max_age: Option<Duration>, members: &[(&str, &str)]) -> Document {
        let mut data = Data::new(self.cookie(max_age));
        for (key, json) in members {
            data.insert_raw(key, json).expect("the sample is JSON");
        }
        data.encode()
    }

    fn put(&self, id: &SessionId, document: &Document) -> impl Future<Output = Revision> + Send {
        async {
            let outcome = self.store().set(id, document, Expect::Any).await;
            written(outcome.expect("a blind write succeeds"))
        }
    }

    fn find(&self, id: &SessionId) -> impl Future<Output = Option<Stored>> + Send {
        async { self.store().get(id).await.expect("get succeeds") }
    }

    fn read(&self, id: &SessionId) -> impl Future<Output = Stored> + Send {
        async { self.find(id).await.expect("the session is there") }
    }

    /// The data of a record with their exact texts, without what the store's format adds.
    fn members(&self, document: &Document) -> Vec<(String, String)> {
        let added = |key: &str| Self::OWN_KEYS.contains(&key);
        let entries = document.entries().filter(|(key, _)| !added(key));
        entries.map(|(key, text)| (key.into_owned(), text.to_owned())).collect()
    }

    /// The data of the stored document.
    fn raw_members(&self, id: &SessionId) -> impl Future<Output = Vec<(String, String)>> + Send {
        async {
            let bytes = self.get_raw(id).await.expect("a document is stored");
            let document = Document::decode(&bytes).expect("the document can be decoded");
            self.members(&document.expect("the document is a session"))
        }
    }
}

impl<H: Harness> HarnessExt for H {}
