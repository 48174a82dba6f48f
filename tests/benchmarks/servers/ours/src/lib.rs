//! The app of the benchmarks: on this project's stores ([`pages`]), and without sessions ([`bare`]).

mod bare;
mod pages;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use anyhow::Context as _;
use benchmark_launch::{Launch, Parser as _};

use crate::pages::Sessions;

/// Serves the subject that the arguments name, until standard input ends.
///
/// # Errors
///
/// If there is no such subject, or its store cannot be used.
pub async fn run() -> anyhow::Result<()> {
    let launch = Launch::parse();
    let listener = launch.listen()?;
    match launch.subject.as_str() {
        "actix" | "actix-constant" => bare::server(&launch, listener)?.await?,
        _ => server(&launch, listener, pages::sessions(&launch).await?)?.await?,
    }
    Ok(())
}

fn server(launch: &Launch, listener: std::net::TcpListener, sessions: Sessions) -> anyhow::Result<Server> {
    let app = move || {
        let fill = |app: &mut web::ServiceConfig| {
            if let Some(store) = sessions.memory.clone() {
                pages::fill_route(app, store);
            }
        };
        App::new()
            .wrap(sessions.middleware.clone())
            .route("/heap", web::get().to(async || benchmark_launch::heap()))
            .configure(pages::routes)
            .configure(fill)
    };
    let server = HttpServer::new(app).workers(launch.workers).listen(listener).context("listen")?;
    Ok(server.disable_signals().run())
}
