//! Counts the visits of one session in a database.
//!
//! ```sh
//! DATABASE_URL=mysql://user:password@localhost/test cargo run -p express-session-mysql --example visits
//! ```

use std::env;

use express_session_core::{Cookie, Data, Expect, SessionId, SessionStore, SetOutcome};
use express_session_mysql::{MySqlOptions, MySqlStore};

#[tokio::main]
#[allow(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL names no database")?;
    let store = MySqlStore::new(MySqlOptions::from_url(&url)?)?;
    store.ready().await?;
    let id = SessionId::parse("example-visits")?;
    loop {
        let (mut data, revision) = match store.get(&id).await? {
            Some(stored) => (Data::of(stored.document), Some(stored.revision)),
            None => (Data::new(Cookie::default()), None),
        };
        let visits = data.get::<u64>("visits")?.unwrap_or(0) + 1;
        data.insert("visits", visits)?;
        let expect = revision.as_ref().map_or(Expect::Any, Expect::Revision);
        // Somebody else was quicker, or the session has expired just now: look again.
        if let SetOutcome::Written(_) = store.set(&id, &data.encode(), expect).await? {
            println!("visit number {visits}");
            break;
        }
    }
    store.close().await;
    Ok(())
}
