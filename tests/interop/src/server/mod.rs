//! The scenario server on our crates: the same requests as `node/server.js`.

mod fails;
mod faulty_store;
mod gate;
mod operations;
mod options;
mod sabotage;
mod stores;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use actix_web::dev::{ServerHandle, Service as _};
use actix_web::http::header::{LOCATION, SET_COOKIE};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, guard, web};
use anyhow::{Context as _, Result};
use express_session_actix::{Session, SessionMiddleware};
use express_session_core::{Clock, ManualClock, RequestHead, SessionId, UnixMillis};

use self::fails::Fails;
pub(crate) use self::gate::Gate;
pub use self::sabotage::Sabotage;
pub use self::stores::MemoryProbe;
pub(crate) use self::stores::mysql_url;

use crate::config::ServerConfig;
use crate::script::{End, Task, Verb};

/// What the requests of one server share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    clock: Arc<ManualClock>,
    gate: Gate,
    fails: Fails,
    sabotage: Option<Sabotage>,
}

impl Shared {
    fn new(gate: Gate, sabotage: Option<Sabotage>) -> Self {
        let clock = Arc::new(ManualClock::new(UnixMillis(0)));
        Self { clock, gate, fails: Fails::default(), sabotage }
    }

    /// Takes the time, and what is to fail, from the headers of a request. None fails while two are at work.
    fn begin(&self, request: &actix_web::dev::ServiceRequest) {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(now) = header("x-lab-now").and_then(|text| text.parse().ok()) {
            self.clock.set(UnixMillis(now));
        }
        self.fails.set(header("x-lab-fails").and_then(Verb::named));
    }

    fn now(&self) -> UnixMillis {
        self.clock.now()
    }
}

/// What makes the same ids for a request as the Node server's `genid`.
fn genid(request: &dyn RequestHead) -> impl Fn() -> SessionId + Send + Sync + use<> {
    let mut prefix = String::new();
    request.headers("x-lab-id", &mut |value| prefix = String::from_utf8_lossy(value).into_owned());
    let made = AtomicU64::new(0);
    move || {
        let number = made.fetch_add(1, Ordering::SeqCst) + 1;
        SessionId::parse(format!("{prefix}.{number}")).unwrap_or_else(|_| SessionId::generate())
    }
}

/// A running scenario server in a thread of its own; stopped when dropped.
#[derive(Debug)]
pub struct RustServer {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// A look into the memory stores.
    pub memory: MemoryProbe,
    /// Where requests wait for the driver.
    pub(crate) gate: Gate,
    handle: ServerHandle,
    thread: Option<thread::JoinHandle<()>>,
}

impl RustServer {
    /// Starts a server, with a deliberate bug if one is asked for.
    ///
    /// # Errors
    ///
    /// If the options or the store are unusable.
    pub fn start(config: ServerConfig, sabotage: Option<Sabotage>) -> Result<Self> {
        let (send, receive) = mpsc::channel();
        let gate = Gate::default();
        let shared_gate = gate.clone();
        let thread = thread::spawn(move || {
            let shared = Shared::new(shared_gate, sabotage);
            let outcome = actix_rt::System::new().block_on(serve(&config, shared, &send));
            if let Err(error) = outcome {
                // The starter may have gone; then nobody wants to know.
                let _ = send.send(Err(error));
            }
        });
        let (port, handle, memory) = receive.recv().context("the Rust server has ended")??;
        Ok(Self { port, memory, gate, handle, thread: Some(thread) })
    }
}

impl Drop for RustServer {
    fn drop(&mut self) {
        // Sent at once; what the future would give is only when the stop is done, and the thread says that.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type Started = Result<(u16, ServerHandle, MemoryProbe)>;

async fn serve(config: &ServerConfig, shared: Shared, started: &mpsc::Sender<Started>) -> Result<()> {
    let memory = MemoryProbe::new(Arc::clone(&shared.clock));
    let connections = stores::Connections::open(&config.backend)?;
    let mut mounted = Vec::new();
    for space in &config.spaces {
        for (number, set) in config.option_sets.iter().enumerate() {
            let manager = stores::manager(&config.backend, &connections, *space, set, &shared, &memory)
                .with_context(|| format!("option set {number}"))?;
            mounted.push((space.name(), number.to_string(), SessionMiddleware::from_manager(manager)));
        }
    }
    let server = HttpServer::new(move || {
        let shared_by_requests = shared.clone();
        let app = App::new()
            .app_data(web::Data::new(shared.clone()))
            .app_data(web::PayloadConfig::new(1 << 20))
            .wrap_fn(move |request, service| {
                shared_by_requests.begin(&request);
                service.call(request)
            });
        mounted.iter().fold(app, |app, (space, set, sessions)| {
            app.service(
                web::scope("")
                    .guard(guard::Header("x-lab-space", space))
                    .guard(guard::Header("x-lab-set", leak(set)))
                    .wrap(sessions.clone())
                    .default_service(web::post().to(answer)),
            )
        })
    })
    .workers(1)
    .keep_alive(std::time::Duration::from_mins(10))
    .disable_signals()
    .bind(("127.0.0.1", 0))?;
    let port = server.addrs().first().context("no address")?.port();
    let running = server.run();
    let _ = started.send(Ok((port, running.handle(), memory)));
    Ok(running.await?)
}

/// Guards hold on to their text for ever; there are a hundred of them.
fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

async fn answer(
    request: HttpRequest,
    session: Option<Session>,
    shared: web::Data<Shared>,
    body: web::Bytes,
) -> actix_web::Result<HttpResponse> {
    let task: Task = serde_json::from_slice(&body)?;
    let was_loaded = session.as_ref().is_some_and(|session| {
        let id = request.headers().get("x-lab-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        !session.id().as_str().starts_with(&format!("{id}."))
    });
    let handler = operations::Handler { shared: &shared, was_loaded };
    let results = handler.run(session, &task.operations).await;
    Ok(match task.end {
        End::Error => return Err(actix_web::error::ErrorInternalServerError("error")),
        End::Results => HttpResponse::Ok().json(results),
        End::NotFound => HttpResponse::NotFound().json(results),
        End::Empty => HttpResponse::NoContent().finish(),
        End::Redirect => HttpResponse::Found().insert_header((LOCATION, "/elsewhere")).finish(),
        End::OwnCookie => HttpResponse::Ok().insert_header((SET_COOKIE, "theme=dark; Path=/")).json(results),
    })
}
