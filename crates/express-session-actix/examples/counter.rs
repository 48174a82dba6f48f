//! A page that counts its visits: `cargo run -p express-session-actix --example counter`, then open
//! <http://127.0.0.1:8080>.

use std::error::Error as StdError;
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use express_session_actix::{CookieOptions, Error, Options, Session, SessionMiddleware};
use express_session_memory::{MemoryOptions, MemoryStore};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let options = Options::new(["an example's secret, 32 bytes at least"])
        .cookie(CookieOptions::new().max_age(Duration::from_hours(24)))
        .build()?;
    let sessions = SessionMiddleware::new(MemoryStore::new(MemoryOptions::default()), options);
    let server = HttpServer::new(move || App::new().wrap(sessions.clone()).route("/", web::get().to(index)));
    Ok(server.bind(("127.0.0.1", 8080))?.run().await?)
}

async fn index(session: Session) -> Result<String, Error> {
    let views = session.update("views", |views: Option<u64>| views.unwrap_or(0) + 1).await?;
    Ok(format!("View: {views}"))
}
