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
    CookieOptions, Expect, Options, Record, RequestHead, Revision, Secrets, SessionId, SessionManager,
    SessionStore, SetOutcome, StoreError, Stored, TouchHint, TouchOutcome,
};

type Sessions = HashMap<SessionId, (u64, Arc<[u8]>)>;

/// The least a store can do: bytes by id, with a revision.
#[derive(Debug, Default)]
struct Least(Mutex<Sessions>);

impl SessionStore for Least {
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>, StoreError> {
        let found = self.0.lock().unwrap().get(id).cloned();
        let Some((revision, bytes)) = found else { return Ok(None) };
        Ok(Record::decode(&bytes)?.map(|record| Stored::new(record, Revision::of_number(revision))))
    }
    async fn get_and_touch(&self, id: &SessionId, _: TouchHint<'_>) -> Result<Option<Stored>, StoreError> {
        self.get(id).await
    }
    async fn set(&self, id: &SessionId, record: &Record, _: Expect<'_>) -> Result<SetOutcome, StoreError> {
        let bytes = record.encode().into_bytes().into();
        let mut sessions = self.0.lock().unwrap();
        let entry = sessions.entry(id.clone()).or_default();
        *entry = (entry.0 + 1, bytes);
        Ok(SetOutcome::Written(Revision::of_number(entry.0)))
    }
    async fn touch(&self, _: &SessionId, _: &Record) -> Result<TouchOutcome, StoreError> {
        Ok(TouchOutcome::Touched)
    }
    async fn destroy(&self, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.0.lock().unwrap().remove(id).is_some())
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
    fn header_values<'a>(&'a self, name: &str) -> Box<dyn Iterator<Item = &'a [u8]> + 'a> {
        Box::new((name == "cookie").then_some(self.0.as_bytes()).into_iter())
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
        let options = Options::builder([SECRET])
            .resave(false)
            .save_uninitialized(false)
            .cookie(cookie)
            .build()
            .unwrap();
        let manager = SessionManager::new(options, Least::default());
        let new = ready(manager.begin(&Request(String::new()))).unwrap().unwrap();
        new.insert("n", &0).unwrap();
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
                session.insert("n", &(n + 1)).unwrap();
                ready(session.finish()).unwrap()
            });
        });
        criterion.bench_function(&format!("counter in a transaction, {name}"), |bencher| {
            bencher.iter(|| {
                let session = ready(manager.begin(&request)).unwrap().unwrap();
                ready(session.transaction(|data| {
                    let n = data.get::<u64>("n")?.unwrap_or(0) + 1;
                    data.insert("n", &n)?;
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
