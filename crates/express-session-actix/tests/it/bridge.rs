//! Our stores under the stock middleware of actix-session.

use std::sync::atomic::Ordering;

use actix_session::config::{PersistentSession, TtlExtensionPolicy};
use actix_session::{Session as ActixSession, SessionExt as _, SessionMiddleware as StockMiddleware};
use actix_web::cookie::Key;
use actix_web::cookie::time::Duration;
use actix_web::{App, guard, web};
use express_session_actix::ActixStore;

use crate::client::{Visitor, memory};
use crate::stores::SwitchStore;

#[actix_rt::test]
async fn the_stock_middleware_keeps_its_sessions_in_our_store() {
    let store = memory();
    let kept = store.clone();
    let server = actix_test::start(move || {
        let key = Key::from(&[7; 64]);
        App::new()
            .wrap(StockMiddleware::builder(ActixStore::new(store.clone()), key).cookie_secure(false).build())
            .route("/", web::get().to(count))
            .configure(ends)
    });
    let visitor = Visitor::default();
    assert_eq!(visitor.get(&server, "/").await.body, "1");
    assert_eq!(visitor.get(&server, "/").await.body, "2");
    visitor.get(&server, "/renew").await;
    assert_eq!(visitor.get(&server, "/").await.body, "3");
    assert_eq!(kept.stats().sessions, 1);
    visitor.get(&server, "/purge").await;
    assert_eq!(kept.stats().sessions, 0);
    assert_eq!(visitor.get(&server, "/").await.body, "1");
}

async fn count(session: ActixSession) -> String {
    let n = session.get::<u64>("n").unwrap().unwrap_or(0) + 1;
    session.insert("n", n).unwrap();
    n.to_string()
}

/// The pages that end an id.
fn ends(app: &mut web::ServiceConfig) {
    app.route(
        "/renew",
        web::get().to(|session: ActixSession| async move {
            session.renew();
            "renewed"
        }),
    )
    .route(
        "/purge",
        web::get().to(|session: ActixSession| async move {
            session.purge();
            "purged"
        }),
    );
}

async fn look(session: ActixSession) -> String {
    format!("{:?}", session.get::<u64>("n").unwrap())
}

/// A cookie from before a renew or a purge finds nothing, and nothing is made for whoever comes with it.
#[actix_rt::test]
async fn an_old_cookie_of_the_stock_middleware_is_worthless() {
    let store = memory();
    let kept = store.clone();
    let server = actix_test::start(move || {
        let store = ActixStore::new(store.clone());
        App::new()
            .wrap(StockMiddleware::builder(store, Key::from(&[7; 64])).cookie_secure(false).build())
            .route("/", web::get().to(count))
            .route("/look", web::get().to(look))
            .configure(ends)
    });
    let visitor = Visitor::default();
    for end in ["/renew", "/purge"] {
        visitor.get(&server, "/").await;
        let old = visitor.cookie("id").unwrap();
        visitor.get(&server, end).await;
        assert_ne!(visitor.cookie("id"), Some(old.clone()), "{end}");
        let thief = Visitor::default();
        thief.set_cookie("id", &old);
        let reply = thief.get(&server, "/look").await;
        assert_eq!((&*reply.body, reply.cookies.len()), ("None", 0), "{end}");
    }
    assert_eq!(kept.stats().sessions, 0);
}

/// The stock middleware decides how long a session lives and when its life begins anew; the store follows.
#[actix_rt::test]
async fn the_life_that_the_stock_middleware_gives_is_the_stored_one() {
    for (policy, calls_of_a_read) in
        [(TtlExtensionPolicy::OnStateChanges, 1), (TtlExtensionPolicy::OnEveryRequest, 2)]
    {
        let (extends, store) = (calls_of_a_read == 2, SwitchStore::new());
        let kept = store.clone();
        let server = actix_test::start(move || {
            let life = PersistentSession::default()
                .session_ttl(Duration::seconds(100))
                .session_ttl_extension_policy(policy.clone());
            let stock = StockMiddleware::builder(ActixStore::new(store.clone()), Key::from(&[7; 64]));
            App::new()
                .wrap(stock.cookie_secure(false).session_lifecycle(life).build())
                .route("/", web::get().to(count))
                .route("/look", web::get().to(look))
        });
        let visitor = Visitor::default();
        let is_whole = |cookies: &[String]| cookies.iter().any(|cookie| cookie.contains("; Max-Age=100"));
        assert!(is_whole(&visitor.get(&server, "/").await.cookies));
        let all = kept.all().await;
        assert!(all[0].contains(r#""originalMaxAge":100000"#), "{all:?}");
        let before = kept.switches.calls.load(Ordering::SeqCst);
        let reply = visitor.get(&server, "/look").await;
        assert_eq!((&*reply.body, is_whole(&reply.cookies)), ("Some(1)", extends));
        assert_eq!(kept.switches.calls.load(Ordering::SeqCst) - before, calls_of_a_read);
    }
}

#[actix_rt::test]
async fn a_guard_sees_what_is_in_our_store() {
    let store = memory();
    let server = actix_test::start(move || {
        let stock = StockMiddleware::builder(ActixStore::new(store.clone()), Key::from(&[7; 64]));
        let known = guard::fn_guard(|request| request.get_session().get::<u64>("n").unwrap().is_some());
        App::new()
            .wrap(stock.cookie_secure(false).build())
            .route("/", web::get().to(count))
            .service(web::scope("/known").guard(known).route("/look", web::get().to(look)))
    });
    let visitor = Visitor::default();
    assert_eq!(visitor.get(&server, "/known/look").await.status, 404);
    visitor.get(&server, "/").await;
    assert_eq!(visitor.get(&server, "/known/look").await.body, "Some(1)");
}
