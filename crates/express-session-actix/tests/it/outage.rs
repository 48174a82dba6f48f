//! A store that fails: what the visitor gets is the outage policy's, and nothing is pretended.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use actix_test::TestServer;
use actix_web::{App, web};
use express_session_actix::{Error, Session, SessionMiddleware, StoreOutage};

use crate::client::{Visitor, options};
use crate::stores::{SwitchStore, Switches};

fn server(store: &SwitchStore, policy: StoreOutage) -> TestServer {
    let store = store.clone();
    actix_test::start(move || {
        let built = options().store_outage(policy).store_timeout(Duration::from_millis(50)).build().unwrap();
        App::new()
            .wrap(SessionMiddleware::new(store.clone(), built))
            .route(
                "/put",
                web::get().to(|session: Session| async move {
                    session.insert("n", 1).unwrap();
                    "put"
                }),
            )
            .route(
                "/read",
                web::get()
                    .to(|session: Session| async move { format!("{:?}", session.get::<u64>("n").unwrap()) }),
            )
    })
}

#[actix_rt::test]
async fn a_failed_read_is_answered_by_the_policy_and_the_session_survives() {
    for (policy, status, body) in [
        (StoreOutage::Error, 500, ""),
        (StoreOutage::ServiceUnavailable, 503, ""),
        (StoreOutage::WithoutSession, 200, "None"),
    ] {
        let store = SwitchStore::new();
        let server = server(&store, policy);
        let visitor = Visitor::default();
        visitor.get(&server, "/put").await;
        store.switches.down.store(true, SeqCst);
        let down = visitor.get(&server, "/read").await;
        assert_eq!((down.status, &*down.body, down.cookies.len()), (status, body, 0), "{policy:?}");
        assert_eq!(down.header("retry-after"), if status == 503 { "1" } else { "" });
        store.switches.down.store(false, SeqCst);
        assert_eq!(visitor.get(&server, "/read").await.body, "Some(1)", "{policy:?}");
    }
}

#[actix_rt::test]
async fn going_on_without_a_session_lets_its_verbs_work_on_a_passing_one() {
    let store = SwitchStore::new();
    let kept = store.clone();
    let server = actix_test::start(move || {
        let built = options().store_outage(StoreOutage::WithoutSession).build().unwrap();
        App::new().wrap(SessionMiddleware::new(store.clone(), built)).route(
            "/",
            web::get().to(|session: Session| async move {
                let n = session
                    .transaction(|data| {
                        let n = data.get::<u64>("n")?.unwrap_or(0) + 1;
                        data.insert("n", n)?;
                        Ok(n)
                    })
                    .await?;
                session.save().await?;
                let reloaded = session.reload().await.is_ok();
                Ok::<_, Error>(format!("{n} {reloaded}"))
            }),
        )
    });
    let visitor = Visitor::default();
    // Only a visitor with a session meets the store; a forged id never does.
    let cookie =
        express_session_actix::core::Secrets::new([crate::client::SECRET]).unwrap().cookie_value("id");
    visitor.set_cookie("connect.sid", &cookie);
    kept.switches.down.store(true, SeqCst);
    kept.switches.read_only.store(true, SeqCst);
    let reply = visitor.get(&server, "/").await;
    assert_eq!((reply.status, &*reply.body, reply.cookies.len()), (200, "1 false", 0));
}

/// A page may go on without a session, a logout may not.
#[actix_rt::test]
async fn what_ends_a_session_fails_loudly_under_every_policy() {
    for policy in [StoreOutage::Error, StoreOutage::ServiceUnavailable, StoreOutage::WithoutSession] {
        let store = SwitchStore::new();
        let switches = Arc::clone(&store.switches);
        let server = actix_test::start(move || {
            let built = options().store_outage(policy).build().unwrap();
            App::new()
                .wrap(SessionMiddleware::new(store.clone(), built))
                .route(
                    "/put",
                    web::get().to(|session: Session| async move {
                        session.insert("n", 1).unwrap();
                        "put"
                    }),
                )
                .route(
                    "/end/{how}",
                    web::get().to(|how: web::Path<String>, session: Session| async move {
                        match how.as_str() {
                            "destroy" => session.destroy().await?,
                            "purge" => session.purge().await?,
                            _ => session.regenerate().await?,
                        }
                        Ok::<_, Error>("ended")
                    }),
                )
                .route(
                    "/read",
                    web::get().to(|session: Session| async move {
                        format!("{:?}", session.get::<u64>("n").unwrap())
                    }),
                )
        });
        for how in ["destroy", "purge", "regenerate"] {
            // The session could be read and not be ended, or not even be read.
            for down in [false, true] {
                let visitor = Visitor::default();
                visitor.get(&server, "/put").await;
                let cookie = visitor.cookie("connect.sid").unwrap();
                switches.read_only.store(true, SeqCst);
                switches.down.store(down, SeqCst);
                let reply = visitor.get(&server, &format!("/end/{how}")).await;
                switches.read_only.store(false, SeqCst);
                switches.down.store(false, SeqCst);
                let case = format!("{policy:?}, {how}, down: {down}");
                assert!(reply.status >= 500, "{case}: {}", reply.status);
                let handler_ran = policy == StoreOutage::WithoutSession || !down;
                let removed = how == "purge" && handler_ran;
                assert_eq!(visitor.cookie("connect.sid").is_none(), removed, "{case}: the browser's cookie");
                visitor.set_cookie("connect.sid", &cookie);
                assert_eq!(visitor.get(&server, "/read").await.body, "Some(1)", "{case}: it was not ended");
            }
        }
    }
}

/// The case in which two copies of a session once disagreed: after a failed `regenerate` the handler goes on.
#[actix_rt::test]
async fn after_a_failed_regenerate_nothing_of_the_old_visitor_is_stored() {
    let store = SwitchStore::new();
    let kept = store.clone();
    let server = actix_test::start(move || {
        let built = options().build().unwrap();
        App::new()
            .wrap(SessionMiddleware::new(store.clone(), built).share_with_actix_session())
            .route(
                "/cart",
                web::get().to(|session: Session| async move {
                    session.insert("cart", "theirs").unwrap();
                    "put"
                }),
            )
            .route(
                "/login",
                web::get().to(|session: Session, switches: web::Data<Switches>| async move {
                    switches.destroy_fails.store(true, SeqCst);
                    assert!(session.regenerate().await.is_err());
                    session.insert("user", "hello").unwrap();
                    "in"
                }),
            )
            .app_data(web::Data::from(Arc::clone(&store.switches)))
    });
    let visitor = Visitor::default();
    visitor.get(&server, "/cart").await;
    let old = visitor.cookie("connect.sid").unwrap();
    visitor.get(&server, "/login").await;
    let new = visitor.cookie("connect.sid").unwrap();
    assert_ne!(new, old);
    let id = express_session_actix::SessionId::parse(&new[4..36]).unwrap();
    let stored = kept.document(&id).unwrap();
    assert!(stored.contains(r#""user":"hello""#) && !stored.contains("cart"), "{stored}");
}

#[actix_rt::test]
async fn a_failed_save_sends_no_cookie() {
    for (policy, status) in [
        (StoreOutage::Error, 500),
        (StoreOutage::ServiceUnavailable, 503),
        (StoreOutage::WithoutSession, 200),
    ] {
        let store = SwitchStore::new();
        let server = server(&store, policy);
        store.switches.read_only.store(true, SeqCst);
        let reply = Visitor::default().get(&server, "/put").await;
        assert_eq!((reply.status, reply.cookies.len()), (status, 0), "{policy:?}");
    }
}

#[actix_rt::test]
async fn a_store_that_hangs_is_given_up_after_the_timeout() {
    let store = SwitchStore::new();
    let server = server(&store, StoreOutage::ServiceUnavailable);
    let visitor = Visitor::default();
    visitor.get(&server, "/put").await;
    store.switches.hangs.store(true, SeqCst);
    assert_eq!(visitor.get(&server, "/read").await.status, 503);
    store.switches.hangs.store(false, SeqCst);
    assert_eq!(visitor.get(&server, "/read").await.body, "Some(1)");
}

#[actix_rt::test]
async fn the_store_is_called_once_to_read_and_once_to_write() {
    let store = SwitchStore::new();
    let server = server(&store, StoreOutage::Error);
    let visitor = Visitor::default();
    let calls = || store.switches.calls.swap(0, SeqCst);
    visitor.get(&server, "/put").await;
    assert_eq!(calls(), 1, "a new session: set");
    visitor.get(&server, "/read").await;
    assert_eq!(calls(), 2, "a live one that is read: get, touch");
    Visitor::default().get(&server, "/read").await;
    assert_eq!(calls(), 0, "a visitor without a cookie");
    let forger = Visitor::default();
    forger.set_cookie("connect.sid", "s%3Aguess.AAAA");
    forger.get(&server, "/read").await;
    assert_eq!(calls(), 0, "a forged cookie never reaches the store");
}
