//! What crosses threads may: sessions are held across awaits, errors are boxed.

use express_session_core::{
    Cookie, CookieMut, CookieOptions, Data, DataError, DecodeError, Document, Finished, Options,
    OptionsBuilder, OptionsError, PendingSession, Revision, Secrets, Session, SessionError, SessionId,
    SessionIdError, SessionManager, SetCookieError, StoreError, Stored,
};

fn is_send_and_sync<T: Send + Sync + 'static>() {}
fn is_an_error<T: std::error::Error + Send + Sync + 'static>() {}
fn is_send<T: Send>(_: T) {}

#[test]
fn handles_and_values_are_send_and_sync() {
    is_send_and_sync::<Session>();
    is_send_and_sync::<SessionManager>();
    is_send_and_sync::<CookieMut<'static>>();
    is_send_and_sync::<Finished>();
    is_send_and_sync::<PendingSession>();
    is_send_and_sync::<Options>();
    is_send_and_sync::<OptionsBuilder>();
    is_send_and_sync::<CookieOptions>();
    is_send_and_sync::<Cookie>();
    is_send_and_sync::<Data>();
    is_send_and_sync::<Document>();
    is_send_and_sync::<Revision>();
    is_send_and_sync::<Secrets>();
    is_send_and_sync::<SessionId>();
    is_send_and_sync::<Stored>();
}

#[test]
fn errors_can_be_boxed_and_sent() {
    is_an_error::<SessionError>();
    is_an_error::<StoreError>();
    is_an_error::<DataError>();
    is_an_error::<DecodeError>();
    is_an_error::<OptionsError>();
    is_an_error::<SetCookieError>();
    is_an_error::<SessionIdError>();
}

#[test]
fn the_futures_of_a_request_are_send() {
    let spy = crate::support::spy::Spy::new();
    let manager = crate::support::options::manager(crate::support::options::quiet(), &spy).unwrap();
    let head = crate::support::request::Head::new();
    is_send(manager.begin(&head));
    let session = crate::support::now_or_never(manager.begin(&head)).unwrap().unwrap();
    is_send(session.save());
    is_send(session.reload());
    is_send(session.destroy());
    is_send(session.regenerate());
    is_send(session.transaction(|data| data.insert("n", 1)));
    is_send(session.update("n", |n: Option<u8>| n.unwrap_or(0)));
    is_send(session.purge());
    is_send(session.finish());
}
