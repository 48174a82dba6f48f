//! `sweep`: removes what has expired.

use serde::Serialize;

use crate::error::{CtlError, Ended};
use crate::output::Output;
use crate::store::AnyStore;

#[derive(Debug, Serialize)]
struct Swept {
    removed: u64,
}

pub(crate) async fn run(store: &AnyStore, output: &mut Output) -> Result<Ended, CtlError> {
    let removed = store.sweep().await.map_err(CtlError::of("store"))?;
    if output.json {
        output.object(&Swept { removed })?;
    } else if matches!(store, AnyStore::Redis(_)) {
        output.line("Redis removes expired sessions itself")?;
    } else {
        output.line(&format!("removed {removed}"))?;
    }
    Ok(Ended::Well)
}
