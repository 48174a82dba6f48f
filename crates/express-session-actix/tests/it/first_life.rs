//! The option `first_life`: crawlers leave nothing behind, and visitors notice nothing.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, web};
use express_session_actix::core::{
    CookieOptions, ManualClock, NoTimer, SessionManager, SessionStoreAdmin as _, UnixMillis,
};
use express_session_actix::{Error, Session, SessionMiddleware};
use express_session_memory::{MemoryOptions, MemoryStore};

use crate::client::{Visitor, options};

async fn put(session: Session) -> Result<&'static str, Error> {
    session.insert("cart", 1)?;
    Ok("put")
}

async fn read(session: Session) -> Result<String, Error> {
    Ok(format!("{:?}", session.get::<u8>("cart")?))
}

#[actix_rt::test]
async fn who_never_comes_back_is_forgotten_soon_and_who_does_stays() {
    let clock = Arc::new(ManualClock::new(UnixMillis(1_893_553_445_678)));
    let store = MemoryStore::new(MemoryOptions::default().clock(Arc::clone(&clock)));
    let hour = CookieOptions::new().max_age(Duration::from_hours(1));
    let built = options().cookie(hour).first_life(Duration::from_mins(10)).build().unwrap();
    let manager = SessionManager::with_clock(store.clone(), built, Arc::clone(&clock), NoTimer);
    let server = actix_test::start(move || {
        App::new()
            .wrap(SessionMiddleware::from_manager(manager.clone()))
            .route("/put", web::get().to(put))
            .route("/read", web::get().to(read))
    });
    let sessions = async || store.page(None, 100).await.unwrap().sessions.len();
    for _ in 0..5 {
        Visitor::default().get(&server, "/put").await;
    }
    let (visitor, latecomer) = (Visitor::default(), Visitor::default());
    for new in [&visitor, &latecomer] {
        let cookies = new.get(&server, "/put").await.cookies;
        // An hour from now: the browser's cookie is not cut short.
        assert!(cookies[0].contains("; Expires=Wed, 02 Jan 2030 04:04:05 GMT"), "{cookies:?}");
    }
    assert_eq!(sessions().await, 7);
    clock.advance(Duration::from_mins(9));
    assert_eq!(visitor.get(&server, "/read").await.body, "Some(1)");
    clock.advance(Duration::from_mins(2));
    assert_eq!(sessions().await, 1);
    assert_eq!(latecomer.get(&server, "/read").await.body, "None", "it has a cookie and no session");
    clock.advance(Duration::from_mins(50));
    assert_eq!(visitor.get(&server, "/read").await.body, "Some(1)", "its ordinary life");
}
