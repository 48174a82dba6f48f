//! Whose a session is, over HTTP: a page "my devices", an administrator, a limit.

use std::num::NonZeroU32;

use actix_test::TestServer;
use actix_web::http::Method;
use actix_web::{App, HttpRequest, HttpResponse, web};
use express_session_actix::core::Owner;
use express_session_actix::{Error, Options, OwnerLimit, Session, SessionHandle, SessionMiddleware};

use crate::client::{SECRET, Visitor, memory};
use crate::stores::SwitchStore;

async fn login(
    session: Session,
    user: web::Path<String>,
    request: HttpRequest,
) -> Result<&'static str, Error> {
    session.regenerate().await?;
    session.set_owner(&*user)?;
    let browser = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
    session.set_label(browser.unwrap_or("unknown"));
    session.save().await?;
    Ok("welcome")
}

/// One line per session: its handle, its label, and a star if it is this one.
async fn devices(session: Session) -> Result<String, Error> {
    let line = |shown: &express_session_actix::OwnedSession| {
        let star = if shown.is_current { "*" } else { "" };
        format!("{} {}{star}\n", shown.handle, shown.label.as_deref().unwrap_or_default())
    };
    Ok(session.sessions_of_owner().await?.iter().map(line).collect())
}

async fn end(session: Session, handle: web::Path<String>) -> Result<HttpResponse, Error> {
    let ended = match handle.parse::<SessionHandle>() {
        Ok(handle) => session.end_session(&handle).await?,
        Err(_) => false,
    };
    Ok(if ended { HttpResponse::NoContent() } else { HttpResponse::NotFound() }.finish())
}

async fn change_password(session: Session) -> Result<String, Error> {
    Ok(session.end_other_sessions().await?.to_string())
}

async fn who(session: Session) -> String {
    session.owner().map_or_else(|| "nobody".to_owned(), |owner| owner.as_str().to_owned())
}

fn server(sessions: SessionMiddleware) -> TestServer {
    actix_test::start(move || {
        App::new()
            .wrap(sessions.clone())
            .route("/login/{user}", web::get().to(login))
            .route("/devices", web::get().to(devices))
            .route("/devices/{handle}", web::delete().to(end))
            .route("/password", web::post().to(change_password))
            .route("/who", web::get().to(who))
    })
}

async fn logged_in(server: &TestServer, user: &str) -> Visitor {
    let visitor = Visitor::default();
    assert_eq!(visitor.get(server, &format!("/login/{user}")).await.status, 200);
    visitor
}

fn sessions(limit: Option<OwnerLimit>) -> SessionMiddleware {
    let options = Options::new([SECRET]);
    let options = match limit {
        Some(limit) => options.owner_limit(limit),
        None => options,
    };
    SessionMiddleware::new(memory(), options.build().unwrap())
}

#[actix_rt::test]
async fn users_see_their_sessions_and_end_one() {
    let server = server(sessions(None));
    let (mine, lost, bobs) = (
        logged_in(&server, "alice").await,
        logged_in(&server, "alice").await,
        logged_in(&server, "bob").await,
    );
    let list = mine.get(&server, "/devices").await.body;
    assert_eq!(list.lines().count(), 2, "{list}");
    assert_eq!(list.lines().filter(|line| line.ends_with('*')).count(), 1, "{list}");
    let other = list.lines().find(|line| !line.ends_with('*')).unwrap();
    let handle = other.split(' ').next().unwrap();
    assert!(!lost.cookie("connect.sid").unwrap().contains(handle), "a handle is no part of the cookie");

    let end = |handle: &str| format!("/devices/{handle}");
    assert_eq!(bobs.send(&server, Method::DELETE, &end(handle)).await.status, 404, "somebody else's session");
    assert_eq!(mine.send(&server, Method::DELETE, &end("no-handle")).await.status, 404);
    assert_eq!(mine.send(&server, Method::DELETE, &end(handle)).await.status, 204);
    assert_eq!(lost.get(&server, "/who").await.body, "nobody");
    assert_eq!(mine.get(&server, "/who").await.body, "alice");
    assert_eq!(mine.send(&server, Method::DELETE, &end(handle)).await.status, 404, "it has ended already");
}

#[actix_rt::test]
async fn a_change_of_password_ends_all_other_sessions() {
    let server = server(sessions(None));
    let mine = logged_in(&server, "alice").await;
    let others = [logged_in(&server, "alice").await, logged_in(&server, "alice").await];
    let bobs = logged_in(&server, "bob").await;
    assert_eq!(mine.send(&server, Method::POST, "/password").await.body, "2");
    for other in &others {
        assert_eq!(other.get(&server, "/who").await.body, "nobody");
    }
    assert_eq!(mine.get(&server, "/who").await.body, "alice");
    assert_eq!(bobs.get(&server, "/who").await.body, "bob");
}

#[actix_rt::test]
async fn an_administrator_ends_all_sessions_of_an_account() {
    let sessions = sessions(None);
    let server = server(sessions.clone());
    let browsers = [logged_in(&server, "alice").await, logged_in(&server, "alice").await];
    let bobs = logged_in(&server, "bob").await;
    let alice = Owner::new("alice").unwrap();
    assert_eq!(sessions.manager().sessions_of(alice).end_all().await.unwrap(), 2);
    for browser in &browsers {
        assert_eq!(browser.get(&server, "/who").await.body, "nobody");
    }
    assert_eq!(bobs.get(&server, "/who").await.body, "bob");
}

#[actix_rt::test]
async fn an_account_has_so_many_sessions_and_no_more() {
    let two = NonZeroU32::new(2).unwrap();
    let refusing = server(sessions(Some(OwnerLimit::Refuse(two))));
    logged_in(&refusing, "alice").await;
    logged_in(&refusing, "alice").await;
    let third = Visitor::default();
    assert_eq!(third.get(&refusing, "/login/alice").await.status, 409);
    assert_eq!(third.get(&refusing, "/who").await.body, "nobody");

    let replacing = server(sessions(Some(OwnerLimit::EndOldest(NonZeroU32::MIN))));
    let first = logged_in(&replacing, "alice").await;
    let second = logged_in(&replacing, "alice").await;
    assert_eq!(first.get(&replacing, "/who").await.body, "nobody");
    assert_eq!(second.get(&replacing, "/who").await.body, "alice");
}

#[actix_rt::test]
async fn without_an_owner_or_a_list_nothing_is_shown() {
    let server = server(sessions(None));
    assert_eq!(Visitor::default().get(&server, "/devices").await.status, 401);

    let unlisted = SessionMiddleware::new(SwitchStore::new(), Options::new([SECRET]).build().unwrap());
    let server = self::server(unlisted);
    let visitor = Visitor::default();
    assert_eq!(visitor.get(&server, "/login/alice").await.status, 500, "this store keeps no list of owners");
    assert_eq!(visitor.get(&server, "/who").await.body, "nobody");
}
