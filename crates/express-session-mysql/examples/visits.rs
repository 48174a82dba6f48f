//! Counts the visits of one session in a database.
//!
//! ```sh
//! DATABASE_URL=mysql://user:password@localhost/test cargo run -p express-session-mysql --example visits
//! ```

use std::env;

use express_session_core::{Expect, Record, SessionId, SessionStore, SetOutcome};
use express_session_mysql::{MySqlOptions, MySqlStore};

#[tokio::main]
#[allow(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL names no database")?;
    let store = MySqlStore::connect(MySqlOptions::from_url(&url)?).await?;
    let id = SessionId::parse("example-visits")?;
    loop {
        let stored = store.get(&id).await?;
        let mut record = stored.as_ref().map_or_else(Record::default, |stored| stored.record.clone());
        let visits = record.data.get::<u64>("visits")?.unwrap_or(0) + 1;
        record.data.insert("visits", &visits)?;
        let expect = stored.as_ref().map_or(Expect::Any, |stored| Expect::Revision(&stored.revision));
        // Somebody else was quicker, or the session has expired just now: look again.
        if let SetOutcome::Written(_) = store.set(&id, &record, expect).await? {
            println!("visit number {visits}");
            break;
        }
    }
    store.close().await;
    Ok(())
}
