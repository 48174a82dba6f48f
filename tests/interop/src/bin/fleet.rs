//! The mixed fleet: `make fleet` to watch it, `make fleet-check` to prove it.

#![allow(clippy::print_stdout, reason = "a program that reports to a person")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, ensure};
use awc::Client;
use awc::http::Method;
use clap::Parser;
use express_session_interop::fleet::Fleet;
use serde_json::{Value, json};

/// One Node and one Rust server on one Redis behind a proxy.
#[derive(Parser)]
struct Arguments {
    /// Checks by itself that nobody is logged out, and puts a screenshot here.
    #[arg(long)]
    check: Option<PathBuf>,
    /// Where the proxy listens on 127.0.0.1.
    #[arg(long, default_value_t = 8090)]
    port: u16,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    actix_rt::System::new().block_on(async {
        match arguments.check {
            Some(picture) => check(&picture).await,
            None => watch(arguments.port).await,
        }
    })
}

async fn watch(port: u16) -> Result<()> {
    let fleet = Fleet::start(port)?;
    println!("open http://127.0.0.1:{}/ and watch; Enter stops the Node server", fleet.port);
    enter().await?;
    fleet.stop_node();
    println!("Node is gone; the page goes on. Enter ends the fleet");
    enter().await
}

async fn enter() -> Result<()> {
    actix_rt::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    Ok(())
}

/// A browser with one cookie.
struct Visitor {
    client: Client,
    root: String,
    cookie: Option<String>,
}

impl Visitor {
    async fn call(&mut self, method: Method, path: &str) -> Result<Value> {
        let mut request = self.client.request(method, format!("{}{path}", self.root));
        if let Some(cookie) = &self.cookie {
            request = request.insert_header(("cookie", cookie.as_str()));
        }
        let mut answer = request.send().await.map_err(|error| anyhow!("{error}"))?;
        if let Some(set) = answer.headers().get("set-cookie") {
            self.cookie = set.to_str()?.split(';').next().map(str::to_owned);
        }
        ensure!(answer.status().is_success(), "{path} answered {}", answer.status());
        Ok(serde_json::from_slice(&answer.body().await?)?)
    }
}

async fn check(picture: &Path) -> Result<()> {
    let fleet = Fleet::start(0)?;
    let root = format!("http://127.0.0.1:{}", fleet.port);
    let mut visitor = Visitor { client: Client::default(), root: root.clone(), cookie: None };
    visitor.call(Method::POST, "/login/hello").await?;
    let (mut node, mut rust, mut count) = (0_u32, 0_u32, 0_u32);
    for request in 0..40 {
        if request == 20 {
            fleet.stop_node();
        }
        let state = visitor.call(Method::POST, "/count").await?;
        count += 1;
        ensure!(state.get("user") == Some(&json!("hello")), "logged out at request {request}: {state}");
        ensure!(
            state.get("count") == Some(&json!(count)),
            "request {request} should have counted to {count}: {state}"
        );
        if state.get("server") == Some(&json!("Node")) { node += 1 } else { rust += 1 }
    }
    ensure!(node == 10 && rust == 30, "Node served {node} requests, Rust {rust}");
    println!(
        "one login, one counter: Node served {node}, Rust {rust}; Node went away, nobody was logged out"
    );

    let fleet = Fleet::start(0)?;
    photograph(&fleet, picture).await
}

/// The page after some requests; the Node server goes away while it counts.
async fn photograph(fleet: &Fleet, picture: &Path) -> Result<()> {
    if let Some(folder) = picture.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let url = format!("http://127.0.0.1:{}/?requests=41", fleet.port);
    let profile = tempfile::tempdir()?;
    let mut browser = Command::new("chromium");
    browser
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=820,520"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--timeout=30000", "--virtual-time-budget=20000"])
        .arg(format!("--screenshot={}", picture.display()))
        .arg(url);
    let browser = actix_rt::task::spawn_blocking(move || browser.output());
    let stop = fleet.stop_node_after(20);
    let (output, ()) = futures_util::join!(browser, stop);
    let output = output?.context("cannot start chromium")?;
    ensure!(output.status.success(), "chromium: {}", String::from_utf8_lossy(&output.stderr));
    ensure!(picture.is_file(), "chromium has taken no picture");
    println!("{}", picture.display());
    Ok(())
}
