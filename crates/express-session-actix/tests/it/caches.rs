//! What responses tell caches, and what a logout tells the browser to forget.

use actix_test::TestServer;
use actix_web::dev::Service as _;
use actix_web::error::ErrorImATeapot;
use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{App, HttpResponse, web};
use express_session_actix::{ClearSiteData, Options, OptionsBuilder, Session, SessionMiddleware};

use crate::client::{SECRET, Visitor, memory};

async fn put(session: Session) -> HttpResponse {
    session.insert("n", 1).unwrap();
    HttpResponse::Ok().finish()
}

fn server(options: impl Fn() -> OptionsBuilder + Send + Clone + 'static) -> TestServer {
    let store = memory();
    actix_test::start(move || {
        App::new()
            .wrap_fn(|request, service| {
                let fails = request.path() == "/fail";
                let call = service.call(request);
                async move {
                    let response = call.await?;
                    if fails { Err(ErrorImATeapot("short and stout")) } else { Ok(response) }
                }
            })
            .wrap(SessionMiddleware::new(store.clone(), options().build().unwrap()))
            .route("/plain", web::get().to(|| async { "the same for all" }))
            .route("/look", web::get().to(|_: Session| async { "hello" }))
            .route("/put", web::get().to(put))
            .route("/fail", web::get().to(put))
            .route(
                "/own",
                web::get().to(|session: Session| async move {
                    session.insert("n", 2).unwrap();
                    HttpResponse::Ok()
                        .insert_header((CACHE_CONTROL, "no-store"))
                        .insert_header((VARY, "Accept, cookie"))
                        .finish()
                }),
            )
            .route(
                "/vary",
                web::get()
                    .to(|_: Session| async { HttpResponse::Ok().insert_header((VARY, "Accept")).finish() }),
            )
            .route(
                "/logout",
                web::get().to(|session: Session| async move {
                    session.purge().await.unwrap();
                    "bye"
                }),
            )
            .route(
                "/destroy",
                web::get().to(|session: Session| async move {
                    session.destroy().await.unwrap();
                    "bye"
                }),
            )
    })
}

/// `Cache-Control`, and all of `Vary`.
async fn said(visitor: &Visitor, server: &TestServer, path: &str) -> (String, String) {
    let reply = visitor.get(server, path).await;
    (reply.header("cache-control"), reply.header("vary"))
}

fn pair(cache_control: &str, vary: &str) -> (String, String) {
    (cache_control.to_owned(), vary.to_owned())
}

#[actix_rt::test]
async fn caches_may_not_hand_out_the_cookie_nor_one_visitors_page() {
    let server = server(|| Options::new([SECRET]));
    let visitor = Visitor::default();
    assert_eq!(said(&visitor, &server, "/plain").await, pair("", ""), "nothing of a session is in it");
    assert_eq!(said(&visitor, &server, "/look").await, pair("", "Cookie"), "it may depend on who asks");
    assert_eq!(said(&visitor, &server, "/put").await, pair("no-cache=\"Set-Cookie\"", "Cookie"));
    assert_eq!(said(&Visitor::default(), &server, "/own").await, pair("no-store", "Accept, cookie"));
    assert_eq!(said(&visitor, &server, "/vary").await, pair("", "Accept, Cookie"));
    assert_eq!(said(&Visitor::default(), &server, "/fail").await, pair("no-cache=\"Set-Cookie\"", "Cookie"));
}

#[actix_rt::test]
async fn express_session_says_nothing_to_caches() {
    let server = server(|| Options::express([SECRET]));
    for path in ["/plain", "/look", "/put", "/logout"] {
        assert_eq!(said(&Visitor::default(), &server, path).await, pair("", ""), "{path}");
    }
}

#[actix_rt::test]
async fn a_lazy_session_that_nobody_asks_for_says_nothing() {
    let server = server(|| Options::new([SECRET]).lazy(true));
    let visitor = Visitor::default();
    assert_eq!(said(&visitor, &server, "/put").await, pair("no-cache=\"Set-Cookie\"", "Cookie"));
    assert_eq!(said(&visitor, &server, "/plain").await, pair("", ""));
    assert_eq!(said(&visitor, &server, "/look").await, pair("", "Cookie"));
}

#[actix_rt::test]
async fn a_view_counts_as_looked_at() {
    let store = memory();
    let server = actix_test::start(move || {
        let sessions = SessionMiddleware::new(store.clone(), Options::new([SECRET]).build().unwrap());
        App::new().wrap(sessions.share_with_actix_session()).route("/", web::get().to(|| async { "hello" }))
    });
    assert_eq!(said(&Visitor::default(), &server, "/").await, pair("", "Cookie"));
}

#[actix_rt::test]
async fn a_logout_clears_what_the_options_say() {
    let kinds = [ClearSiteData::Cookies, ClearSiteData::Storage];
    let clearing = server(move || Options::new([SECRET]).clear_site_data(kinds));
    let header = "clear-site-data";
    let visitor = Visitor::default();
    assert_eq!(visitor.get(&clearing, "/put").await.header(header), "");
    let logout = visitor.get(&clearing, "/logout").await;
    assert_eq!(logout.header(header), "\"cookies\", \"storage\"");
    assert!(logout.cookies[0].starts_with("connect.sid=; "));
    assert_eq!(Visitor::default().get(&clearing, "/logout").await.header(header), "\"cookies\", \"storage\"");
    assert_eq!(
        visitor.get(&clearing, "/destroy").await.header(header),
        "",
        "the browser keeps its cookie, too"
    );
    let silent = server(|| Options::new([SECRET]).clear_site_data([]));
    assert_eq!(visitor.get(&silent, "/logout").await.header(header), "");
}
