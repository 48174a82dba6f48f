//! One session in a folder: written, counted up, read back.
//!
//! `cargo run -p express-session-file --example basic`, then look into the folder it names.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::time::Duration;

use express_session_core::{Cookie, Data, Expect, SessionId, SessionStore as _, SetOutcome};
use express_session_file::{FileOptions, FileStore};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join("express-session-file-example");
    let store = FileStore::new(FileOptions::new().path(&folder).ttl(Duration::from_mins(10)))?;
    let id = SessionId::parse("example")?;

    // A middleware does this; `Expect::Revision` is what keeps two requests from overwriting each other.
    let outcome = match store.get(&id).await? {
        None => {
            let mut data = Data::new(Cookie::default());
            data.insert("num", 1)?;
            store.set(&id, &data.encode(), Expect::Any).await?
        }
        Some(stored) => {
            let mut data = Data::of(stored.document);
            let num: u64 = data.get("num")?.unwrap_or(0);
            data.insert("num", num + 1)?;
            store.set(&id, &data.encode(), Expect::Revision(&stored.revision)).await?
        }
    };
    if let SetOutcome::Written(revision) = outcome {
        println!(
            "{}: {}",
            folder.join("example.json").display(),
            String::from_utf8_lossy(revision.as_bytes())
        );
    }
    Ok(())
}
