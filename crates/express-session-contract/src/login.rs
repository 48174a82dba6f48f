//! Requests that overlap a login, on two servers that share nothing but the store.

use express_session_core::{Session, SessionManager, SessionStoreAdmin as _};

use crate::Harness;
use crate::browser::{Browser, begin, logged_in, server_on_which_logins_win};
use crate::listed::ids;

/// How the visitor's session gets its new id.
#[derive(Clone, Copy, Debug)]
enum Login {
    Regenerate,
    Renew,
}

const LOGINS: [Login; 2] = [Login::Regenerate, Login::Renew];

/// Two servers on one store, with `save_uninitialized` off and on.
fn servers<H: Harness>(h: &H) -> [[SessionManager; 2]; 2] {
    [false, true].map(|save| [server_on_which_logins_win(h, save), server_on_which_logins_win(h, save)])
}

/// Logs the visitor in; the browser after that.
async fn log_in(server: &SessionManager, before: &Browser, login: Login) -> Browser {
    let mut browser = before.clone();
    let session = begin(server, &browser).await;
    match login {
        Login::Regenerate => session.regenerate().await.expect("the old session makes way"),
        Login::Renew => session.renew(),
    }
    session.insert("user", "bob").expect("text can be stored");
    assert!(browser.receive(session.finish().await.expect("the session is saved")), "a login sends a cookie");
    browser
}

/// Ends a request that must not undo the login: no cookie, and no session besides the login's.
async fn assert_undoes_nothing<H: Harness>(
    h: &H,
    session: &Session,
    login: &Browser,
    server: &SessionManager,
) {
    let finished = session.finish().await.expect("the request ends well");
    assert_eq!(finished.set_cookie, None, "a request that was under way replaces the login's cookie");
    assert_eq!(
        begin(server, login).await.get("user").unwrap(),
        Some("bob".to_owned()),
        "the login is undone"
    );
    assert_eq!(ids(h.store()).await.unwrap().len(), 1, "a session is kept that nobody knows of");
}

/// Requests with the old id that begin before a login and end after it send no cookie, whether they read or write.
pub async fn login_wins_over_requests_that_began_before_it<H: Harness>(h: &H) {
    for ([one, other], login) in servers(h).iter().flat_map(|servers| LOGINS.map(|login| (servers, login))) {
        let visitor = logged_in(one).await;
        let (reader, writer) = (begin(other, &visitor).await, begin(other, &visitor).await);
        let browser = log_in(one, &visitor, login).await;
        writer.insert("cart", "book").unwrap();
        assert_undoes_nothing(h, &reader, &browser, one).await;
        assert_undoes_nothing(h, &writer, &browser, one).await;
        h.store().clear().await.unwrap();
    }
}

/// Requests with the old id that arrive after a login read nothing of anybody's, and send no cookie.
pub async fn login_wins_over_requests_that_come_late<H: Harness>(h: &H) {
    for ([one, other], login) in servers(h).iter().flat_map(|servers| LOGINS.map(|login| (servers, login))) {
        let visitor = logged_in(one).await;
        let browser = log_in(one, &visitor, login).await;
        let (reader, writer, saver) =
            (begin(other, &visitor).await, begin(other, &visitor).await, begin(other, &visitor).await);
        for late in [&reader, &writer, &saver] {
            assert!(late.entries().is_empty(), "the old id yields data");
        }
        writer.insert("cart", "book").unwrap();
        saver.insert("cart", "book").unwrap();
        saver.save().await.unwrap();
        assert_undoes_nothing(h, &saver, &browser, one).await;
        assert_undoes_nothing(h, &reader, &browser, one).await;
        assert_undoes_nothing(h, &writer, &browser, one).await;
        h.store().clear().await.unwrap();
    }
}

/// A visitor whose session was gone logs in while another request with the same stale cookie is under way.
pub async fn login_wins_over_a_request_with_the_same_stale_cookie<H: Harness>(h: &H) {
    for ([one, other], login) in servers(h).iter().flat_map(|servers| LOGINS.map(|login| (servers, login))) {
        let visitor = logged_in(one).await;
        h.store().clear().await.unwrap();
        let writer = begin(other, &visitor).await;
        let browser = log_in(one, &visitor, login).await;
        writer.insert("cart", "book").unwrap();
        assert_undoes_nothing(h, &writer, &browser, one).await;
        h.store().clear().await.unwrap();
    }
}

/// Whoever logs out under the id that a login has just replaced is logged out, also over two changes of the id.
pub async fn logout_under_the_old_id_ends_the_login<H: Harness>(h: &H) {
    for ([one, other], login) in servers(h).iter().flat_map(|servers| LOGINS.map(|login| (servers, login))) {
        let visitor = logged_in(one).await;
        let early = begin(other, &visitor).await;
        let browser = log_in(one, &visitor, login).await;
        early.destroy().await.unwrap();
        assert!(begin(one, &browser).await.is_new(), "the login outlives a logout that was under way");

        let visitor = logged_in(one).await;
        let browser = log_in(one, &visitor, login).await;
        let browser = log_in(one, &browser, login).await;
        begin(other, &visitor).await.purge().await.unwrap();
        assert!(begin(one, &browser).await.is_new(), "the login outlives a logout under its old id");
        h.store().clear().await.unwrap();
    }
}

/// What another request stores while a session gets its new id is in the session afterwards.
pub async fn a_write_during_a_renewal_is_not_lost<H: Harness>(h: &H) {
    let [[one, other], _] = servers(h);
    for _ in 0..H::SCALE.races {
        let mut visitor = logged_in(&one).await;
        let renewing = begin(&one, &visitor).await;
        renewing.renew();
        let tasks: Vec<_> = (0..3)
            .map(|task| {
                let session = (other.clone(), visitor.clone());
                tokio::spawn(async move {
                    let session = begin(&session.0, &session.1).await;
                    if session.is_new() {
                        return None;
                    }
                    session.insert(format!("task{task}"), true).unwrap();
                    session.save().await.is_ok().then(|| format!("task{task}"))
                })
            })
            .collect();
        assert!(visitor.receive(renewing.finish().await.expect("the session is saved")));
        let renewed = begin(&one, &visitor).await;
        for task in tasks {
            if let Some(key) = task.await.expect("the writer does not panic") {
                assert_eq!(renewed.get(&key).unwrap(), Some(true), "{key} was lost");
            }
        }
        h.store().clear().await.unwrap();
    }
}
