//! A client with one cookie jar, and the options most tests use.

use std::cell::RefCell;
use std::collections::BTreeMap;

use actix_test::TestServer;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use express_session_actix::{Options, OptionsBuilder, SessionMiddleware};
use express_session_memory::{MemoryOptions, MemoryStore};

pub(crate) const SECRET: &str = "a secret for tests only, 32 bytes+";

/// `resave: false, saveUninitialized: false`, as the articles say.
pub(crate) fn options() -> OptionsBuilder {
    Options::express([SECRET]).resave(false).save_uninitialized(false)
}

pub(crate) fn memory() -> MemoryStore {
    MemoryStore::new(MemoryOptions::default())
}

pub(crate) fn sessions(store: &MemoryStore) -> SessionMiddleware {
    SessionMiddleware::new(store.clone(), options().build().unwrap())
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The `Set-Cookie` headers, in order.
    pub(crate) cookies: Vec<String>,
    headers: HeaderMap,
}

impl Reply {
    /// The values of a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> String {
        let values: Vec<_> = self.headers.get_all(name).map(|value| value.to_str().unwrap()).collect();
        values.join(", ")
    }
}

/// One visitor: sends back what it was given, forgets what is expired or empty.
pub(crate) struct Visitor {
    http: awc::Client,
    jar: RefCell<BTreeMap<String, String>>,
}

impl Default for Visitor {
    fn default() -> Self {
        Self { http: awc::Client::builder().disable_redirects().finish(), jar: RefCell::default() }
    }
}

impl Visitor {
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.jar.borrow().get(name).cloned()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.jar.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    pub(crate) async fn get(&self, server: &TestServer, path: &str) -> Reply {
        self.send(server, Method::GET, path).await
    }

    pub(crate) async fn send(&self, server: &TestServer, method: Method, path: &str) -> Reply {
        let cookies: Vec<_> =
            self.jar.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.http.request(method, server.url(path)).no_decompress();
        if !cookies.is_empty() {
            request = request.insert_header(("cookie", cookies.join("; ")));
        }
        let mut response = request.send().await.unwrap();
        let cookies: Vec<String> = (response.headers().get_all("set-cookie"))
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        for cookie in &cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() || cookie.contains("Expires=Thu, 01 Jan 1970") {
                self.jar.borrow_mut().remove(name);
            } else {
                self.set_cookie(name, value);
            }
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.body().await.unwrap();
        Reply { status, body: String::from_utf8(body.to_vec()).unwrap(), cookies, headers }
    }
}
