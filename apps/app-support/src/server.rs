//! Listening, and stopping gracefully.

use std::io::{self, ErrorKind, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{App, Error, HttpServer};
use anyhow::{Context as _, Error as AnyError, anyhow};

use crate::content_policy;
use crate::setup::Setup;
use crate::{signals, slow_clients};

impl<Settings> Setup<Settings> {
    /// Serves the app that `factory` makes for each worker, until SIGINT or SIGTERM.
    ///
    /// Around each app: clients that take too long are given up (`server.client_timeout_ms`), and every response says what
    /// browsers and caches may do with it, where the app does not say more. Nothing may be kept by caches: after a
    /// logout, the back button must not show the page before it.
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
        let shutdown = server.shutdown_timeout;
        let client_timeout = server.client_timeout;
        if client_timeout.is_zero() {
            return Err(anyhow!("server.client_timeout_ms is 0: no client could send a request"));
        }
        let guarded = move || {
            factory()
                .wrap(from_fn(move |request, next| slow_clients::limit_body(client_timeout, request, next)))
                .wrap(safe_headers())
        };
        let mut http = HttpServer::new(guarded)
            .client_request_timeout(client_timeout)
            .keep_alive(client_timeout)
            .on_connect(move |stream, data| slow_clients::watch(stream, data, client_timeout))
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
        let told_to_stop = signals::told_to_stop()?;
        let running = http.run();
        let handle = running.handle();
        actix_web::rt::spawn(async move {
            told_to_stop.await;
            stop(handle, shutdown).await;
        });
        for address in addresses {
            // If standard output is gone, the server still serves.
            let _ = writeln!(io::stdout(), "listening on http://{}", reachable(address));
        }
        running.await.context("the server failed")
    }
}

/// Where a browser on this machine finds the server: "every address" is none that one can go to.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() }
}

/// What every response says, where the app does not say otherwise.
fn safe_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::CACHE_CONTROL, "no-store"))
        .add((header::CONTENT_SECURITY_POLICY, content_policy::NOTHING))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
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
