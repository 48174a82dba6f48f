//! "My devices": where a user is logged in, and how to end that. For programs and, as a page, for people.
//!
//! The article has no such thing; its own requests are answered as it says.

use std::time::SystemTime;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HttpDate};
use actix_web::{HttpRequest, HttpResponse, web};
use app_support::{Attempts, Page, RELOAD_WHEN_RESTORED, escape};
use express_session_actix::{Error, OwnedSession, Session, SessionHandle};
use serde_json::{Value, json};

use crate::auth::{Credentials, is_logged_in, remember};
use crate::reply::{fail_message, success};
use crate::users::{Login, Users};

const PATH: &str = "/devices";

/// `GET /api/v1/devices`
pub(crate) async fn list(session: Session) -> Result<HttpResponse, Error> {
    let devices: Vec<Value> = session.sessions_of_owner().await?.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({ "status": "success", "data": { "devices": devices } })))
}

fn shown(device: &OwnedSession) -> Value {
    json!({
        "handle": device.handle.as_str(),
        "label": device.label,
        "created": device.created.and_then(milliseconds),
        "lastSeen": device.last_seen.and_then(milliseconds),
        "current": device.is_current,
    })
}

fn milliseconds(at: SystemTime) -> Option<u64> {
    at.duration_since(SystemTime::UNIX_EPOCH).ok().and_then(|since| u64::try_from(since.as_millis()).ok())
}

/// `DELETE /api/v1/devices/{handle}`
pub(crate) async fn end(session: Session, handle: web::Path<String>) -> Result<HttpResponse, Error> {
    Ok(if end_named(&session, &handle).await? {
        success()
    } else {
        fail_message(StatusCode::NOT_FOUND, "there is no such device")
    })
}

/// `DELETE /api/v1/devices`: all but the one that asks.
pub(crate) async fn end_others(session: Session) -> Result<HttpResponse, Error> {
    let ended = session.end_other_sessions().await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "success", "data": { "ended": ended } })))
}

/// Ends a session of this user; the one that asks, as a logout does.
async fn end_named(session: &Session, handle: &str) -> Result<bool, Error> {
    let Ok(handle) = handle.parse::<SessionHandle>() else { return Ok(false) };
    if handle == session.handle() {
        session.purge().await?;
        return Ok(true);
    }
    session.end_session(&handle).await
}

/// `GET /devices`
pub(crate) async fn page(session: Session, page: Page) -> Result<HttpResponse, Error> {
    if !is_logged_in(&session) {
        return Ok(page.html("로그인", &login_form("")));
    }
    let devices = session.sessions_of_owner().await?;
    let rows: String = devices.iter().map(row).collect();
    let others = if devices.len() > 1 {
        "<form method=\"post\" action=\"/devices/end-others\"><button>다른 기기 모두 로그아웃</button></form>"
    } else {
        ""
    };
    let body = format!(
        "<h1>내 기기 <small lang=\"en\">My devices</small></h1><ul>{rows}</ul>{others}{RELOAD_WHEN_RESTORED}"
    );
    Ok(page.html("내 기기", &body))
}

/// One device: what it is, since when it is logged in, and a button that ends that.
fn row(device: &OwnedSession) -> String {
    let label = escape(device.label.as_deref().unwrap_or("알 수 없는 기기"));
    let since = device.created.map(|at| HttpDate::from(at).to_string()).unwrap_or_default();
    let (this, button) =
        if device.is_current { (" <em>이 기기</em>", "로그아웃") } else { ("", "끝내기") };
    format!(
        "<li><div>{label}{this}<small><time lang=\"en\">{since}</time></small></div>\
         <form method=\"post\" action=\"/devices/{}/end\"><button aria-label=\"{button}: {label}\">{button}</button></form></li>",
        device.handle
    )
}

fn login_form(notice: &str) -> String {
    format!(
        "<h1>로그인 <small lang=\"en\">log in</small></h1>{notice}<form method=\"post\" action=\"/devices/login\">\
         <label for=\"username\">이름</label><input id=\"username\" name=\"username\" autocomplete=\"username\" required>\
         <label for=\"password\">비밀번호</label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\
         <button>로그인</button></form>"
    )
}

/// `POST /devices/login`
pub(crate) async fn log_in(
    request: HttpRequest,
    session: Session,
    users: web::Data<Users>,
    attempts: web::Data<Attempts>,
    page: Page,
    form: web::Form<Credentials>,
) -> HttpResponse {
    let Credentials { username, password } = form.into_inner();
    if let Err(refused) = attempts.count(&request, &username) {
        return page.too_many_attempts(refused);
    }
    let remembered = match users.log_in(&username, password).await {
        Ok(Login::Welcome(user)) => remember(&request, &session, &user).await,
        Ok(Login::NoSuchUser | Login::WrongPassword) => {
            let notice = "<p role=\"alert\"><small>이름이나 비밀번호가 다릅니다</small></p>";
            let mut response = page.html("로그인", &login_form(notice));
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            return response;
        }
        Err(error) => Err(error),
    };
    match remembered {
        Ok(()) => back(),
        Err(error) => crate::reply::broken(&error),
    }
}

/// `POST /devices/{handle}/end`
pub(crate) async fn end_from_page(
    session: Session,
    handle: web::Path<String>,
) -> Result<HttpResponse, Error> {
    end_named(&session, &handle).await?;
    Ok(back())
}

/// `POST /devices/end-others`
pub(crate) async fn end_others_from_page(session: Session) -> Result<HttpResponse, Error> {
    session.end_other_sessions().await?;
    Ok(back())
}

fn back() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, PATH)).finish()
}

/// What a browser calls itself, in two words. Whoever sends the header decides what it says.
pub(crate) fn label(request: &HttpRequest) -> String {
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let agent =
        request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let find =
        |words: &[(&str, &'static str)]| words.iter().find(|(word, _)| agent.contains(word)).map(|it| it.1);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.split(['/', ' ']).next().unwrap_or_default().chars().take(40).collect(),
    }
}
