//! A view counter without a framework: two visitors, the first of whom comes back.
//!
//! `cargo run -p express-session-memory --example counter`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::net::IpAddr;

use express_session_core::{Options, RequestHead, SessionManager};
use express_session_memory::{MemoryOptions, MemoryStore};

/// What a framework knows of a request; here, only the cookie.
struct Request<'a> {
    cookie: Option<&'a str>,
}

impl RequestHead for Request<'_> {
    fn path(&self) -> &'static str {
        "/"
    }

    fn is_tls(&self) -> bool {
        false
    }

    fn peer_addr(&self) -> Option<IpAddr> {
        None
    }

    fn header_values<'a>(&'a self, name: &str) -> Box<dyn Iterator<Item = &'a [u8]> + 'a> {
        Box::new(self.cookie.filter(|_| name == "cookie").into_iter().map(str::as_bytes))
    }
}

/// Answers a request: the page, and the cookie to send with it.
async fn count(
    sessions: &SessionManager,
    cookie: Option<&str>,
) -> Result<(String, Option<String>), Box<dyn Error>> {
    let session = sessions.begin(&Request { cookie }).await?.ok_or("no session at this path")?;
    let views = session
        .transaction(|data| {
            let views = data.get::<u64>("views")?.unwrap_or(0) + 1;
            data.insert("views", &views)?;
            Ok(views)
        })
        .await?;
    let finished = session.finish().await?;
    Ok((format!("View: {views}"), finished.set_cookie))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::builder(["for this example only, 32 bytes or more"]).resave(false).build()?;
    let store = MemoryStore::new(MemoryOptions::new());
    let sessions = SessionManager::new(options, store.clone());

    let (page, set_cookie) = count(&sessions, None).await?;
    println!("Alice: {page}");
    let alice = set_cookie.as_deref().and_then(|it| it.split(';').next()).map(str::to_owned);
    println!("Bob:   {}", count(&sessions, None).await?.0);
    println!("Alice: {}", count(&sessions, alice.as_deref()).await?.0);
    println!("{:?}", store.stats());
    Ok(())
}
