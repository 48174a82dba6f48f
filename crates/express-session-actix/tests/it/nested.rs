//! One session middleware inside another.

use actix_web::{App, HttpResponse, web};
use express_session_actix::{Session, SessionMiddleware};

use crate::client::{Visitor, memory, options, sessions};

async fn bump(session: Session) -> HttpResponse {
    let n = session.get::<u64>("n").unwrap().unwrap_or(0) + 1;
    session.insert("n", n).unwrap();
    HttpResponse::Ok().body(n.to_string())
}

#[actix_rt::test]
async fn two_cookie_names_are_two_sessions() {
    let (outer, inner) = (memory(), memory());
    let server = actix_test::start(move || {
        let admin = SessionMiddleware::new(inner.clone(), options().name("admin.sid").build().unwrap());
        App::new().wrap(sessions(&outer)).route("/", web::get().to(bump)).service(
            web::scope("/admin")
                .wrap(admin)
                .route("/n", web::get().to(bump))
                .route(
                    "/purge",
                    web::get().to(|session: Session| async move { session.purge().await.map(|()| "purged") }),
                )
                .route(
                    "/renew",
                    web::get().to(|session: Session| async move {
                        session.renew();
                        "renewed"
                    }),
                ),
        )
    });
    let visitor = Visitor::default();
    for n in ["1", "2", "3"] {
        assert_eq!(visitor.get(&server, "/").await.body, n);
    }
    let first = visitor.get(&server, "/admin/n").await;
    assert_eq!((&*first.body, first.cookies.len()), ("1", 1), "only the inner session is new");
    assert_eq!(visitor.get(&server, "/admin/n").await.body, "2");
    let outer_id = visitor.cookie("connect.sid").unwrap();
    let renewed = visitor.get(&server, "/admin/renew").await;
    assert!(renewed.cookies.len() == 1 && renewed.cookies[0].starts_with("admin.sid="));
    visitor.get(&server, "/admin/purge").await;
    assert_eq!(visitor.cookie("admin.sid"), None);
    assert_eq!(visitor.cookie("connect.sid"), Some(outer_id));
    assert_eq!(visitor.get(&server, "/").await.body, "4", "the outer session never noticed");
    assert_eq!(visitor.get(&server, "/admin/n").await.body, "1");
}

/// Source: `tests/vectors/middleware-edge.json`, "two session middlewares: the second is a no-op".
#[actix_rt::test]
async fn the_same_cookie_name_again_is_a_no_op() {
    let (outer, inner) = (memory(), memory());
    let untouched = inner.clone();
    let server = actix_test::start(move || {
        App::new()
            .wrap(sessions(&outer))
            .service(web::scope("/in").wrap(sessions(&inner)).route("", web::get().to(bump)))
    });
    let visitor = Visitor::default();
    assert_eq!(visitor.get(&server, "/in").await.cookies.len(), 1);
    assert_eq!(visitor.get(&server, "/in").await.body, "2");
    assert_eq!(untouched.stats().sessions, 0);
}
