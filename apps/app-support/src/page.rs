//! What visitors see: the article's text, as it is for programs, dressed for browsers.

use std::future::{Ready, ready};
use std::sync::LazyLock;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType, HeaderValue};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};

use crate::attempts::TooManyAttempts;
use crate::content_policy::content_policy;

/// Shared by all pages.
const STYLE: &str = include_str!("page.css");

/// For pages that only those may see who are logged in: a browser that brings the page back from memory, as by the
/// back button, asks the server again.
pub const RELOAD_WHEN_RESTORED: &str =
    "<script>addEventListener('pageshow', (event) => { if (event.persisted) location.reload() })</script>";

/// The one script of these pages, in its tag, and their style; nothing else runs.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let script = RELOAD_WHEN_RESTORED.strip_prefix("<script>").and_then(|it| it.strip_suffix("</script>"));
    content_policy(&[STYLE], script.as_slice())
});

/// How to answer this visitor with a page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    is_browser: bool,
}

impl Page {
    /// The article's text and nothing else, as `res.send(text)`. A browser, which asks for `text/html` by name,
    /// gets the same text with a little style around it.
    pub fn text(self, text: &str) -> HttpResponse {
        if self.is_browser {
            Self::respond(document(language(text), "express-session", &escape(text)))
        } else {
            Self::respond(text.to_owned())
        }
    }

    /// A page in Korean with this content, which is HTML; what is in another language says so by `lang`.
    pub fn html(self, title: &str, content: &str) -> HttpResponse {
        Self::respond(document("ko", title, content))
    }

    /// The answer to who has tried too often to log in.
    pub fn too_many_attempts(self, refused: TooManyAttempts) -> HttpResponse {
        let seconds = refused.retry_after.as_secs();
        let mut response = self.html(
            "too many attempts",
            &format!("<p role=\"alert\">로그인 시도가 너무 많습니다 <small lang=\"en\">Too many attempts to log in. Try again in {seconds} seconds.</small></p>"),
        );
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        let (name, value) = refused.header();
        response.headers_mut().insert(name, value);
        response
    }

    fn respond(body: String) -> HttpResponse {
        HttpResponse::Ok()
            .content_type(ContentType::html())
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY.clone()))
            .insert_header((header::VARY, "Accept"))
            .body(body)
    }
}

impl FromRequest for Page {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
        ready(Ok(Self { is_browser: accept.is_some_and(|accept| accept.contains("text/html")) }))
    }
}

fn document(language: &str, title: &str, content: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\">\
         <style>{STYLE}</style></head><body><main>{content}</main></body></html>"
    )
}

/// The language of an article's text: the articles write Korean and English. Screen readers go by it.
fn language(text: &str) -> &'static str {
    if text.chars().any(|character| ('가'..='힣').contains(&character)) { "ko" } else { "en" }
}

/// Makes text safe to stand in HTML, in attributes too.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_hangul_is_korean() {
        assert_eq!((language("3번 접속"), language("View: 3")), ("ko", "en"));
    }

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            escape("<script>'a' & \"b\"</script>"),
            "&lt;script&gt;&#39;a&#39; &amp; &quot;b&quot;&lt;/script&gt;"
        );
    }
}
