//! Numbers of sessions for Prometheus: `cargo run -p express-session-actix --features metrics --example metrics`, then open
//! <http://127.0.0.1:8080> some times and look at <http://127.0.0.1:8080/metrics>.
//!
//! `docs/grafana.json` is a dashboard for them.

use std::error::Error as StdError;
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use express_session_actix::{CookieOptions, Error, Options, Session, SessionMiddleware};
use express_session_memory::{MemoryOptions, MemoryStore};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let numbers = PrometheusBuilder::new().install_recorder()?;
    let options = Options::new(["an example's secret, 32 bytes at least"])
        .cookie(CookieOptions::new().max_age(Duration::from_hours(24)))
        .build()?;
    let sessions = SessionMiddleware::new(MemoryStore::new(MemoryOptions::default()), options);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(numbers.clone()))
            // Outside the middleware: who reads numbers has no session.
            .route("/metrics", web::get().to(shown))
            .service(web::scope("").wrap(sessions.clone()).route("/", web::get().to(index)))
    });
    Ok(server.bind(("127.0.0.1", 8080))?.run().await?)
}

async fn index(session: Session) -> Result<String, Error> {
    let views = session.update("views", |views: Option<u64>| views.unwrap_or(0) + 1).await?;
    Ok(format!("View: {views}"))
}

async fn shown(numbers: web::Data<PrometheusHandle>) -> String {
    numbers.render()
}
