//! Signup, login, logout, and what only those see who are logged in.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use app_support::Attempts;
use express_session_actix::Session;
use serde::Deserialize;
use serde_json::json;

use crate::devices::label;
use crate::reply::{broken, fail_error, fail_message, success, success_message, too_many};
use crate::users::{Login, SignupError, User, Users};

/// The key under which the session remembers who is logged in.
const USER: &str = "user";

/// The body of signup and login.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// `POST /api/v1/signup`
pub(crate) async fn signup(
    request: HttpRequest,
    session: Session,
    users: web::Data<Users>,
    attempts: web::Data<Attempts>,
    body: web::Json<Credentials>,
) -> HttpResponse {
    let Credentials { username, password } = body.into_inner();
    // Each costs a hash, as a login does.
    if let Err(refused) = attempts.count_address(&request) {
        return too_many(refused);
    }
    let user = match users.sign_up(username, password).await {
        Ok(user) => user,
        Err(error) => return refuse(&error),
    };
    match remember(&request, &session, &user).await {
        Ok(()) => HttpResponse::Created().json(json!({ "status": "success", "data": { "user": user } })),
        Err(error) => broken(&error),
    }
}

fn refuse(error: &SignupError) -> HttpResponse {
    let text = match error {
        SignupError::BadName => "the username must have 1 to 64 characters",
        SignupError::EmptyPassword => "the password must not be empty",
        SignupError::LongPassword => "the password must not be longer than 72 bytes",
        SignupError::NameTaken => "the username is taken",
        SignupError::Broken(error) => return broken(error),
    };
    fail_error(StatusCode::BAD_REQUEST, text)
}

/// `POST /api/v1/login`
pub(crate) async fn login(
    request: HttpRequest,
    session: Session,
    users: web::Data<Users>,
    attempts: web::Data<Attempts>,
    body: web::Json<Credentials>,
) -> HttpResponse {
    let Credentials { username, password } = body.into_inner();
    if let Err(refused) = attempts.count(&request, &username) {
        return too_many(refused);
    }
    match users.log_in(&username, password).await {
        Ok(Login::Welcome(user)) => match remember(&request, &session, &user).await {
            Ok(()) => success(),
            Err(error) => broken(&error),
        },
        Ok(Login::NoSuchUser) => fail_message(StatusCode::NOT_FOUND, "user not found"),
        Ok(Login::WrongPassword) => fail_message(StatusCode::BAD_REQUEST, "incorrect password"),
        Err(error) => broken(&error),
    }
}

/// A new id for the visitor, so that one known to others is worth nothing.
pub(crate) async fn remember(request: &HttpRequest, session: &Session, user: &User) -> anyhow::Result<()> {
    let remembered = async {
        session.regenerate().await?;
        session.insert(USER, user)?;
        session.set_owner(user.id)?;
        session.set_label(label(request));
        Ok(session.save().await?)
    };
    // What could not be saved is not tried again at the end of the request.
    remembered.await.inspect_err(|_| session.unset())
}

/// `POST /api/v1/logout`: ends the session on both sides.
pub(crate) async fn logout(session: Session) -> HttpResponse {
    if let Err(error) = session.purge().await {
        tracing::error!("{:#}", anyhow::Error::new(error));
        return fail_message(StatusCode::INTERNAL_SERVER_ERROR, "Could not log out, please try again");
    }
    success_message("로그아웃이 성공적으로 완료되었습니다")
}

/// `GET /api/v1/protected`
pub(crate) async fn protected() -> HttpResponse {
    success_message("authorized")
}

/// Whether there is somebody who has logged in.
pub(crate) fn is_logged_in(session: &Session) -> bool {
    matches!(session.get::<User>(USER), Ok(Some(_)))
}

/// Lets only those through who are logged in.
pub(crate) async fn required(
    session: Session,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    if is_logged_in(&session) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let refusal = fail_message(StatusCode::UNAUTHORIZED, "인가되지 않음");
    Ok(request.into_response(refusal).map_into_right_body())
}
