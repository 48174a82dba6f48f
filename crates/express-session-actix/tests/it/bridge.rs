//! Our stores under the stock middleware of actix-session.

use actix_session::{Session as ActixSession, SessionMiddleware as StockMiddleware};
use actix_web::cookie::Key;
use actix_web::{App, web};
use express_session_actix::ActixStore;

use crate::client::{Visitor, memory};

#[actix_rt::test]
async fn the_stock_middleware_keeps_its_sessions_in_our_store() {
    let store = memory();
    let kept = store.clone();
    let server = actix_test::start(move || {
        let key = Key::from(&[7; 64]);
        App::new()
            .wrap(StockMiddleware::builder(ActixStore::new(store.clone()), key).cookie_secure(false).build())
            .route(
                "/",
                web::get().to(|session: ActixSession| async move {
                    let n = session.get::<u64>("n").unwrap().unwrap_or(0) + 1;
                    session.insert("n", n).unwrap();
                    n.to_string()
                }),
            )
            .route(
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
            )
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
