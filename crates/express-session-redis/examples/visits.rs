//! Counts visits in a session, exactly, however many of these programs run at once.
//!
//! `cargo run -p express-session-redis --example visits -- redis://127.0.0.1:6379`
#![allow(clippy::print_stdout, reason = "an example that prints")]

use express_session_core::{Cookie, Data, Expect, SessionId, SessionStore as _, SetOutcome};
use express_session_redis::{RedisOptions, RedisStore};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let store = RedisStore::new(RedisOptions::from_url(&url)?.prefix("visits:"))?;
    store.ready().await?;
    // A real id is random and comes from a signed cookie; see express-session-actix.
    let id = SessionId::parse("the-only-visitor")?;
    if store.get(&id).await?.is_none() {
        store.set(&id, &Data::new(Cookie::default()).encode(), Expect::Any).await?;
    }
    while let Some(stored) = store.get(&id).await? {
        let mut data = Data::of(stored.document);
        let visits = data.get::<u64>("visits")?.unwrap_or(0) + 1;
        data.insert("visits", visits)?;
        // Somebody else may have come in between: then this is a conflict, and the next round sees their visit.
        if let SetOutcome::Written(_) =
            store.set(&id, &data.encode(), Expect::Revision(&stored.revision)).await?
        {
            println!("visit number {visits}");
            return Ok(());
        }
    }
    println!("the session has ended");
    Ok(())
}
