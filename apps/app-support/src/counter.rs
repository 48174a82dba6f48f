//! The page that most articles are about: it counts how often this visitor has seen it.

use actix_web::{App, HttpResponse, web};
use express_session_actix::{Error, OptionsBuilder, Session, SessionMiddleware};
use express_session_core::SessionStore;

use crate::page::Page;
use crate::session_log::log_session;
use crate::setup::Setup;

/// What is different from article to article.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// The path of the page.
    pub path: &'static str,
    /// Where the session keeps the number.
    pub key: &'static str,
    /// What the page says to somebody who sees it for the first time (1) or again.
    pub text: fn(u64) -> String,
}

impl<Settings> Setup<Settings> {
    /// Serves the page, with sessions in this store and these options.
    ///
    /// # Errors
    ///
    /// As [`session`](Self::session) and [`serve`](Self::serve).
    pub async fn count(
        self,
        store: impl SessionStore,
        options: OptionsBuilder,
        counter: Counter,
    ) -> anyhow::Result<()> {
        let sessions = SessionMiddleware::new(store, self.session(options)?);
        let page = move |session: Session, page: Page| visit(session, page, counter);
        self.serve(move || App::new().wrap(sessions.clone()).route(counter.path, web::get().to(page))).await
    }
}

async fn visit(session: Session, page: Page, counter: Counter) -> Result<HttpResponse, Error> {
    log_session(&session);
    // Not read, then written: requests that overlap would see the same number.
    let number =
        session.update(counter.key, |number: Option<u64>| number.map_or(1, |number| number + 1)).await?;
    Ok(page.text(&(counter.text)(number)))
}
