//! A word for the page that a redirect leads to, as after a wrong password.
//!
//! It travels in a cookie of its own: the session is the article's, and a visitor who is not logged in may have none.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse};

const NAME: &str = "notice";
const LOGIN_FAILED: &str = "login-failed";

/// What the page shows.
pub const LOGIN_FAILED_HTML: &str =
    "<p role=\"alert\">로그인 실패 <small lang=\"en\">The name or the password is wrong.</small></p>";

fn cookie(value: &'static str) -> Cookie<'static> {
    Cookie::build(NAME, value).path("/").http_only(true).same_site(SameSite::Lax).finish()
}

/// Has the next page say that a login has failed, if it comes within a minute.
pub fn announce_failed_login(response: &mut HttpResponse) {
    let mut notice = cookie(LOGIN_FAILED);
    notice.set_max_age(Duration::MINUTE);
    add(response, &notice);
}

/// Whether this page is to say that a login has failed.
pub fn login_has_failed(request: &HttpRequest) -> bool {
    request.cookie(NAME).is_some_and(|notice| notice.value() == LOGIN_FAILED)
}

/// The page says it: the one after it does not any more.
pub fn clear_notice(response: &mut HttpResponse) {
    let mut notice = cookie("");
    notice.make_removal();
    add(response, &notice);
}

fn add(response: &mut HttpResponse, notice: &Cookie<'_>) {
    // It fails for names and values that no header can hold: these can.
    let _ = response.add_cookie(notice);
}
