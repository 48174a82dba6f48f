//! Article A0, section 5: a page for those who have logged in; sessions in MySQL.

mod webpage;

use std::process::ExitCode;

use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, web};
use app_support::{
    Attempts, DATABASE_URL, Database, Page, SESSION_SECRET, Setup, User, Users, announce_failed_login,
    clear_notice, log_unless_ready, login_has_failed,
};
use express_session_actix::{CrossOriginProtection, Options, Session, SessionMiddleware};
use express_session_mysql::{MySqlOptions, MySqlStore};
use serde::Deserialize;

use crate::webpage::{Webpage, error_500};

/// The key under which the session remembers who is logged in.
const USER: &str = "user";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    webpage: String,
    store: Database,
}

#[actix_web::main]
async fn main() -> ExitCode {
    app_support::run("mysql-session", &[SESSION_SECRET, DATABASE_URL], start).await
}

async fn start(setup: Setup<Settings>) -> anyhow::Result<()> {
    let options = Options::express(setup.secrets(&["secret key"]))
        .allow_weak_secret(true)
        .resave(false)
        .save_uninitialized(false);
    let options = setup.session(options)?;
    let attempts = web::Data::new(setup.attempts());
    let users = web::Data::new(Users::new([
        // "world" and "bye", of which the article says that they should be hashed.
        User::new("hello", "$2b$10$iEA8LLSSbTf8A0R7RDkcQ.8sZ7ln6xUbGtYOX5DGi6wSvAqyd.1mm"),
        User::new("good", "$2b$10$5JFEG.yEQMj1Ou80d4iW7OMzUCFZxFaZJFs0SiSjB8jZ5iIhCKi8O"),
    ])?);
    let webpage = web::Data::new(Webpage::new(&setup.settings.webpage));
    let article = MySqlOptions::new()
        .host("localhost")
        .port(3306)
        .user("root")
        .password("root")
        .database("session_test");
    let store = MySqlStore::new(setup.database(&setup.settings.store, article, MySqlOptions::from_url)?)?;
    log_unless_ready("MySQL", store.ready().await);
    let sessions = SessionMiddleware::new(store, options);
    setup
        .serve(move || {
            App::new()
                .app_data(users.clone())
                .app_data(webpage.clone())
                .app_data(attempts.clone())
                .wrap(sessions.clone())
                // The logout is a link, as in the article: other sites may not follow it in a visitor's name.
                .wrap(CrossOriginProtection::new().guard("/logout"))
                .route("/", web::get().to(index))
                .route("/login", web::get().to(login_page))
                .route("/login", web::post().to(login))
                .route("/logout", web::get().to(logout))
        })
        .await
}

async fn index(session: Session, webpage: web::Data<Webpage>) -> HttpResponse {
    if is_logged_in(&session) { webpage.send("main.html").await } else { redirect("/login") }
}

async fn login_page(request: HttpRequest, session: Session, webpage: web::Data<Webpage>) -> HttpResponse {
    if is_logged_in(&session) {
        return redirect("/");
    }
    if !login_has_failed(&request) {
        return webpage.send("login.html").await;
    }
    let mut response = webpage.send("login-failed.html").await;
    clear_notice(&mut response);
    response
}

/// The form's fields; one that is missing is as good as empty.
#[derive(Default, Deserialize)]
struct Login {
    #[serde(default)]
    id: String,
    #[serde(default)]
    pw: String,
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
    let Login { id, pw } = form.map(web::Form::into_inner).unwrap_or_default();
    if let Err(refused) = attempts.count(&request, &id) {
        return Ok(page.too_many_attempts(refused));
    }
    if !users.check(&id, pw).await? {
        let mut response = redirect("/login");
        announce_failed_login(&mut response);
        return Ok(response);
    }
    Ok(match remember(&session, &id).await {
        Ok(()) => redirect("/"),
        Err(error) => {
            // Not tried again at the end of the request.
            session.unset();
            error_500(&error)
        }
    })
}

/// A new id for the visitor, so that one known to others is worth nothing; saved before the redirect.
async fn remember(session: &Session, user: &str) -> anyhow::Result<()> {
    session.regenerate().await?;
    session.insert(USER, user)?;
    Ok(session.save().await?)
}

async fn logout(session: Session) -> HttpResponse {
    match session.destroy().await {
        Ok(()) => redirect("/"),
        Err(error) => error_500(&error.into()),
    }
}

fn is_logged_in(session: &Session) -> bool {
    session.get::<String>(USER).is_ok_and(|user| user.is_some())
}

fn redirect(to: &str) -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, to)).finish()
}
