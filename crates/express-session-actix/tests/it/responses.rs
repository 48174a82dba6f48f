//! Responses of every shape carry the cookie, and nothing beats the save.

use actix_web::http::Method;
use actix_web::http::header::{LOCATION, SET_COOKIE};
use actix_web::{App, HttpResponse, web};
use express_session_actix::{Error, Session, SessionMiddleware};
use futures_util::StreamExt as _;

use crate::client::{Visitor, memory, options, sessions};

fn put(session: &Session) {
    session.insert("n", 1).unwrap();
}

#[actix_rt::test]
async fn every_status_and_method_carries_the_cookie() {
    let store = memory();
    let server = actix_test::start(move || {
        App::new()
            .wrap(sessions(&store))
            .route(
                "/redirect",
                web::get().to(|session: Session| async move {
                    put(&session);
                    HttpResponse::Found().insert_header((LOCATION, "/")).finish()
                }),
            )
            .route(
                "/304",
                web::get().to(|session: Session| async move {
                    put(&session);
                    HttpResponse::NotModified().finish()
                }),
            )
            .route(
                "/204",
                web::get().to(|session: Session| async move {
                    put(&session);
                    HttpResponse::NoContent().finish()
                }),
            )
            .route(
                "/head",
                web::head().to(|session: Session| async move {
                    put(&session);
                    HttpResponse::Ok().finish()
                }),
            )
    });
    for (method, path, status) in [
        (Method::GET, "/redirect", 302),
        (Method::GET, "/304", 304),
        (Method::GET, "/204", 204),
        (Method::HEAD, "/head", 200),
    ] {
        let reply = Visitor::default().send(&server, method, path).await;
        assert_eq!((reply.status, reply.cookies.len()), (status, 1), "{path}");
    }
}

/// Source: `tests/vectors/set-cookie.json`, "a Set-Cookie of the same name set before is kept".
#[actix_rt::test]
async fn cookies_of_the_handler_stay_in_front_of_ours() {
    let store = memory();
    let server = actix_test::start(move || {
        App::new().wrap(sessions(&store)).route(
            "/",
            web::get().to(|session: Session| async move {
                put(&session);
                HttpResponse::Ok()
                    .append_header((SET_COOKIE, "a=1"))
                    .append_header((SET_COOKIE, "connect.sid=x"))
                    .finish()
            }),
        )
    });
    let reply = Visitor::default().get(&server, "/").await;
    assert_eq!(reply.cookies.len(), 3);
    assert_eq!(reply.cookies[..2], ["a=1", "connect.sid=x"]);
    assert!(reply.cookies[2].starts_with("connect.sid=s%3A"));
}

#[actix_rt::test]
async fn the_session_is_stored_before_a_streamed_body_starts_and_can_be_saved_from_it() {
    let store = memory();
    let seen = store.clone();
    let server = actix_test::start(move || {
        let seen = seen.clone();
        App::new()
            .wrap(sessions(&store))
            .route(
                "/stream",
                web::get().to(move |session: Session| {
                    let seen = seen.clone();
                    async move {
                        put(&session);
                        let body = futures_util::stream::once(async move {
                            let stored = seen.stats().sessions;
                            session.insert("late", true).unwrap();
                            session.save().await?;
                            Ok::<_, Error>(web::Bytes::from(stored.to_string()))
                        });
                        HttpResponse::Ok().streaming(body.boxed_local())
                    }
                }),
            )
            .route(
                "/late",
                web::get().to(|session: Session| async move {
                    format!("{:?}", session.get::<bool>("late").unwrap())
                }),
            )
    });
    let visitor = Visitor::default();
    assert_eq!(visitor.get(&server, "/stream").await.body, "1");
    assert_eq!(visitor.get(&server, "/late").await.body, "Some(true)");
}

#[actix_rt::test]
async fn a_websocket_upgrade_carries_the_cookie_on_its_101() {
    let store = memory();
    let kept = store.clone();
    let server = actix_test::start(move || {
        App::new().wrap(sessions(&store)).route(
            "/ws",
            web::get().to(|session: Session| async move {
                put(&session);
                let silent = futures_util::stream::pending::<Result<web::Bytes, Error>>();
                HttpResponse::SwitchingProtocols().upgrade("websocket").streaming(silent)
            }),
        )
    });
    let (response, _connection) = awc::Client::new().ws(server.url("/ws")).connect().await.map_or_else(
        |error| match error {
            // The handshake of this handler is not a real one; what counts is that its headers came through.
            awc::error::WsClientError::MissingWebSocketAcceptHeader => (true, None),
            other => panic!("{other}"),
        },
        |(_, connection)| (true, Some(connection)),
    );
    assert!(response);
    assert_eq!(kept.stats().sessions, 1, "the session is saved before the 101 goes out");
}

#[actix_rt::test]
async fn a_secure_cookie_needs_https_by_the_word_of_a_trusted_proxy() {
    let store = memory();
    let server = actix_test::start(move || {
        let cookie = express_session_actix::CookieOptions::new().secure(true);
        let built = options().proxy(true).cookie(cookie).build().unwrap();
        App::new().wrap(SessionMiddleware::new(store.clone(), built)).route(
            "/",
            web::get().to(|session: Session| async move {
                put(&session);
                "put"
            }),
        )
    });
    assert!(Visitor::default().get(&server, "/").await.cookies.is_empty());
    let reply = server.get("/").insert_header(("x-forwarded-proto", "https, http")).send().await.unwrap();
    let cookie = reply.headers().get(SET_COOKIE).unwrap().to_str().unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; Secure"), "{cookie}");
}
