//! Article A2: a login and a check who is logged in; sessions in memory.
//!
//! DIFFERENCE: the article's login accepts any password that is not empty. Here it must be the user's.

mod users;

use std::process::ExitCode;

use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, web};
use anyhow::Context as _;
use app_support::{
    Attempts, LOGIN_FAILED_HTML, Page, RELOAD_WHEN_RESTORED, SESSION_SECRET, Setup, Users,
    announce_failed_login, clear_notice, escape, login_has_failed,
};
use express_session_actix::{CrossOriginProtection, Error, Options, Session, SessionMiddleware};
use express_session_memory::{MemoryOptions, MemoryStore};
use serde::Deserialize;

const LOGIN_FORM: &str = include_str!("login-form.html");

/// The key under which the session remembers who is logged in.
const USER: &str = "sessionID";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    users: UsersFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UsersFile {
    file: String,
}

#[actix_web::main]
async fn main() -> ExitCode {
    app_support::run("login-process", &[SESSION_SECRET], start).await
}

async fn start(setup: Setup<Settings>) -> anyhow::Result<()> {
    let options = Options::express(setup.secrets(&["mySecretKey!@#$"]))
        .allow_weak_secret(true)
        .resave(false)
        .save_uninitialized(true);
    let options = setup.session(options)?;
    let attempts = web::Data::new(setup.attempts());
    let users =
        web::Data::new(users::read(&setup.settings.users.file).with_context(|| setup.place("users.file"))?);
    let sessions = SessionMiddleware::new(MemoryStore::new(MemoryOptions::new()), options);
    setup
        .serve(move || {
            App::new()
                .app_data(users.clone())
                .app_data(attempts.clone())
                .wrap(sessions.clone())
                // The logout is a link, as in the article: other sites may not follow it in a visitor's name.
                .wrap(CrossOriginProtection::new().guard("/logout_process"))
                .route("/", web::get().to(index))
                .route("/login_process", web::post().to(login))
                .route("/rightLoginCheck", web::get().to(check))
                .route("/logout_process", web::get().to(logout))
        })
        .await
}

async fn index(request: HttpRequest, session: Session, page: Page) -> HttpResponse {
    let failed = login_has_failed(&request);
    let body = match user(&session) {
        Some(user) => format!(
            "<h1 id=\"user\">{user}</h1><p>님이 로그인했습니다 <small lang=\"en\">is logged in</small></p>\
             <nav><a href=\"/rightLoginCheck\">확인 <span lang=\"en\">check</span></a>\
             <a href=\"/logout_process\">로그아웃 <span lang=\"en\">logout</span></a></nav>{RELOAD_WHEN_RESTORED}",
            user = escape(&user)
        ),
        None if failed => format!("{LOGIN_FAILED_HTML}{LOGIN_FORM}"),
        None => LOGIN_FORM.to_owned(),
    };
    let mut response = page.html("login process", &body);
    if failed {
        clear_notice(&mut response);
    }
    response
}

/// The form's fields; one that is missing is as good as empty.
#[derive(Default, Deserialize)]
struct Login {
    #[serde(default)]
    id: String,
    #[serde(default)]
    password: String,
}

async fn login(
    request: HttpRequest,
    session: Session,
    page: Page,
    users: web::Data<Users>,
    attempts: web::Data<Attempts>,
    form: actix_web::Result<web::Form<Login>>,
) -> actix_web::Result<HttpResponse> {
    // A body that is no form is a failed login, too.
    let Login { id, password } = form.map(web::Form::into_inner).unwrap_or_default();
    if let Err(refused) = attempts.count(&request, &id) {
        return Ok(page.too_many_attempts(refused));
    }
    let mut response = to_index();
    if users.check(&id, password).await? {
        // A new id: one that somebody slipped to the visitor before the login is worth nothing after it.
        session.regenerate().await?;
        session.insert(USER, &id)?;
        tracing::info!("로그인 성공!");
    } else {
        tracing::info!("로그인 실패");
        announce_failed_login(&mut response);
    }
    Ok(response)
}

async fn check(session: Session) -> HttpResponse {
    if let Some(user) = user(&session) {
        tracing::info!("{} 가 접속했습니다", user.escape_debug());
    } else {
        tracing::info!("잘못된 유저");
    }
    to_index()
}

async fn logout(session: Session) -> Result<HttpResponse, Error> {
    if let Some(user) = user(&session) {
        tracing::info!("{}가 로그아웃했습니다.", user.escape_debug());
        session.destroy().await?;
    }
    Ok(to_index())
}

/// Who is logged in. What is not text is nobody.
fn user(session: &Session) -> Option<String> {
    session.get(USER).ok().flatten()
}

fn to_index() -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, "/")).finish()
}
