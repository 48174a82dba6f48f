//! The pages: HTML files in a folder, read for every request as in the article.

use std::path::PathBuf;

use actix_web::http::header::{self, ContentType};
use actix_web::{HttpResponse, web};
use app_support::{content_policy_of_file, locate};

/// The folder with the pages.
#[derive(Debug)]
pub(crate) struct Webpage {
    folder: PathBuf,
}

impl Webpage {
    /// A folder that is not there is an error page for every request, not an app that does not start.
    pub(crate) fn new(folder: &str) -> Self {
        Self { folder: locate(folder).unwrap_or_else(|| folder.into()) }
    }

    /// The page, or the article's error page if it cannot be read.
    pub(crate) async fn send(&self, page: &'static str) -> HttpResponse {
        let path = self.folder.join(page);
        match web::block(move || std::fs::read_to_string(path)).await {
            Ok(Ok(html)) => HttpResponse::Ok()
                .content_type(ContentType::html())
                .insert_header((header::CONTENT_SECURITY_POLICY, content_policy_of_file(&html)))
                .body(html),
            Ok(Err(error)) => error_500(&anyhow::Error::new(error).context(page)),
            Err(error) => error_500(&error.into()),
        }
    }
}

/// The article's error page. What happened is for the log.
pub(crate) fn error_500(error: &anyhow::Error) -> HttpResponse {
    tracing::error!("{error:#}");
    HttpResponse::InternalServerError().content_type(ContentType::html()).body("<h1>500 error</h1>")
}
