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

    fn headers(&self, name: &str, see: &mut dyn FnMut(&[u8])) {
        if let Some(cookie) = self.cookie.filter(|_| name == "cookie") {
            see(cookie.as_bytes());
        }
    }
}

/// Answers a request: the page, and the cookie to send with it.
async fn count(
    sessions: &SessionManager,
    cookie: Option<&str>,
) -> Result<(String, Option<String>), Box<dyn Error>> {
    let session = sessions.begin(&Request { cookie }).await?.ok_or("no session at this path")?;
    let views = session.update("views", |views: Option<u64>| views.unwrap_or(0) + 1).await?;
    let finished = session.finish().await?;
    Ok((format!("View: {views}"), finished.set_cookie))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::new(["for this example only, 32 bytes or more"]).build()?;
    let store = MemoryStore::new(MemoryOptions::new());
    let sessions = SessionManager::new(store.clone(), options);

    let (page, set_cookie) = count(&sessions, None).await?;
    println!("Alice: {page}");
    let alice = set_cookie.as_deref().and_then(|it| it.split(';').next()).map(str::to_owned);
    println!("Bob:   {}", count(&sessions, None).await?.0);
    println!("Alice: {}", count(&sessions, alice.as_deref()).await?.0);
    println!("{:?}", store.stats());
    Ok(())
}
