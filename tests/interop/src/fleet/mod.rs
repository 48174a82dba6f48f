//! A mixed fleet: one Node and one Rust server on one Redis, behind a small reverse proxy.

mod proxy;
mod rust_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use anyhow::{Context as _, Result};
use express_session_testbed::redis::RedisServer;
use serde_json::json;

use crate::node::NodeServer;

const SECRET: &str = "the secret that both servers of the fleet know";

const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// The servers and the proxy before them; all end when dropped.
#[derive(Debug)]
pub struct Fleet {
    /// The proxy's port on 127.0.0.1.
    pub port: u16,
    backends: Arc<Backends>,
    node: Mutex<Option<NodeServer>>,
    _redis: RedisServer,
}

/// Where requests go, in turn.
#[derive(Debug)]
pub(crate) struct Backends {
    ports: Mutex<Vec<u16>>,
    turn: AtomicUsize,
}

impl Backends {
    /// The servers to try, the one whose turn it is first.
    fn in_turn(&self) -> Vec<u16> {
        let ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let turn = self.turn.fetch_add(1, Ordering::SeqCst) % ports.len().max(1);
        let (before, after) = ports.split_at(turn);
        after.iter().chain(before).copied().collect()
    }
}

impl Fleet {
    /// Starts the fleet; the proxy listens on `port`, or on any free one for 0.
    ///
    /// # Errors
    ///
    /// If a server is not installed or does not come up.
    pub fn start(port: u16) -> Result<Self> {
        let redis = RedisServer::start(&["--save", ""])?;
        let url = redis.url();
        let node = NodeServer::run("fleet.js", &json!({"url": url, "secret": SECRET}).to_string())?;
        let rust = rust_server::start(&url, SECRET)?;
        let ports = Mutex::new(vec![node.port, rust]);
        let backends = Arc::new(Backends { ports, turn: AtomicUsize::new(0) });
        let shared = web::Data::from(Arc::clone(&backends));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .app_data(web::Data::new(awc::Client::builder().disable_redirects().finish()))
                .route("/", web::get().to(proxy::page))
                .default_service(web::to(proxy::forward))
        })
        .workers(1)
        .bind(("127.0.0.1", port))?;
        let port = server.addrs().first().context("no address")?.port();
        actix_rt::spawn(server.run());
        Ok(Self { port, backends, node: Mutex::new(Some(node)), _redis: redis })
    }

    /// Ends the Node server at once. The proxy finds out by itself, as it would in real life.
    pub fn stop_node(&self) {
        let node = self.node.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(node);
    }

    /// Ends the Node server once the proxy has passed on so many requests.
    pub async fn stop_node_after(&self, requests: usize) {
        while self.backends.turn.load(Ordering::SeqCst) < requests {
            actix_rt::time::sleep(LOOK_AGAIN).await;
        }
        self.stop_node();
    }
}
