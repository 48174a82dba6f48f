//! How many heap allocations a request pays for its session: above the same page without sessions, which reads a
//! cookie and sends a constant one.
//!
//! Counted on one thread after a warm-up, so the numbers do not depend on how busy the machine is. They may only fall.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "test code: a panic is the failure"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix_http::Request;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpRequest, HttpResponse, web};
use express_session_actix::core::{Clock, NoTimer, SessionManager, UnixMillis};
use express_session_actix::{CookieOptions, Error, Options, OptionsBuilder, Session, SessionMiddleware};
use express_session_memory::{MemoryOptions, MemoryStore};
use futures_util::FutureExt as _;

/// At most so many, with one key.
const READ: u64 = 8;
const COUNT: u64 = 12;
const INSERT: u64 = 13;

const SECRET: &str = "a secret for tests only, 32 bytes+";
const CONSTANT: &str = "connect.sid=constant; Path=/; Expires=Wed, 02 Jan 2030 03:05:05 GMT; HttpOnly";

/// A page without a session that does what the others do apart from it.
async fn plain(request: HttpRequest) -> HttpResponse {
    let read = request.headers().get(COOKIE).map_or(0, |cookie| cookie.as_bytes().len() % 10);
    HttpResponse::Ok()
        .insert_header((SET_COOKIE, HeaderValue::from_static(CONSTANT)))
        .body(web::Bytes::from_static(DIGITS[read].as_bytes()))
}

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

async fn read(session: Session) -> Result<HttpResponse, Error> {
    let n = session.get::<usize>("n")?.unwrap_or(0);
    Ok(HttpResponse::Ok().body(web::Bytes::from_static(DIGITS[n % 10].as_bytes())))
}

async fn count(session: Session) -> Result<HttpResponse, Error> {
    let n = session.update("n", |n: Option<usize>| n.unwrap_or(0) + 1).await?;
    Ok(HttpResponse::Ok().body(web::Bytes::from_static(DIGITS[n % 10].as_bytes())))
}

async fn insert(session: Session) -> Result<HttpResponse, Error> {
    let n = session.get::<usize>("n")?.unwrap_or(0) + 1;
    session.insert("n", n)?;
    Ok(HttpResponse::Ok().body(web::Bytes::from_static(DIGITS[n % 10].as_bytes())))
}

async fn fill(session: Session, keys: web::Path<usize>) -> Result<HttpResponse, Error> {
    session.insert("n", 0)?;
    for key in 1..keys.into_inner() {
        session.insert(format!("key{key}"), "some text")?;
    }
    Ok(HttpResponse::Ok().finish())
}

/// The allocations of one request, and its `Set-Cookie`.
fn allocations<S, B>(service: &S, path: &str, cookie: &str) -> (u64, Option<String>)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    let mut answer = (0, None);
    // The first requests fill pools and caches, and are looked at for uses of the ecosystem's session; the last one
    // of these is not.
    for _ in 0..70 {
        let request = TestRequest::with_uri(path).insert_header((COOKIE, cookie)).to_request();
        let mut cookie = None;
        let counted = allocation_counter::measure(|| {
            let response = service.call(request).now_or_never().expect("nothing here waits").unwrap();
            assert!(response.status().is_success(), "{path}: {}", response.status());
            cookie = response.headers().get(SET_COOKIE).cloned();
        });
        let cookie = cookie.map(|value| value.to_str().unwrap().to_owned());
        answer = (counted.count_total, cookie);
    }
    answer
}

/// A millisecond passes between any two looks at it: each touch moves the session's expiry, as between real requests.
#[derive(Debug)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// The two beginnings of options, with the same rules for what is stored.
fn express() -> OptionsBuilder {
    Options::express([SECRET]).resave(false).save_uninitialized(false)
}

fn new() -> OptionsBuilder {
    Options::new([SECRET])
}

/// What a page with a session allocates more than the page without, in a session with so many keys.
async fn above_plain(options: OptionsBuilder, keys: usize, path: &str) -> u64 {
    let options = options.cookie(CookieOptions::new().max_age(Duration::from_hours(1))).build().unwrap();
    let clock = Arc::new(Ticking(AtomicI64::new(1_893_553_445_678)));
    let store = MemoryStore::new(MemoryOptions::new().clock(Arc::clone(&clock)));
    let manager = SessionManager::with_clock(store, options, clock, NoTimer);
    let sessions = SessionMiddleware::from_manager(manager);
    let service = init_service(
        App::new().route("/plain", web::get().to(plain)).service(
            web::scope("/session")
                .wrap(sessions)
                .route("/read", web::get().to(read))
                .route("/count", web::get().to(count))
                .route("/insert", web::get().to(insert))
                .route("/fill/{keys}", web::get().to(fill)),
        ),
    )
    .await;
    let (_, cookie) = allocations(&service, &format!("/session/fill/{keys}"), "none=yet");
    let cookie = cookie.unwrap().split(';').next().unwrap().to_owned();
    let (plain, _) = allocations(&service, "/plain", &cookie);
    let (with_session, sent) = allocations(&service, path, &cookie);
    assert_eq!(sent.is_some(), path != "/session/read", "a changed session sends its cookie");
    with_session - plain
}

#[actix_web::test]
async fn a_request_allocates_no_more_than_this_for_its_session() {
    for (path, most) in [("/session/read", READ), ("/session/count", COUNT), ("/session/insert", INSERT)] {
        for (beginning, options) in [("new", new()), ("express", express())] {
            let counted = above_plain(options, 1, path).await;
            println!("{beginning} {path}: {counted}");
            assert!(counted <= most, "{beginning} {path}: {counted} allocations, at most {most} are allowed");
        }
    }
}

#[actix_web::test]
async fn further_keys_allocate_nothing() {
    for path in ["/session/read", "/session/count", "/session/insert"] {
        let one = above_plain(express(), 1, path).await;
        for keys in [2, 5, 10, 15] {
            assert_eq!(above_plain(express(), keys, path).await, one, "{path}, {keys} keys");
        }
        // Beyond that the index of a document has memory of its own, in one piece.
        let (many, more) = (above_plain(express(), 40, path).await, above_plain(express(), 200, path).await);
        println!("{path}: {one}, with 40 keys {many}, with 200 keys {more}");
        assert!(more <= many + 1 && many <= one + 10, "{path}: {one}, {many}, {more}");
    }
}
