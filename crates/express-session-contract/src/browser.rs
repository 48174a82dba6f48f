//! Requests without HTTP: a head with a cookie, and the server side of it.

use std::net::IpAddr;
use std::time::Duration;

use express_session_core::{
    CookieOptions, Finished, NoTimer, Options, OptionsBuilder, RequestHead, Secrets, Session, SessionId,
    SessionManager,
};

use crate::Harness;

const SECRET: &str = "a secret that is only known to tests";

/// A browser with at most one cookie; a clone has the same.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    cookie: Option<String>,
}

impl Browser {
    /// One that has the cookie of a session which it got elsewhere.
    pub(crate) fn with_id(server: &SessionManager, id: &SessionId) -> Self {
        let options = server.options();
        let value = Secrets::new([SECRET]).expect("there is a secret").cookie_value(id.as_str());
        Self { cookie: Some(format!("{}={value}", options.name())) }
    }

    /// Takes the cookie of a response over; whether there was one.
    pub(crate) fn receive(&mut self, finished: Finished) -> bool {
        assert_eq!(finished.cookie_error, None, "the cookie can be written");
        let Some(set_cookie) = finished.set_cookie else { return false };
        self.cookie = set_cookie.split(';').next().map(str::to_owned);
        true
    }
}

impl RequestHead for Browser {
    fn path(&self) -> &'static str {
        "/"
    }

    fn is_tls(&self) -> bool {
        false
    }

    fn peer_addr(&self) -> Option<IpAddr> {
        None
    }

    fn headers(&self, name: &str, see: &mut dyn FnMut(&[u8])) {
        if let Some(cookie) = self.cookie.as_deref().filter(|_| name == "cookie") {
            see(cookie.as_bytes());
        }
    }
}

/// A server process with this store behind it. Two of them share nothing but the store.
pub(crate) fn server<H: Harness>(h: &H, resave: bool) -> SessionManager {
    let options = Options::express([SECRET])
        .resave(resave)
        .save_uninitialized(false)
        .cookie(CookieOptions::new().max_age(Duration::from_hours(1)))
        .build()
        .expect("the options are valid");
    SessionManager::with_clock(h.store().clone(), options, h.clock(), NoTimer)
}

/// A server on which a login wins over requests that are under way; `save_uninitialized` as given.
pub(crate) fn server_on_which_logins_win<H: Harness>(h: &H, save_uninitialized: bool) -> SessionManager {
    let options = options_on_which_logins_win()
        .save_uninitialized(save_uninitialized)
        .rolling(true)
        .build()
        .expect("the options are valid");
    SessionManager::with_clock(h.store().clone(), options, h.clock(), NoTimer)
}

pub(crate) fn options_on_which_logins_win() -> OptionsBuilder {
    Options::new([SECRET]).cookie(CookieOptions::new().max_age(Duration::from_hours(1)))
}

pub(crate) async fn begin(server: &SessionManager, browser: &Browser) -> Session {
    server.begin(browser).await.expect("the store can be read").expect("the path has sessions")
}

/// A visitor who has logged in.
pub(crate) async fn logged_in(server: &SessionManager) -> Browser {
    let mut browser = Browser::default();
    let session = begin(server, &browser).await;
    session.insert("user", "alice").expect("text can be stored");
    let response = session.finish().await.expect("the session is saved");
    assert!(browser.receive(response), "a new session sends a cookie");
    browser
}
