//! What visitors get while Redis takes no writes.

use actix_web::body::to_bytes;
use actix_web::test::{TestRequest, init_service, try_call_service};
use actix_web::{App, web};
use express_session_actix::{Error, Options, Session, SessionMiddleware, StoreOutage};
use express_session_testbed::redis::RedisServer;

use crate::failures::hasty;
use crate::support::store_at;

const SECRET: &str = "a secret that is long enough for a test";
/// More than the circuit breaker waits for.
const OFTEN: usize = 12;

async fn login(session: Session) -> Result<&'static str, Error> {
    session.regenerate().await?;
    session.insert("user", "kim")?;
    Ok("welcome")
}

async fn page(session: Session) -> Result<String, Error> {
    Ok(session.get("user")?.unwrap_or_else(|| "nobody".to_owned()))
}

async fn logout(session: Session) -> Result<&'static str, Error> {
    session.purge().await?;
    Ok("success")
}

#[actix_web::test]
async fn pages_are_served_and_logins_and_logouts_fail() {
    let server = RedisServer::start(&[]).unwrap();
    let store = store_at(&server.url(), hasty());
    // The cookie is sent again with every page, which asks for a touch of its own.
    let options = Options::new([SECRET]).store_outage(StoreOutage::ServiceUnavailable).rolling(true);
    let app = init_service(
        App::new()
            .wrap(SessionMiddleware::new(store, options.build().unwrap()))
            .route("/login", web::get().to(login))
            .route("/", web::get().to(page))
            .route("/logout", web::get().to(logout)),
    )
    .await;
    let ask = async |path: &str, cookie: Option<&str>| {
        let mut request = TestRequest::get().uri(path);
        if let Some(cookie) = cookie {
            request = request.insert_header(("cookie", cookie));
        }
        // The server behind the middleware makes a response of an error.
        let response = match try_call_service(&app, request.to_request()).await {
            Ok(response) => response.into_parts().1,
            Err(error) => error.error_response(),
        };
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (status, cookie, retry_after) =
            (response.status().as_u16(), header("set-cookie"), header("retry-after"));
        let body = to_bytes(response.into_body()).await.unwrap_or_else(|_| panic!("a body in memory"));
        Reply { status, cookie, retry_after, body: String::from_utf8(body.to_vec()).unwrap() }
    };

    let cookie = ask("/login", None).await.cookie.unwrap();
    let cookie = cookie.split(';').next();
    assert_eq!(ask("/", cookie).await.body, "kim");

    server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]).unwrap();
    for _ in 0..OFTEN {
        let refused = ask("/login", None).await;
        assert_eq!((refused.status, refused.cookie), (503, None));
    }
    for _ in 0..OFTEN {
        let served = ask("/", cookie).await;
        assert_eq!((served.status, &*served.body), (200, "kim"));
    }
    let failed = ask("/logout", cookie).await;
    assert_eq!((failed.status, failed.retry_after.as_deref()), (503, Some("1")), "nothing is pretended");
    assert_eq!(ask("/", cookie).await.body, "kim", "it was not ended");

    server.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]).unwrap();
    assert_eq!(ask("/logout", cookie).await.body, "success");
    assert_eq!(ask("/", cookie).await.body, "nobody");
}

struct Reply {
    status: u16,
    cookie: Option<String>,
    retry_after: Option<String>,
    body: String,
}
