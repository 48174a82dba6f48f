//! Listening, and stopping gracefully.

use std::io::{self, ErrorKind, Write as _};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{App, Error, HttpServer};
use anyhow::{Context as _, Error as AnyError, anyhow};
use tokio::signal::unix::{SignalKind, signal};

use crate::setup::Setup;

impl<Settings> Setup<Settings> {
    /// Serves the app that `factory` makes for each worker, until SIGINT or SIGTERM.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on; the text says which, and what to do.
    pub async fn serve<F, T, B>(self, factory: F) -> anyhow::Result<()>
    where
        F: Fn() -> App<T> + Send + Clone + 'static,
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        T::Future: 'static,
        B: MessageBody + 'static,
    {
        let server = self.server;
        let shutdown = server.shutdown_timeout_ms.0;
        let mut http = HttpServer::new(factory)
            .disable_signals()
            // Whole seconds, rounded up: zero would cut requests off.
            .shutdown_timeout(shutdown.as_secs() + u64::from(shutdown.subsec_nanos() > 0));
        if let Some(workers) = server.workers {
            if workers == 0 {
                return Err(anyhow!("server.workers is 0: at least one thread must serve requests"));
            }
            http = http.workers(workers);
        }
        let http = http
            .bind((server.host.as_str(), server.port))
            .map_err(|error| cannot_listen(error, &server.host, server.port))?;
        let addresses = http.addrs();
        let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be awaited")?;
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be awaited")?;
        let running = http.run();
        let handle = running.handle();
        actix_web::rt::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            stop(handle, shutdown).await;
        });
        for address in addresses {
            // If standard output is gone, the server still serves.
            let _ = writeln!(io::stdout(), "listening on http://{address}");
        }
        running.await.context("the server failed")
    }
}

async fn stop(handle: ServerHandle, limit: Duration) {
    tracing::info!("stopping: running requests have {limit:?} to end");
    handle.stop(true).await;
}

fn cannot_listen(error: io::Error, host: &str, port: u16) -> AnyError {
    match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {port} on {host} is in use: stop the program that has it, or choose another by the \
             environment variable PORT or server.port in the configuration file"
        ),
        ErrorKind::PermissionDenied => anyhow!(
            "port {port} on {host} is not permitted: choose one above 1023 by the environment variable PORT"
        ),
        _ => AnyError::new(error).context(format!(
            "cannot listen on {host}:{port}: check server.host and server.port in the configuration file"
        )),
    }
}
