//! The ecosystem's extractor and actix-identity, unchanged, under our middleware.

use actix_identity::{Identity, IdentityMiddleware};
use actix_session::Session as ActixSession;
use actix_web::{App, HttpMessage as _, HttpRequest, web};

use crate::client::{Visitor, memory, sessions};

#[actix_rt::test]
async fn the_ecosystems_extractor_works_unchanged() {
    let store = memory();
    let server = actix_test::start(move || {
        App::new().wrap(sessions(&store)).route(
            "/",
            web::get().to(|session: ActixSession| async move {
                session.update_or("n", 1_u64, |n: u64| n + 1).unwrap();
                format!("{:?}", session.get::<u64>("n").unwrap())
            }),
        )
    });
    let visitor = Visitor::default();
    assert_eq!(visitor.get(&server, "/").await.body, "Some(1)");
    // `update` does not mark actix-session's own session as changed; the change is kept all the same.
    assert_eq!(visitor.get(&server, "/").await.body, "Some(2)");
    assert_eq!(visitor.get(&server, "/").await.body, "Some(3)");
}

#[actix_rt::test]
async fn actix_identity_logs_in_and_out() {
    let store = memory();
    let kept = store.clone();
    let server = actix_test::start(move || {
        App::new()
            .wrap(IdentityMiddleware::default())
            .wrap(sessions(&store))
            .route(
                "/",
                web::get().to(|session: ActixSession, user: Option<Identity>| async move {
                    session.insert("seen", true).unwrap();
                    user.map_or_else(|| "nobody".to_owned(), |user| user.id().unwrap())
                }),
            )
            .route(
                "/login",
                web::get().to(|request: HttpRequest| async move {
                    Identity::login(&request.extensions(), "hello".into()).unwrap();
                    "in"
                }),
            )
            .route(
                "/logout",
                web::get().to(|user: Identity| async move {
                    user.logout();
                    "out"
                }),
            )
    });
    let visitor = Visitor::default();
    assert_eq!(visitor.get(&server, "/").await.body, "nobody");
    let anonymous = visitor.cookie("connect.sid").unwrap();
    visitor.get(&server, "/login").await;
    let logged_in = visitor.cookie("connect.sid").unwrap();
    assert_ne!(logged_in, anonymous, "a login changes the id");
    assert_eq!(visitor.get(&server, "/").await.body, "hello");
    assert_eq!(kept.stats().sessions, 1);
    visitor.get(&server, "/logout").await;
    assert_eq!(visitor.cookie("connect.sid"), None);
    assert_eq!(visitor.get(&server, "/").await.body, "nobody");
    let thief = Visitor::default();
    thief.set_cookie("connect.sid", &logged_in);
    assert_eq!(thief.get(&server, "/").await.body, "nobody", "the old cookie is worthless");
}
