//! The option `lazy`: the store is called for those who ask.

use std::sync::atomic::Ordering::SeqCst;

use actix_web::{App, web};
use express_session_actix::{Error, Session, SessionMiddleware};

use crate::client::{Visitor, options};
use crate::stores::SwitchStore;

#[actix_rt::test]
async fn a_request_that_does_not_ask_for_its_session_costs_no_call() {
    let store = SwitchStore::new();
    let calls = std::sync::Arc::clone(&store.switches);
    let server = actix_test::start(move || {
        let lazy = options().lazy(true).rolling(true).build().unwrap();
        App::new()
            .wrap(SessionMiddleware::new(store.clone(), lazy))
            .route("/plain", web::get().to(|| async { "plain" }))
            .route(
                "/count",
                web::get().to(|session: Session, again: Session| async move {
                    session.insert("n", again.get::<u64>("n")?.unwrap_or(0) + 1)?;
                    Ok::<_, Error>(again.get::<u64>("n")?.unwrap_or(0).to_string())
                }),
            )
    });
    let visitor = Visitor::default();
    assert_eq!(visitor.get(&server, "/count").await.body, "1");
    calls.calls.store(0, SeqCst);
    let plain = visitor.get(&server, "/plain").await;
    assert_eq!((&*plain.body, plain.cookies.len(), calls.calls.swap(0, SeqCst)), ("plain", 0, 0));
    assert_eq!(visitor.get(&server, "/count").await.body, "2");
    assert_eq!(calls.calls.load(SeqCst), 2, "two extractors share one session: get, set");
}

#[actix_rt::test]
async fn a_failed_load_is_the_extractors_error() {
    let store = SwitchStore::new();
    let switches = std::sync::Arc::clone(&store.switches);
    let server = actix_test::start(move || {
        let lazy = options().lazy(true).build().unwrap();
        App::new()
            .wrap(SessionMiddleware::new(store.clone(), lazy))
            .route("/plain", web::get().to(|| async { "plain" }))
            .route(
                "/put",
                web::get().to(|session: Session| async move {
                    session.insert("n", 1).unwrap();
                    "put"
                }),
            )
    });
    let visitor = Visitor::default();
    visitor.get(&server, "/put").await;
    switches.down.store(true, SeqCst);
    assert_eq!(visitor.get(&server, "/plain").await.status, 200);
    assert_eq!(visitor.get(&server, "/put").await.status, 500);
}
