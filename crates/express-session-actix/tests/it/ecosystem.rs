//! The ecosystem's extractor and actix-identity, unchanged, under our middleware.

use std::time::Duration;

use actix_identity::config::{IdentityMiddlewareBuilder, LogoutBehavior};
use actix_identity::{Identity, IdentityMiddleware};
use actix_session::Session as ActixSession;
use actix_test::TestServer;
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

/// An app with actix-identity, set up like this, on our middleware.
fn with_identity(identity: IdentityMiddlewareBuilder) -> TestServer {
    let store = memory();
    let login = |name: web::Path<String>, request: HttpRequest, session: ActixSession| async move {
        Identity::login(&request.extensions(), name.into_inner()).unwrap();
        format!("{:?}", session.status())
    };
    actix_test::start(move || {
        App::new()
            .wrap(identity.clone().build())
            .wrap(sessions(&store).share_with_actix_session())
            .route(
                "/",
                web::get().to(|session: ActixSession, user: Option<Identity>| async move {
                    session.update_or("n", 1_u64, |n| n + 1).unwrap();
                    let name = user.map_or_else(|| "nobody".to_owned(), |user| user.id().unwrap());
                    format!("{name} {}", session.get::<u64>("n").unwrap().unwrap())
                }),
            )
            .route("/login/{name}", web::get().to(login))
            .route(
                "/logout",
                web::get().to(|user: Identity| async move {
                    user.logout();
                    "out"
                }),
            )
            .route("/members", web::get().to(|_: Identity| async { "hello" }))
    })
}

/// A login keeps what the visitor has, under a new id; another login replaces the first.
#[actix_rt::test]
async fn a_login_of_actix_identity_keeps_the_session_and_replaces_the_last() {
    let server = with_identity(IdentityMiddleware::builder());
    let visitor = Visitor::default();
    assert_eq!(visitor.get(&server, "/members").await.status, 401);
    assert_eq!(visitor.get(&server, "/").await.body, "nobody 1");
    let mut seen = vec![visitor.cookie("connect.sid")];
    for (name, n) in [("ann", 2), ("bob", 3)] {
        assert_eq!(visitor.get(&server, &format!("/login/{name}")).await.body, "Renewed");
        assert!(!seen.contains(&visitor.cookie("connect.sid")), "{name}: a new id");
        seen.push(visitor.cookie("connect.sid"));
        assert_eq!(visitor.get(&server, "/").await.body, format!("{name} {n}"));
    }
    assert_eq!(visitor.get(&server, "/members").await.body, "hello");
}

#[actix_rt::test]
async fn a_logout_of_the_identity_alone_keeps_the_session() {
    let identity = IdentityMiddleware::builder()
        .logout_behavior(LogoutBehavior::DeleteIdentityKeys)
        .id_key("me")
        .login_unix_timestamp_key("since")
        .last_visit_unix_timestamp_key("last");
    let server = with_identity(identity);
    let visitor = Visitor::default();
    visitor.get(&server, "/login/ann").await;
    assert_eq!(visitor.get(&server, "/").await.body, "ann 1");
    visitor.get(&server, "/logout").await;
    assert_eq!(visitor.get(&server, "/").await.body, "nobody 2");
    assert_eq!(visitor.get(&server, "/members").await.status, 401);
}

/// The instants of the login and of the last visit are in our session: a deadline of none at all ends it with the
/// next request, one of an hour does not.
#[actix_rt::test]
async fn deadlines_of_actix_identity_end_the_session() {
    let ends_at_once = |hour: bool, builder: fn(Option<Duration>) -> IdentityMiddlewareBuilder| async move {
        let server = with_identity(builder(Some(Duration::from_hours(u64::from(hour)))));
        let visitor = Visitor::default();
        visitor.get(&server, "/login/ann").await;
        let status = visitor.get(&server, "/members").await.status;
        assert_eq!(visitor.cookie("connect.sid").is_none(), status == 401);
        status == 401
    };
    let login = |deadline| IdentityMiddleware::builder().login_deadline(deadline);
    let visit = |deadline| IdentityMiddleware::builder().visit_deadline(deadline);
    assert!(ends_at_once(false, login).await && !ends_at_once(true, login).await);
    assert!(ends_at_once(false, visit).await && !ends_at_once(true, visit).await);
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
