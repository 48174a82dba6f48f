//! The ecosystem's extractor and actix-identity, unchanged, under our middleware.

use actix_identity::{Identity, IdentityMiddleware};
use actix_session::Session as ActixSession;
use actix_web::{App, HttpMessage as _, HttpRequest, web};
use express_session_actix::{CookieOptions, Error, Session, SessionMiddleware};

use crate::client::{Visitor, memory, options, sessions};

#[actix_rt::test]
async fn the_ecosystems_extractor_works_unchanged() {
    let store = memory();
    let server = actix_test::start(move || {
        App::new().wrap(sessions(&store).share_with_actix_session()).route(
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
            .wrap(sessions(&store).share_with_actix_session())
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

/// What the ecosystem's extractor was shown and did not change overwrites nothing, however old it is.
#[actix_rt::test]
async fn a_stale_view_overwrites_nothing() {
    let store = memory();
    let server = actix_test::start(move || {
        App::new()
            .wrap(sessions(&store).share_with_actix_session())
            .route(
                "/both",
                web::get().to(|view: ActixSession, session: Session| async move {
                    session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1).await?;
                    session.remove("gone");
                    view.insert("seen", true).unwrap();
                    view.remove("shown");
                    Ok::<_, Error>("both")
                }),
            )
            .route(
                "/put",
                web::get().to(|session: Session| async move {
                    session.insert("n", 1).unwrap();
                    session.insert("gone", 1).unwrap();
                    session.insert("shown", 1).unwrap();
                    "put"
                }),
            )
            .route(
                "/all",
                web::get().to(|session: Session| async move { format!("{:?}", session.entries()) }),
            )
    });
    let visitor = Visitor::default();
    visitor.get(&server, "/put").await;
    assert_eq!(visitor.get(&server, "/both").await.body, "both");
    assert_eq!(visitor.get(&server, "/all").await.body, r#"[("n", "2"), ("seen", "true")]"#);
}

#[actix_rt::test]
async fn purge_and_reserved_keys_of_the_view_reach_the_session() {
    let store = memory();
    let kept = store.clone();
    let server = actix_test::start(move || {
        App::new()
            .wrap(sessions(&store).share_with_actix_session())
            .route(
                "/put",
                web::get().to(|view: ActixSession| async move {
                    view.insert("n", 1).unwrap();
                    "put"
                }),
            )
            .route(
                "/reserved",
                web::get().to(|view: ActixSession| async move {
                    view.insert("cookie", 1).unwrap();
                    "reserved"
                }),
            )
            .route(
                "/purge",
                web::get().to(|view: ActixSession| async move {
                    view.purge();
                    "purged"
                }),
            )
    });
    let visitor = Visitor::default();
    visitor.get(&server, "/put").await;
    assert_eq!(visitor.get(&server, "/reserved").await.status, 500);
    assert_eq!(kept.stats().sessions, 1);
    let purged = visitor.get(&server, "/purge").await;
    assert_eq!(purged.cookies.len(), 1);
    assert_eq!((visitor.cookie("connect.sid"), kept.stats().sessions), (None, 0));
}

/// Where nobody keeps the ecosystem's session, a change of it is an error and not lost without a word.
#[actix_rt::test]
async fn the_ecosystems_extractor_swallows_nothing() {
    let store = memory();
    let server = actix_test::start(move || {
        let write = || {
            web::get().to(|view: ActixSession| async move {
                view.insert("n", 1).unwrap();
                "written"
            })
        };
        let read = || web::get().to(|view: ActixSession| async move { format!("{:?}", view.entries()) });
        let admin = options().cookie(CookieOptions::new().path("/admin")).build().unwrap();
        App::new()
            .service(web::scope("/off").wrap(sessions(&store)).route("/w", write()).route("/r", read()))
            .service(web::scope("/beside").wrap(sessions(&store).beside_actix_session()).route("/w", write()))
            .service(
                web::scope("/uncovered")
                    .wrap(SessionMiddleware::new(store.clone(), admin).share_with_actix_session())
                    .route("/w", write()),
            )
    });
    let visitor = Visitor::default();
    let refused = visitor.get(&server, "/off/w").await;
    assert_eq!((refused.status, refused.cookies.len()), (500, 0));
    assert_eq!(visitor.get(&server, "/off/r").await.body, "{}");
    assert_eq!(visitor.get(&server, "/beside/w").await.status, 200);
    assert_eq!(visitor.get(&server, "/uncovered/w").await.status, 500);
}
