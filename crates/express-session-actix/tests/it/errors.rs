//! Handlers that fail: what they changed before is saved, as in express.

use actix_web::dev::Service as _;
use actix_web::error::{ErrorImATeapot, ErrorNotFound};
use actix_web::{App, HttpResponse, web};
use express_session_actix::{Error, Session};

use crate::client::{Visitor, memory, sessions};

async fn read(session: Session) -> String {
    format!("{:?}", session.get::<u64>("n").unwrap())
}

#[actix_rt::test]
async fn changes_before_a_handlers_error_are_saved() {
    let store = memory();
    let server = actix_test::start(move || {
        App::new().wrap(sessions(&store)).route("/read", web::get().to(read)).route(
            "/fail",
            web::get().to(|session: Session| async move {
                session.insert("n", 5).unwrap();
                Err::<HttpResponse, _>(ErrorNotFound("no such thing"))
            }),
        )
    });
    let visitor = Visitor::default();
    let failed = visitor.get(&server, "/fail").await;
    assert_eq!((failed.status, failed.cookies.len()), (404, 1));
    assert_eq!(visitor.get(&server, "/read").await.body, "Some(5)");
}

#[actix_rt::test]
async fn an_error_of_a_middleware_further_in_keeps_its_status_and_gets_the_cookie() {
    let store = memory();
    let server = actix_test::start(move || {
        App::new()
            .wrap_fn(|request, service| {
                let fails = request.path() == "/guarded";
                let call = service.call(request);
                async move {
                    let response = call.await?;
                    if fails { Err(ErrorImATeapot("short and stout")) } else { Ok(response) }
                }
            })
            .wrap(sessions(&store))
            .route("/read", web::get().to(read))
            .route(
                "/guarded",
                web::get().to(|session: Session| async move {
                    session.insert("n", 6).unwrap();
                    "never seen"
                }),
            )
    });
    let visitor = Visitor::default();
    let failed = visitor.get(&server, "/guarded").await;
    assert_eq!((failed.status, &*failed.body, failed.cookies.len()), (418, "short and stout", 1));
    assert_eq!(visitor.get(&server, "/read").await.body, "Some(6)");
}

#[actix_rt::test]
async fn a_panicking_handler_saves_nothing_and_the_server_lives_on() {
    let store = memory();
    let kept = store.clone();
    let server = actix_test::start(move || {
        App::new().wrap(sessions(&store)).route("/read", web::get().to(read)).route(
            "/panic",
            web::get().to(|session: Session| async move {
                session.insert("n", 1).unwrap();
                assert!(
                    session.is_new() && session.entries().is_empty(),
                    "a handler panics, as the test wants"
                );
                HttpResponse::Ok().finish()
            }),
        )
    });
    server.get("/panic").send().await.unwrap_err();
    assert_eq!(kept.stats().sessions, 0);
    assert_eq!(Visitor::default().get(&server, "/read").await.body, "None");
}

#[actix_rt::test]
async fn the_key_cookie_is_refused_and_nothing_of_the_session_is_lost() {
    let store = memory();
    let server = actix_test::start(move || {
        App::new()
            .wrap(sessions(&store))
            .route("/read", web::get().to(read))
            .route(
                "/put",
                web::get().to(|session: Session| async move {
                    session.insert("n", 1).unwrap();
                    "put"
                }),
            )
            .route(
                "/reserved",
                web::get().to(|session: Session| async move {
                    session.insert("cookie", "mine")?;
                    Ok::<_, Error>("reserved")
                }),
            )
    });
    let visitor = Visitor::default();
    visitor.get(&server, "/put").await;
    let reserved = visitor.get(&server, "/reserved").await;
    assert_eq!((reserved.status, &*reserved.body), (500, ""));
    assert_eq!(visitor.get(&server, "/read").await.body, "Some(1)");
}
