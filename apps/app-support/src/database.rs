//! Servers that keep sessions: which one, and whether it answers.

use std::error::Error;

use anyhow::Context as _;

use crate::settings::Database;
use crate::setup::Setup;

impl<Settings> Setup<Settings> {
    /// The store's options for the server that the section `[store]` names, or else `article`, the article's.
    ///
    /// # Errors
    ///
    /// If the URL is none; the text says where it stands, and nothing of it.
    pub fn database<Options, E>(
        &self,
        store: &Database,
        article: Options,
        from_url: impl FnOnce(&str) -> Result<Options, E>,
    ) -> anyhow::Result<Options>
    where
        E: Error + Send + Sync + 'static,
    {
        let url = store.url.as_deref();
        url.map_or(Ok(article), from_url).with_context(|| self.place("store.url"))
    }
}

/// Tells the log if the server cannot be used yet. The app starts all the same: it may come later.
pub fn log_unless_ready(server: &str, ready: Result<(), impl Error + Send + Sync + 'static>) {
    if let Err(error) = ready {
        tracing::error!("{server} cannot be used yet: {:#}", anyhow::Error::new(error));
    }
}
