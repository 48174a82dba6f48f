//! What the articles' `console.log(req.session)` shows. For demos alone: a session belongs into no other log.

use express_session_actix::Session;

/// Logs the session as it is stored: the cookie's fields, then the data.
pub fn log_session(session: &Session) {
    // JSON escapes control characters, so what a visitor has put there cannot forge a line.
    tracing::info!("Session {}", session.data().encode().text());
}
