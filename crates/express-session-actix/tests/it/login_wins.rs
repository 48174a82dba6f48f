//! Requests of one browser that overlap its login, over HTTP.

use std::sync::Arc;

use actix_test::TestServer;
use actix_web::{App, web};
use express_session_actix::{Error, Options, Session, SessionMiddleware};
use express_session_memory::MemoryStore;
use futures_util::future::join3;
use tokio::sync::Semaphore;

use crate::client::{SECRET, Visitor, memory};

/// Late requests are under way until the test lets them go on, one permit each.
#[derive(Clone)]
struct Gate {
    arrived: Arc<Semaphore>,
    leave: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self { arrived: Arc::new(Semaphore::new(0)), leave: Arc::new(Semaphore::new(0)) }
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        self.leave.acquire().await.unwrap().forget();
    }
}

async fn write_late(session: Session, gate: web::Data<Gate>) -> Result<&'static str, Error> {
    gate.pass().await;
    session.insert("cart", "book")?;
    Ok("written")
}

async fn read_late(session: Session, gate: web::Data<Gate>) -> Result<String, Error> {
    gate.pass().await;
    Ok(format!("{:?}", session.get::<String>("user")?))
}

async fn log_out_late(session: Session, gate: web::Data<Gate>) -> Result<&'static str, Error> {
    gate.pass().await;
    session.purge().await?;
    Ok("bye")
}

async fn log_in(session: Session) -> Result<&'static str, Error> {
    session.regenerate().await?;
    session.insert("user", "alice")?;
    Ok("hello")
}

async fn who(session: Session) -> Result<String, Error> {
    Ok(session.get::<String>("user")?.unwrap_or_else(|| "nobody".to_owned()))
}

fn server(store: &MemoryStore, gate: &Gate, save_uninitialized: bool) -> TestServer {
    let options =
        Options::new([SECRET]).save_uninitialized(save_uninitialized).rolling(true).build().unwrap();
    let sessions = SessionMiddleware::new(store.clone(), options);
    let gate = web::Data::new(gate.clone());
    actix_test::start(move || {
        App::new()
            .app_data(gate.clone())
            .wrap(sessions.clone())
            .route(
                "/put",
                web::get().to(|session: Session| async move { session.insert("n", 1).map(|()| "put") }),
            )
            .route("/write", web::get().to(write_late))
            .route("/read", web::get().to(read_late))
            .route("/logout", web::get().to(log_out_late))
            .route("/login", web::get().to(log_in))
            .route("/who", web::get().to(who))
    })
}

/// A request of the browser with this cookie, whatever its jar has by now.
fn with_cookie(value: &str) -> Visitor {
    let visitor = Visitor::default();
    visitor.set_cookie("connect.sid", value);
    visitor
}

#[actix_rt::test]
async fn late_requests_neither_undo_a_login_nor_outlive_a_logout() {
    for save_uninitialized in [false, true] {
        let (store, gate) = (memory(), Gate::new());
        let server = server(&store, &gate, save_uninitialized);
        let visitor = Visitor::default();
        visitor.get(&server, "/put").await;

        let old = visitor.cookie("connect.sid").unwrap();

        // Both begin before the login and are answered after it; one more comes late with the old cookie.
        let user = with_cookie(&old);
        let login = async {
            gate.arrived.acquire_many(2).await.unwrap().forget();
            user.get(&server, "/login").await;
            gate.leave.add_permits(3);
        };
        let (writer, reader, late) = (with_cookie(&old), with_cookie(&old), with_cookie(&old));
        let (written, read, ()) =
            join3(writer.get(&server, "/write"), reader.get(&server, "/read"), login).await;
        let late = late.get(&server, "/write").await;
        for late in [&written, &read, &late] {
            assert_eq!(late.status, 200);
            assert!(late.cookies.is_empty(), "a late answer replaces the login's cookie");
        }
        assert_eq!(read.body, "None");
        assert_eq!(user.get(&server, "/who").await.body, "alice");
        assert_eq!(store.stats().sessions, 1, "what the late ones began is not kept");

        gate.leave.add_permits(1);
        assert_eq!(with_cookie(&old).get(&server, "/logout").await.status, 200);
        assert_eq!(user.get(&server, "/who").await.body, "nobody", "a late logout means the login too");
    }
}
