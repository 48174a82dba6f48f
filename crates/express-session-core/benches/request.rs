//! What the session model costs per request, apart from any store and framework:
//! `cargo bench -p express-session-core`.
#![allow(missing_docs, clippy::unwrap_used, clippy::missing_panics_doc, reason = "a benchmark")]

use std::collections::HashMap;
use std::hint::black_box;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use express_session_core::{
    Cookie, CookieOptions, Document, Expect, Options, RequestHead, Revision, Secrets, SessionId,
    SessionManager, SessionStore, SetOutcome, StoreError, Stored, Successor, SupersedeOutcome, TouchHint,
    TouchOutcome,
};

type Sessions = HashMap<SessionId, (u64, Arc<str>)>;

/// The least a store can do: bytes by id, with a revision.
#[derive(Debug, Default)]
struct Least(Mutex<Sessions>);

impl SessionStore for Least {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        let found = self.0.lock().unwrap().get(id).cloned();
        let Some((revision, text)) = found else { return Ok(None) };
        Ok(Document::parse(text)?.map(|document| Stored::new(document, Revision::of_number(revision))))
    }
    async fn get_and_touch(&self, id: &SessionId, _: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        self.get(id).await
    }
    async fn set(
        &self,
        id: &SessionId,
        document: &Document,
        _: Expect<'_>,
    ) -> Result<SetOutcome, StoreError> {
        let mut sessions = self.0.lock().unwrap();
        let entry = sessions.entry(id.clone()).or_default();
        *entry = (entry.0 + 1, document.shared_text());
        Ok(SetOutcome::Written(Revision::of_number(entry.0)))
    }
    async fn set_for(
        &self,
        id: &SessionId,
        document: &Document,
        expect: Expect<'_>,
        _: Duration,
    ) -> Result<SetOutcome, StoreError> {
        self.set(id, document, expect).await
    }
    async fn touch(&self, _: &SessionId, _: &Document, _: &Cookie) -> Result<TouchOutcome, StoreError> {
        Ok(TouchOutcome::Touched)
    }
    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.0.lock().unwrap().remove(id).is_some())
    }
    async fn supersede(
        &self,
        id: &SessionId,
        _: Expect<'_>,
        _: Successor<'_>,
    ) -> Result<SupersedeOutcome, StoreError> {
        self.0.lock().unwrap().remove(id);
        Ok(SupersedeOutcome::Superseded)
    }
    async fn successor(&self, _: &SessionId) -> Result<Option<SessionId>, StoreError> {
        Ok(None)
    }
}

struct Request(String);

impl RequestHead for Request {
    fn path(&self) -> &'static str {
        "/"
    }
    fn is_tls(&self) -> bool {
        false
    }
    fn peer_addr(&self) -> Option<IpAddr> {
        None
    }
    fn headers(&self, name: &str, see: &mut dyn FnMut(&[u8])) {
        if name == "cookie" {
            see(self.0.as_bytes());
        }
    }
}

/// Nothing here ever waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the store does not wait"),
    }
}

fn requests(criterion: &mut Criterion) {
    const SECRET: &str = "a secret of at least 32 bytes, for a benchmark";
    let lifetimes = [("no maxAge", None), ("maxAge", Some(Duration::from_hours(24)))];
    for (name, max_age) in lifetimes {
        let mut cookie = CookieOptions::new();
        if let Some(max_age) = max_age {
            cookie = cookie.max_age(max_age);
        }
        let options = Options::express([SECRET])
            .resave(false)
            .save_uninitialized(false)
            .cookie(cookie)
            .build()
            .unwrap();
        let manager = SessionManager::new(Least::default(), options);
        let new = ready(manager.begin(&Request(String::new()))).unwrap().unwrap();
        new.insert("n", 0).unwrap();
        new.insert("user", "hello").unwrap();
        ready(new.finish()).unwrap();
        let cookie = Secrets::new([SECRET]).unwrap().cookie_value(new.id().as_str());
        let request = Request(format!("connect.sid={cookie}"));

        criterion.bench_function(&format!("read-only, {name}"), |bencher| {
            bencher.iter(|| {
                let session = ready(manager.begin(&request)).unwrap().unwrap();
                black_box(session.get::<u64>("n").unwrap());
                ready(session.finish()).unwrap()
            });
        });
        criterion.bench_function(&format!("counter, {name}"), |bencher| {
            bencher.iter(|| {
                let session = ready(manager.begin(&request)).unwrap().unwrap();
                let n = session.get::<u64>("n").unwrap().unwrap_or(0);
                session.insert("n", n + 1).unwrap();
                ready(session.finish()).unwrap()
            });
        });
        criterion.bench_function(&format!("counter in a transaction, {name}"), |bencher| {
            bencher.iter(|| {
                let session = ready(manager.begin(&request)).unwrap().unwrap();
                ready(session.transaction(|data| {
                    let n = data.get::<u64>("n")?.unwrap_or(0) + 1;
                    data.insert("n", n)?;
                    Ok(n)
                }))
                .unwrap();
                ready(session.finish()).unwrap()
            });
        });
    }
}

criterion_group!(benches, requests);
criterion_main!(benches);
